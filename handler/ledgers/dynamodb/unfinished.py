"""The sweep's list of unfinished groups: an index that knows too many of them, and the rows, which know better."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.row import Group
from handler.ledgers.dynamodb.items import SHARDS, Item, is_unfinished, row_key, shard_name, string, text_of
from handler.ledgers.dynamodb.schema import INDEX
from handler.ledgers.dynamodb.table import KEYS_MAX, Table
from handler.ledgers.dynamodb.updates import unmarked

# What has to be known of a row to say whether it is unfinished.
ATTRIBUTES = "pk, sk, version, standing, attempt, queued"


def unfinished(table: Table, app: int, limit: int, after: str) -> list[str]:
    """Ids of unfinished groups in the order of their code points; those that are idle lose their mark.

    The index is behind by some milliseconds, so a group that was marked just now may be told only next time.
    """
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
