"""Which groups know a counter key, read from the rows themselves: one machine's rows are soon read."""

from __future__ import annotations

import json
import sqlite3

from handler.core.model.codec import decode_row
from handler.ledgers.sqlite.schema import READ_NAMING


def known(connection: sqlite3.Connection, app: int, key: str, by: int, limit: int, after: str) -> list[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`."""
    text, found = json.dumps(key, ensure_ascii=False), list[str]()
    while len(found) < limit:
        rows: list[tuple[str, str]] = connection.execute(READ_NAMING, (app, after, text, limit)).fetchall()
        found += [group_id for group_id, body in rows if _knows(body, key, by)]
        if len(rows) < limit:
            break
        after = rows[-1][0]
    return found[:limit]


def _knows(body: str, key: str, by: int) -> bool:
    """Whether the row knows the key. A row that cannot be decoded counts too: the visit to it reports what is wrong."""
    try:
        return dict(decode_row(body).keys).get(key, by + 1) <= by
    except ValueError:
        return True
