"""Facts beside the rows in the embedded ledger's file: the generation, an app's schedules, its notes of windows."""

from __future__ import annotations

import sqlite3

from handler.core.ports.ledger import Generation
from handler.core.ports.schedules import Schedule, Stand
from handler.ledgers.sqlite import schema as statements


def generation_in(connection: sqlite3.Connection) -> Generation:
    """The generation as it stands."""
    found: tuple[int, int] = connection.execute(statements.READ_GENERATION).fetchone()
    return Generation(*found)


def windows_of(connection: sqlite3.Connection, app: int) -> str | None:
    """The notes of an app's windows."""
    found: tuple[str] | None = connection.execute(statements.READ_WINDOWS, (app,)).fetchone()
    return found[0] if found else None


def stand_of(connection: sqlite3.Connection, app: int, schedule: Schedule) -> tuple[Stand, float]:
    """How a schedule stands, and the time by the clock that all processes on this machine share."""
    connection.execute(statements.MAKE_SCHEDULES)
    found: tuple[float, float, float] = connection.execute(statements.READ_SCHEDULE, (app, schedule.value)).fetchone()
    return Stand(found[0], found[1]), found[2]


def write_stand(connection: sqlite3.Connection, app: int, schedule: Schedule, stand: Stand) -> None:
    """Let a schedule stand so from now on."""
    connection.execute(statements.WRITE_SCHEDULE, (app, schedule.value, stand.free_at, stand.held_until))
