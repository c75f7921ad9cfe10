"""Rows and records as the file has them, read within a transaction of the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress

from handler.core.errors import LaterVersion
from handler.core.model.codec import decode_row
from handler.core.model.outcome import Record, decode_record
from handler.core.model.row import Group, Row
from handler.ledgers.sqlite import schema as statements


def row_in(connection: sqlite3.Connection, group: Group) -> Row | None:
    """The row of a group, if it has one."""
    found: tuple[str] | None = connection.execute(statements.READ_ROW, (group.app, group.id)).fetchone()
    return decode_row(found[0]) if found else None


def rows_in(connection: sqlite3.Connection, app: int, ids: Iterable[str]) -> dict[str, Row]:
    """The rows of these groups that exist and can be read."""
    rows: dict[str, Row] = {}
    for group_id in ids:
        with suppress(LaterVersion):
            row = row_in(connection, Group(app, group_id))
            if row is not None:
                rows[group_id] = row
    return rows


def records_in(connection: sqlite3.Connection, group: Group, ids: Sequence[str]) -> dict[str, Record]:
    """The records of these operations that exist."""
    found: dict[str, Record] = {}
    for operation_id in ids:
        body: tuple[str] | None = connection.execute(
            statements.READ_RECORD, (group.app, group.id, operation_id)
        ).fetchone()
        if body:
            found[operation_id] = decode_record(body[0])
    return found
