"""The watermark of each partition of a source (R13), in a table that older files get when it is first needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from handler.core.model.row import Group
from handler.core.state.watermarks import NO_WATERMARKS, WATERMARK_S, Watermarks
from handler.ledgers.sqlite import schema as statements

# Each write forgets this many watermarks more than it raises, if their time has passed.
FORGOTTEN_PER_WRITE = 4


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
