"""Parked records and notes beside the ledger in Redis, in keys of each app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import cast

from handler.core.ports.ledger import Parked, ParkedLabel
from handler.core.ports.system import Clock
from handler.ledgers.redis.client import RedisClient, Use
from handler.ledgers.redis.rows import Keys
from handler.ledgers.redis.scripts import Script

# A label is when a record ends by the server's clock, in milliseconds, when it ends as it was stamped, in seconds, and
# its source. Records of earlier versions have none, and stay. `is_over` tells whether the end has come.
_OVER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function is_over(label)
  return label and tonumber(string.match(label, '^%d+')) <= now
end
"""

# KEYS: ids, texts, labels. ARGV: id, text, for how many milliseconds it is kept, or nothing, the rest of its label.
PARK = Script(
    _OVER
    + """
local over = is_over(redis.call('HGET', KEYS[3], ARGV[1]))
if not over and redis.call('HGET', KEYS[2], ARGV[1]) then return false end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f', now + tonumber(ARGV[3])) .. ':' .. ARGV[4])
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1
"""
)

# KEYS: ids, texts, labels. ARGV: where to begin, how many.
PARKED = Script(
    """
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {{}, {}} end
return {redis.call('HMGET', KEYS[2], unpack(ids)), redis.call('HMGET', KEYS[3], unpack(ids))}
"""
)

# KEYS: ids, texts, labels. ARGV: where to begin, how many. What has ended is dropped, and has an empty label here.
LABELS = Script(
    _OVER
    + """
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {{}, {}} end
local labels = redis.call('HMGET', KEYS[3], unpack(ids))
for i, id in ipairs(ids) do
  if is_over(labels[i]) then
    redis.call('HDEL', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
    redis.call('ZREM', KEYS[1], id)
    labels[i] = ''
  elseif not labels[i] then
    labels[i] = '0:0:' .. cjson.decode(redis.call('HGET', KEYS[2], id))[2]
  end
end
return {ids, labels}
"""
)

# KEYS: ids, texts, labels. ARGV: id.
UNPARK = Script(
    """
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return false end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
"""
)

# Labels that one script gives.
LABELS_MAX = 500


class RedisParked:
    """`ParkedRecords` and `Notes` in a ledger's server, which is opened and closed with that ledger."""

    def __init__(self, client: RedisClient, keys: Keys, clock: Clock) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record, in one script; for one that is kept already nothing is written."""
        text = json.dumps([parked.id, parked.source, parked.reason, parked.at, parked.payload], ensure_ascii=False)
        kept_ms: int | str = ""
        if parked.expires_at:
            kept_ms = max(0, round((parked.expires_at - self._clock.now()) * 1000))
        label = f"{parked.expires_at}:{parked.source}"
        self._client.run(PARK, self._keys.parked(app), [parked.id, text, kept_ms, label])

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""
        begin = f"({after}" if after else "-"
        reply = self._client.run(PARKED, self._keys.parked(app), [begin, limit], Use.READ)
        texts, labels = cast("tuple[list[str], list[str | None]]", reply)
        found = zip(texts, labels, strict=True)
        return [Parked(*[*json.loads(text), _label(label)[0]]) for text, label in found]

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        """The labels of all records, page by page; the script drops those whose time has come."""
        begin = "-"
        while True:
            reply = self._client.run(LABELS, self._keys.parked(app), [begin, LABELS_MAX], Use.READ)
            ids, labels = cast("tuple[list[str], list[str]]", reply)
            for parked_id, label in zip(ids, labels, strict=True):
                if label:
                    expires_at, source = _label(label)
                    yield ParkedLabel(parked_id, source, expires_at)
            if len(ids) < LABELS_MAX:
                return
            begin = f"({ids[-1]}"

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record, in one script."""
        return self._client.run(UNPARK, self._keys.parked(app), [parked_id]) == 1

    def expires(self) -> bool:
        """The server drops what it was given a life for."""
        return True

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact; the same one again is written again, which changes nothing."""
        key = self._keys.notes(app)
        self._client.ask(key, ("HSET", key, name, text), use=Use.WRITE)

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""
        key = self._keys.notes(app)
        (text,) = self._client.ask(key, ("HGET", key, name))
        return cast("str | None", text)


def _label(text: str | None) -> tuple[float, str]:
    """When a record ends, and its source."""
    if text is None:
        return 0.0, ""
    _, expires_at, source = text.split(":", 2)
    return float(expires_at), source
