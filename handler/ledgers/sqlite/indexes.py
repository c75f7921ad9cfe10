"""The groups of the embedded ledger: the unfinished and the held ones by an index each, others by their rows.

One machine's rows are soon read.
"""

from __future__ import annotations

import json
import sqlite3

from handler.core.errors import LaterVersion
from handler.core.model.codec import decode_row
from handler.ledgers.sqlite import schema as statements


def unfinished(connection: sqlite3.Connection, app: int, limit: int, after: str) -> list[str]:
    """Ids of unfinished groups in the order of their code points."""
    part = app, after
    found: list[tuple[str]] = connection.execute(statements.READ_UNFINISHED, (*part, *part, limit)).fetchall()
    return [group_id for (group_id,) in found]


def held(connection: sqlite3.Connection, app: int, limit: int, after: str) -> list[str]:
    """Ids of held groups in the order of their code points."""
    found: list[tuple[str]] = connection.execute(statements.READ_HELD, (app, after, limit)).fetchall()
    return [group_id for (group_id,) in found]


def groups_with_key(connection: sqlite3.Connection, app: int, key: str, by: int, limit: int, after: str) -> list[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`."""
    text, found = json.dumps(key, ensure_ascii=False), list[str]()
    while len(found) < limit:
        rows: list[tuple[str, str]] = connection.execute(statements.READ_NAMING, (app, after, text, limit)).fetchall()
        found += [group_id for group_id, body in rows if _knows(body, key, by)]
        if len(rows) < limit:
            break
        after = rows[-1][0]
    return found[:limit]


def has_rows(connection: sqlite3.Connection, app: int) -> bool:
    """Whether any group of the app has a row."""
    return connection.execute(statements.READ_ANY_ROW, (app,)).fetchone() is not None


def _knows(body: str, key: str, by: int) -> bool:
    """Whether the row knows the key. A row that cannot be decoded counts too: the visit to it reports what is wrong."""
    try:
        return dict(decode_row(body).keys).get(key, by + 1) <= by
    except LaterVersion:
        return True
