"""What the embedded ledger tells SQLite: the tables that make an empty file a ledger, and every statement on them."""

from __future__ import annotations

from handler.ledgers.sqlite.file import FileFormat

LEDGER = FileFormat(
    application_id=0x75676332,  # "ugc2"
    schema=(
        """CREATE TABLE groups (
            app INTEGER NOT NULL, id TEXT NOT NULL,
            version INTEGER NOT NULL, unfinished INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (app, id))""",
        "CREATE INDEX unfinished_groups ON groups (app, id) WHERE unfinished = 1",
        """CREATE TABLE records (
            app INTEGER NOT NULL, group_id TEXT NOT NULL, id TEXT NOT NULL,
            expires_at REAL NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (app, group_id, id)) WITHOUT ROWID""",
        "CREATE INDEX records_by_expiry ON records (expires_at)",
        """CREATE TABLE parked (
            app INTEGER NOT NULL, id TEXT NOT NULL,
            source TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL, payload TEXT NOT NULL,
            PRIMARY KEY (app, id))""",
        "CREATE TABLE notes (app INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (app, name))",
        "CREATE TABLE ledger (generation INTEGER NOT NULL, started INTEGER NOT NULL)",
        "INSERT INTO ledger VALUES (1, 0)",
    ),
    # What files of earlier versions lack.
    additions=(
        "CREATE INDEX IF NOT EXISTS held_groups ON groups (app, id) WHERE unfinished > 1",
        "CREATE TABLE IF NOT EXISTS pause (since INTEGER NOT NULL, reason TEXT NOT NULL)",
        """CREATE TABLE IF NOT EXISTS parked_ends (
            app INTEGER NOT NULL, id TEXT NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (app, id)) WITHOUT ROWID""",
    ),
)

# What `unfinished` says of a row: 1 that it is unfinished, 2 that it is held, 3 both, and 0 neither.
UNFINISHED, HELD = 1, 2

READ_ROW = "SELECT body FROM groups WHERE app = ? AND id = ?"
READ_VERSION = "SELECT version FROM groups WHERE app = ? AND id = ?"
READ_RECORD = "SELECT body FROM records WHERE app = ? AND group_id = ? AND id = ?"
# Each half has its index.
READ_UNFINISHED = """
    SELECT id FROM groups WHERE app = ? AND unfinished = 1 AND id > ?
    UNION ALL SELECT id FROM groups WHERE app = ? AND unfinished > 1 AND unfinished = 3 AND id > ?
    ORDER BY id LIMIT ?"""
READ_HELD = "SELECT id FROM groups WHERE app = ? AND unfinished > 1 AND id > ? ORDER BY id LIMIT ?"
# Rows that hold the key's text anywhere; the caller decodes them to be sure.
READ_NAMING = "SELECT id, body FROM groups WHERE app = ? AND id > ? AND instr(body, ?) > 0 ORDER BY id LIMIT ?"
READ_ANY_ROW = "SELECT 1 FROM groups WHERE app = ? LIMIT 1"
READ_GENERATION = "SELECT generation, started, since, reason FROM ledger LEFT JOIN pause ON 1"
RAISE_GENERATION = "UPDATE ledger SET generation = generation + 1, started = 0"
START_GENERATION = "UPDATE ledger SET started = ? WHERE generation = ? AND started = ?"
END_PAUSE = "DELETE FROM pause"
BEGIN_PAUSE = "INSERT INTO pause VALUES (?, ?)"
# Files that are older than the schedules get them when they are first needed.
MAKE_SCHEDULES = """
    CREATE TABLE IF NOT EXISTS turns (
    app INTEGER NOT NULL, schedule TEXT NOT NULL, free_at REAL NOT NULL, held_until REAL NOT NULL,
    PRIMARY KEY (app, schedule)) WITHOUT ROWID"""
# The state of a schedule, and the seconds since 1970 by SQLite's clock, the machine's, which all processes share.
READ_SCHEDULE = """
    SELECT coalesce(max(free_at), 0), coalesce(max(held_until), 0), (julianday('now') - 2440587.5) * 86400.0
    FROM turns WHERE app = ? AND schedule = ?"""
WRITE_SCHEDULE = """
    INSERT INTO turns (app, schedule, free_at, held_until) VALUES (?, ?, ?, ?)
    ON CONFLICT (app, schedule) DO UPDATE SET free_at = excluded.free_at, held_until = excluded.held_until"""
# And marks when the first record of a stream comes.
MAKE_WATERMARKS = (
    """CREATE TABLE IF NOT EXISTS marks (
        app INTEGER NOT NULL, group_id TEXT NOT NULL, place TEXT NOT NULL,
        expires_at REAL NOT NULL, last TEXT NOT NULL,
        PRIMARY KEY (app, group_id, place)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS marks_by_expiry ON marks (expires_at)",
)
READ_WATERMARK = "SELECT last FROM marks WHERE app = ? AND group_id = ? AND place = ?"
RAISE_WATERMARK = """
    INSERT INTO marks (app, group_id, place, expires_at, last) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (app, group_id, place) DO UPDATE
    SET expires_at = excluded.expires_at, last = excluded.last WHERE last < excluded.last"""
FORGET_WATERMARKS = """
    DELETE FROM marks WHERE (app, group_id, place) IN
    (SELECT app, group_id, place FROM marks WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""
WRITE_ROW = """
    INSERT INTO groups (app, id, version, unfinished, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (app, id) DO UPDATE
    SET version = excluded.version, unfinished = excluded.unfinished, body = excluded.body"""
DELETE_ROW = "DELETE FROM groups WHERE app = ? AND id = ? AND version = ?"
# The first answer wins. Records are written only with a row that still owes their operations, so a second answer can
# only come from a mistake elsewhere; the first may have been given to a caller, and an error here would hold up the
# group for ever.
WRITE_RECORD = """
    INSERT INTO records (app, group_id, id, expires_at, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (app, group_id, id) DO NOTHING"""
FORGET = """
    DELETE FROM records WHERE (app, group_id, id) IN
    (SELECT app, group_id, id FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""
# The notes of windows are one of the app's notes.
READ_WINDOWS = "SELECT body FROM notes WHERE app = ? AND name = 'windows'"
WRITE_WINDOWS = """
    INSERT INTO notes (app, name, body) VALUES (?, 'windows', ?)
    ON CONFLICT (app, name) DO UPDATE SET body = excluded.body"""
