"""The table's two indexes: unfinished groups, for the sweep, and groups by the counter keys that they know.

The index of unfinished groups holds too many, so each candidate is confirmed against its row. Both indexes are behind
by some milliseconds.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.row import Group
from handler.ledgers.dynamodb.items import SHARDS, Item, is_unfinished, number, row_key, shard_name, string, text_of
from handler.ledgers.dynamodb.schema import INDEX, KNOWN_INDEX
from handler.ledgers.dynamodb.table import KEYS_MAX, Table
from handler.ledgers.dynamodb.updates import unmarked

# The attributes that show whether a row is unfinished.
ATTRIBUTES = "pk, sk, version, standing, attempt, queued"

# Items of the index of keys that one request looks at, at least: they are small, and those without the key are skipped.
PAGE_MIN = 100


def unfinished(table: Table, app: int, limit: int, after: str) -> list[str]:
    """Ids of unfinished groups in the order of their code points; those that are idle lose their mark."""
    marked = heapq.merge(*(_marked(table, app, shard, limit, after) for shard in range(SHARDS)))
    ids: list[str] = []
    while len(ids) < limit:
        candidates = list(islice(marked, min(KEYS_MAX, limit - len(ids))))
        if not candidates:
            break
        ids += _checked(table, app, candidates)
    return ids


def _marked(table: Table, app: int, shard: int, page: int, after: str) -> Iterator[str]:
    """Ids of one shard's marked groups, in order."""
    prefix = f"{app}#"
    request = {
        "IndexName": INDEX,
        "KeyConditionExpression": "#shard = :shard AND pk > :after",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {":shard": string(shard_name(app, shard)), ":after": string(prefix + after)},
    }
    for item in table.query(request, page):
        yield text_of(item, "pk").removeprefix(prefix)


def _checked(table: Table, app: int, ids: Sequence[str]) -> list[str]:
    rows = table.get_all([row_key(Group(app, group_id)) for group_id in ids], ATTRIBUTES)
    by_key = {text_of(row, "pk"): row for row in rows}
    kept: list[str] = []
    for group_id in ids:
        row = by_key.get(f"{app}#{group_id}")
        if row is None:
            continue
        if is_unfinished(row):
            kept.append(group_id)
        else:
            _unmark(table, row)
    return kept


def _unmark(table: Table, row: Item) -> None:
    # A mark that stays costs the next sweep one more look, and a row that has changed meanwhile keeps its own.
    with contextlib.suppress(AnswerLost, LedgerUnavailable):
        table.update(unmarked(row))


def groups_with_key(table: Table, app: int, key: str, by: int, limit: int, after: str) -> list[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`."""
    page = max(PAGE_MIN, 2 * limit // SHARDS)
    shards = [_with_key(table, app, shard, key, by, after, page) for shard in range(SHARDS)]
    return list(islice(heapq.merge(*shards), limit))


def _with_key(table: Table, app: int, shard: int, key: str, by: int, after: str, page: int) -> Iterator[str]:
    prefix = f"{app}#"
    values = {":shard": string(shard_name(app, shard)), ":after": string(prefix + after), ":by": number(by)}
    request = {
        "IndexName": KNOWN_INDEX,
        "KeyConditionExpression": "known = :shard AND pk > :after",
        "FilterExpression": "since.#key <= :by",
        "ExpressionAttributeNames": {"#key": key},
        "ExpressionAttributeValues": values,
    }
    for item in table.query(request, page):
        yield text_of(item, "pk").removeprefix(prefix)
