"""The sorted sets in each bucket that index its groups: the unfinished, the held, and the keys that each knows.

A script that changes a row changes them in the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from heapq import merge
from itertools import islice
from typing import cast

from handler.core.errors import LaterVersion
from handler.core.model.row import Group, Row
from handler.ledgers.redis.client import RedisClient
from handler.ledgers.redis.rows import BUCKETS, ROW_FIELDS, Keys, known_in, known_range, row_of


def listed(client: RedisClient, lists_of_all: Sequence[str], limit: int, after: str) -> Sequence[str]:
    """Ids of groups, merged from the lists of all buckets in the order of their code points."""
    begin = f"({after}" if after else "-"
    lists = client.ask_each([(key, ("ZRANGEBYLEX", key, begin, "+", "LIMIT", 0, limit)) for key in lists_of_all])
    return list(islice(merge(*cast("list[list[str]]", lists)), limit))


def rows(client: RedisClient, keys: Keys, app: int, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of these groups that can be read, in one round trip, or in one for each bucket of a cluster."""
    names = {group_id: keys.row(Group(app, group_id)) for group_id in ids}
    stored = client.ask_each([(key, ("HMGET", key, *ROW_FIELDS)) for key in names.values()]) if names else []
    rows: dict[str, Row] = {}
    for group_id, fields in zip(names, cast("list[list[str | None]]", stored), strict=True):
        with suppress(LaterVersion):
            row = row_of(fields)
            if row is not None:
                rows[group_id] = row
    return rows


def groups_with_key(
    client: RedisClient, keys: Keys, app: int, key: str, by: int, limit: int, after: str
) -> Sequence[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`.

    Each bucket is asked for its part of a page. Beyond the last id of a bucket that may have more, nothing is known.
    """
    part = limit // BUCKETS + 1
    while True:
        first, last = known_range(key, after)
        commands = [(name, ("ZRANGEBYLEX", name, first, last, "LIMIT", 0, part)) for name in keys.every("known", app)]
        lists = [known_in(key, members) for members in cast("list[list[str]]", client.ask_each(commands))]
        horizon = min((listed[-1][0] for listed in lists if len(listed) == part), default=None)
        found = sorted(
            group_id
            for listed in lists
            for group_id, since in listed
            if since <= by and (horizon is None or group_id <= horizon)
        )
        if found or horizon is None:
            return found[:limit]
        after = horizon


def has_rows(client: RedisClient, keys: Keys, app: int) -> bool:
    """Whether any bucket has a group that is unfinished or held, or in which something has landed."""
    lists = [*keys.every("unfinished", app), *keys.every("held", app), *keys.every("known", app)]
    return 1 in client.ask_each([(key, ("EXISTS", key)) for key in lists])
