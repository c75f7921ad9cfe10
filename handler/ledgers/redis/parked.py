"""Parked records and notes beside the ledger in Redis, in keys of each app."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from handler.core.ports.ledger import Parked
from handler.ledgers.redis.client import RedisClient, Use
from handler.ledgers.redis.rows import Keys
from handler.ledgers.redis.scripts import Script

# KEYS: ids, texts. ARGV: id, text.
PARK = Script(
    """
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 0 then return false end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1
"""
)

# KEYS: ids, texts. ARGV: where to begin, how many.
PARKED = Script(
    """
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(ids))
"""
)

# KEYS: ids, texts. ZCARD would be a right more, which users of earlier versions lack.
COUNT = Script("return #redis.call('ZRANGEBYLEX', KEYS[1], '-', '+')")

# KEYS: ids, texts. ARGV: id.
UNPARK = Script(
    """
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return false end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
"""
)


class RedisParked:
    """`ParkedRecords` and `Notes` in a ledger's server, which is opened and closed with that ledger."""

    def __init__(self, client: RedisClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record, in one script; for one that is kept already nothing is written."""
        text = json.dumps([parked.id, parked.source, parked.reason, parked.at, parked.payload], ensure_ascii=False)
        self._client.run(PARK, self._keys.parked(app), [parked.id, text])

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""
        begin = f"({after}" if after else "-"
        texts = self._client.run(PARKED, self._keys.parked(app), [begin, limit], Use.READ)
        return [Parked(*json.loads(text)) for text in cast("list[str]", texts)]

    def count(self, app: int) -> int:
        """How many records are kept."""
        return cast("int", self._client.run(COUNT, self._keys.parked(app), (), Use.READ))

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record, in one script."""
        return self._client.run(UNPARK, self._keys.parked(app), [parked_id]) == 1

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact; the same one again is written again, which changes nothing."""
        key = self._keys.notes(app)
        self._client.ask(key, ("HSET", key, name, text), use=Use.WRITE)

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""
        key = self._keys.notes(app)
        (text,) = self._client.ask(key, ("HGET", key, name))
        return cast("str | None", text)
