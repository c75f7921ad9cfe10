"""How far each place of a source has been settled (R13), in a table that older files get when it is first needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from handler.core.model.row import Group
from handler.core.state.watermarks import MARK_S, NO_MARKS, Marks
from handler.ledgers.sqlite import schema as statements

# Each write forgets this many marks more than it raises, if their time has passed.
FORGOTTEN_PER_WRITE = 4


def reached(connection: sqlite3.Connection, group: Group, places: Collection[str]) -> Marks:
    """The marks of these places, within a write transaction."""
    if not places:
        return NO_MARKS
    _make(connection)
    found: dict[str, str] = {}
    for place in places:
        mark: tuple[str] | None = connection.execute(statements.READ_MARK, (group.app, group.id, place)).fetchone()
        if mark:
            found[place] = mark[0]
    return found


def raise_marks(connection: sqlite3.Connection, group: Group, marks: Marks, now: float) -> None:
    """Write those that are not there yet or lower."""
    if not marks:
        return
    _make(connection)
    connection.execute(statements.FORGET_MARKS, (now, len(marks) + FORGOTTEN_PER_WRITE))
    connection.executemany(
        statements.RAISE_MARK, [(group.app, group.id, place, now + MARK_S, last) for place, last in marks.items()]
    )


def _make(connection: sqlite3.Connection) -> None:
    for statement in statements.MAKE_MARKS:
        connection.execute(statement)
