"""Which groups know a counter key: an index of the rows that know any, with the keys and since when beside each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice

from handler.ledgers.dynamodb.items import SHARDS, number, shard_name, string, text_of
from handler.ledgers.dynamodb.schema import KNOWN_INDEX
from handler.ledgers.dynamodb.table import Table

# Items of the index that one request looks at, at least: they are small, and those without the key are passed over.
PAGE_MIN = 100


def known(table: Table, app: int, key: str, by: int, limit: int, after: str) -> list[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`.

    The index is behind by some milliseconds.
    """
    page = max(PAGE_MIN, 2 * limit // SHARDS)
    shards = [_in_shard(table, app, shard, key, by, after, page) for shard in range(SHARDS)]
    return list(islice(heapq.merge(*shards), limit))


def _in_shard(table: Table, app: int, shard: int, key: str, by: int, after: str, page: int) -> Iterator[str]:
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
