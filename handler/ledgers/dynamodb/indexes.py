"""The table's two indexes: unfinished and held groups by their marks, and groups by the counter keys that they know.

Marks stand for too many groups, so each candidate is confirmed against its row, and one that belongs elsewhere is put
there: a group that is idle loses its mark, and one that an earlier version froze gets that of the held. Both indexes
are behind by some milliseconds.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice

from handler.core.errors import AnswerLost, LaterVersion, LedgerUnavailable
from handler.core.model.row import Group, Row
from handler.ledgers.dynamodb.items import (
    SHARDS,
    Item,
    held_shard_name,
    is_held,
    is_unfinished,
    mark_of,
    noted_name,
    number,
    row_key,
    shard_name,
    stored_row,
    string,
    text_of,
)
from handler.ledgers.dynamodb.schema import INDEX, KNOWN_INDEX
from handler.ledgers.dynamodb.table import KEYS_MAX, Table
from handler.ledgers.dynamodb.updates import marked

# The attributes that show whether a row is unfinished or held.
ATTRIBUTES = "pk, sk, version, standing, held, attempt, queued"

# Items of the index of keys that one request looks at, at least: they are small, and those without the key are skipped.
PAGE_MIN = 100


def unfinished(table: Table, app: int, limit: int, after: str) -> list[str]:
    """Ids of unfinished groups in the order of their code points."""
    marks = [*(shard_name(app, shard) for shard in range(SHARDS)), noted_name(app)]
    return _listed(table, app, marks, is_unfinished, limit, after)


def held(table: Table, app: int, limit: int, after: str) -> list[str]:
    """Ids of held groups in the order of their code points."""
    marks = [*(held_shard_name(app, shard) for shard in range(SHARDS)), noted_name(app)]
    return _listed(table, app, marks, is_held, limit, after)


def _listed(
    table: Table, app: int, marks: Sequence[str], belongs: Callable[[Item], bool], limit: int, after: str
) -> list[str]:
    merged = heapq.merge(*(_marked(table, app, mark, limit, after) for mark in marks))
    # One that is marked otherwise meanwhile may be met twice.
    candidates = (group_id for group_id, _ in groupby(merged))
    ids: list[str] = []
    while len(ids) < limit:
        page = list(islice(candidates, min(KEYS_MAX, limit - len(ids))))
        if not page:
            break
        ids += _checked(table, app, page, belongs)
    return ids


def _marked(table: Table, app: int, mark: str, page: int, after: str) -> Iterator[str]:
    """Ids of the groups under one mark, in order."""
    prefix = f"{app}#"
    request = {
        "IndexName": INDEX,
        "KeyConditionExpression": "#shard = :shard AND pk > :after",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {":shard": string(mark), ":after": string(prefix + after)},
    }
    for item in table.query(request, page):
        yield text_of(item, "pk").removeprefix(prefix)


def _checked(table: Table, app: int, ids: Sequence[str], belongs: Callable[[Item], bool]) -> list[str]:
    groups = [Group(app, group_id) for group_id in ids]
    by_key = {text_of(row, "pk"): row for row in table.get_all([row_key(group) for group in groups], ATTRIBUTES)}
    kept: list[str] = []
    for group in groups:
        row = by_key.get(f"{app}#{group.id}")
        if row is None:
            continue
        if belongs(row):
            kept.append(group.id)
        else:
            _mark(table, row, mark_of(group, held=is_held(row), unfinished=is_unfinished(row)))
    return kept


def _mark(table: Table, row: Item, mark: str) -> None:
    # A wrong mark costs the next look one more, and a row that has changed meanwhile keeps its own.
    with contextlib.suppress(AnswerLost, LedgerUnavailable):
        table.update(marked(row, mark))


def rows(table: Table, app: int, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of these groups that exist and can be read, each read strongly."""
    prefix, found = f"{app}#", dict[str, Row]()
    for item in table.get_all([row_key(Group(app, group_id)) for group_id in dict.fromkeys(ids)]):
        with contextlib.suppress(LaterVersion):
            found[text_of(item, "pk").removeprefix(prefix)] = stored_row(item).row
    return found


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
