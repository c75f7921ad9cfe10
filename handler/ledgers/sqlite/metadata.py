"""What the embedded ledger's file holds beside rows and records: generation, pause, windows, schedules, watermarks.

Schedules (R14) and watermarks (R13) have tables that older files get when they are first needed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.row import Group, Pause
from handler.core.ports.ledger import Generation
from handler.core.ports.schedules import AnySchedule, Hold, Stand
from handler.core.state.watermarks import WATERMARK_S
from handler.ledgers.sqlite import schema as statements

# Each write forgets this many watermarks more than it raises, if their time has passed.
FORGOTTEN_PER_WRITE = 4


def generation_in(connection: sqlite3.Connection) -> Generation:
    """The generation as it stands."""
    found: tuple[int, int, int | None, str | None] = connection.execute(statements.READ_GENERATION).fetchone()
    number, started, since, reason = found
    return Generation(number, started, None if since is None or reason is None else Pause(since, reason))


def write_pause(connection: sqlite3.Connection, pause: Pause | None) -> None:
    """Put this pause in place of any other, or none."""
    connection.execute(statements.END_PAUSE)
    if pause is not None:
        connection.execute(statements.BEGIN_PAUSE, (pause.since, pause.reason))


def windows_of(connection: sqlite3.Connection, app: int) -> str | None:
    """The notes of an app's windows."""
    found: tuple[str] | None = connection.execute(statements.READ_WINDOWS, (app,)).fetchone()
    return found[0] if found else None


def replace_windows(connection: sqlite3.Connection, app: int, text: str, instead_of: str | None) -> bool:
    """Write an app's notes of windows in place of those that were read; False where others stand there."""
    if windows_of(connection, app) != instead_of:
        return False
    connection.execute(statements.WRITE_WINDOWS, (app, text))
    return True


def stand_of(connection: sqlite3.Connection, app: int, schedule: AnySchedule) -> tuple[Stand, float]:
    """How a schedule stands, and the time by the clock that all processes on this machine share."""
    connection.execute(statements.MAKE_SCHEDULES)
    found: tuple[float, float, float] = connection.execute(statements.READ_SCHEDULE, (app, schedule.value)).fetchone()
    return Stand(found[0], found[1]), found[2]


def write_stand(connection: sqlite3.Connection, app: int, schedule: AnySchedule, stand: Stand) -> None:
    """Let a schedule stand so from now on."""
    connection.execute(statements.WRITE_SCHEDULE, (app, schedule.value, stand.free_at, stand.held_until))


def hold_schedule(connection: sqlite3.Connection, hold: Hold) -> bool:
    """Lend nothing of a schedule for so long; True, because it is always written."""
    stand, now = stand_of(connection, hold.app, hold.schedule)
    write_stand(connection, hold.app, hold.schedule, Stand(stand.free_at, now + hold.seconds))
    return True


def reached(connection: sqlite3.Connection, group: Group, partitions: Collection[str]) -> Watermarks:
    """The watermarks of these partitions, within a write transaction."""
    if not partitions:
        return NO_WATERMARKS
    _make(connection)
    found: dict[str, str] = {}
    for partition in partitions:
        stored: tuple[str] | None = connection.execute(
            statements.READ_WATERMARK, (group.app, group.id, partition)
        ).fetchone()
        if stored:
            found[partition] = stored[0]
    return found


def raise_watermarks(connection: sqlite3.Connection, group: Group, watermarks: Watermarks, now: float) -> None:
    """Write those that are not there yet or lower."""
    if not watermarks:
        return
    _make(connection)
    connection.execute(statements.FORGET_WATERMARKS, (now, len(watermarks) + FORGOTTEN_PER_WRITE))
    connection.executemany(
        statements.RAISE_WATERMARK,
        [(group.app, group.id, partition, now + WATERMARK_S, sequence) for partition, sequence in watermarks.items()],
    )


def _make(connection: sqlite3.Connection) -> None:
    for statement in statements.MAKE_WATERMARKS:
        connection.execute(statement)
