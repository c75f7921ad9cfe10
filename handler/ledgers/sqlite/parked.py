"""Parked records and notes beside the embedded ledger, in the same SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from handler.core.ports.ledger import Parked, ParkedLabel
from handler.core.ports.system import Clock
from handler.ledgers.sqlite.file import SqliteFile

_PARK = """
    INSERT INTO parked (app, id, source, reason, at, payload) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (app, id) DO NOTHING"""
_END = "INSERT OR REPLACE INTO parked_ends (app, id, expires_at) VALUES (?, ?, ?)"
_READ_PARKED = """
    SELECT id, source, reason, at, payload, coalesce(expires_at, 0) FROM parked LEFT JOIN parked_ends USING (app, id)
    WHERE app = ? AND id > ? ORDER BY id LIMIT ?"""
_READ_LABELS = """
    SELECT id, source, coalesce(expires_at, 0) FROM parked LEFT JOIN parked_ends USING (app, id) WHERE app = ?"""
_UNPARK = "DELETE FROM parked WHERE app = ? AND id = ?"
_UNEND = "DELETE FROM parked_ends WHERE app = ? AND id = ?"
_ENDED = "SELECT app, id FROM parked_ends WHERE app = ? AND expires_at <= ?"
_NOTE = """
    INSERT INTO notes (app, name, body) VALUES (?, ?, ?)
    ON CONFLICT (app, name) DO UPDATE SET body = excluded.body"""
_READ_NOTE = "SELECT body FROM notes WHERE app = ? AND name = ?"


class SqliteParked:
    """`ParkedRecords` and `Notes` in a ledger's file, which is opened and closed with that ledger."""

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record, in one write transaction; for one that is kept already nothing is written."""
        row = (app, parked.id, parked.source, parked.reason, parked.at, parked.payload)

        def kept(connection: sqlite3.Connection) -> bool:
            self._drop_ended(connection, app)
            is_new = connection.execute(_PARK, row).rowcount > 0
            if is_new and parked.expires_at:
                connection.execute(_END, (app, parked.id, parked.expires_at))
            return is_new

        self._file.write(kept)

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""

        def page(connection: sqlite3.Connection) -> list[Parked]:
            found: list[tuple[str, str, str, float, str, float]]
            found = connection.execute(_READ_PARKED, (app, after, limit)).fetchall()
            return [Parked(*row) for row in found]

        return self._file.read(page)

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        """The labels of all records; those whose time has come are dropped, in a write transaction of their own."""

        def found(connection: sqlite3.Connection) -> list[ParkedLabel]:
            return [ParkedLabel(*label) for label in connection.execute(_READ_LABELS, (app,))]

        labels, now = self._file.read(found), self._clock.now()
        if any(0 < label.expires_at <= now for label in labels):
            self._file.write(lambda connection: self._drop_ended(connection, app))
        return (label for label in labels if not 0 < label.expires_at <= now)

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record, in one write transaction."""
        return self._file.write(lambda connection: _drop(connection, app, parked_id))

    def _drop_ended(self, connection: sqlite3.Connection, app: int) -> int:
        ended = connection.execute(_ENDED, (app, self._clock.now())).fetchall()
        for owner, parked_id in ended:
            _drop(connection, owner, parked_id)
        return len(ended)

    def expires(self) -> bool:
        """Each sweep drops what has ended."""
        return True

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact, in one write transaction."""
        self._file.write(lambda connection: connection.execute(_NOTE, (app, name, text)).rowcount)

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""

        def text(connection: sqlite3.Connection) -> str | None:
            found: tuple[str] | None = connection.execute(_READ_NOTE, (app, name)).fetchone()
            return found[0] if found else None

        return self._file.read(text)


def _drop(connection: sqlite3.Connection, app: int, parked_id: str) -> bool:
    connection.execute(_UNEND, (app, parked_id))
    return connection.execute(_UNPARK, (app, parked_id)).rowcount > 0
