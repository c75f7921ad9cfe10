"""The sorted sets in each bucket that index its groups: the unfinished ones, and the counter keys that each knows.

A script that changes a row changes them in the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from itertools import islice
from typing import cast

from handler.ledgers.redis.client import RedisClient
from handler.ledgers.redis.rows import BUCKETS, Keys, known_in, known_range


def unfinished(client: RedisClient, keys: Keys, app: int, limit: int, after: str) -> Sequence[str]:
    """Ids of unfinished groups, merged from the lists of all buckets in the order of their code points."""
    begin = f"({after}" if after else "-"
    lists = client.ask_each(
        [(key, ("ZRANGEBYLEX", key, begin, "+", "LIMIT", 0, limit)) for key in keys.all_unfinished(app)]
    )
    return list(islice(merge(*cast("list[list[str]]", lists)), limit))


def groups_with_key(
    client: RedisClient, keys: Keys, app: int, key: str, by: int, limit: int, after: str
) -> Sequence[str]:
    """Ids of groups that have known `key` since `by`, in the order of their code points, at most `limit`.

    Each bucket is asked for its part of a page. Beyond the last id of a bucket that may have more, nothing is known.
    """
    part = limit // BUCKETS + 1
    while True:
        first, last = known_range(key, after)
        commands = [(name, ("ZRANGEBYLEX", name, first, last, "LIMIT", 0, part)) for name in keys.all_known(app)]
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
    """Whether any bucket has a group that is unfinished or in which something has landed."""
    lists = [*keys.all_unfinished(app), *keys.all_known(app)]
    return 1 in client.ask_each([(key, ("EXISTS", key)) for key in lists])
