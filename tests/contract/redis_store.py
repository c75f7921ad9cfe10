"""Redis under contract, one server or a cluster: keys of its own for each test, on servers that tests share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from redis import Redis

from handler.config.ledger_url import RedisUrl
from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Group, Row, Settlement
from handler.core.ports.system import Clock
from handler.ledgers.redis.client import Argument, RedisClient, Use
from handler.ledgers.redis.ledger import RedisLedger
from handler.ledgers.redis.scripts import Script
from tests.contract.redis_server import shared_cluster, shared_server

# A script that runs behind this fails where it would write for the first time.
_WRITES_NOTHING: Final = """
local call, reads = redis.call, {GET = 1, HGET = 1, HMGET = 1, HSTRLEN = 1, EXISTS = 1}
local redis = {call = function(name, ...)
  if not reads[name] then error('no write') end
  return call(name, ...)
end}
"""

_LET_PASS: Final = """
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local life_ms = redis.call('PTTL', key)
  if life_ms >= 0 then redis.call('PEXPIRE', key, math.max(0, life_ms - tonumber(ARGV[2]))) end
end
"""


@dataclass
class Passed:
    """How much of the given time has passed on the server."""

    until: float


@dataclass(frozen=True)
class PrefixedRedis:
    """All keys that begin with `prefix`, on the one server of `urls`, or on a cluster with these primaries."""

    urls: tuple[str, ...]
    is_cluster: bool = False
    prefix: str = field(default_factory=lambda: f"test-{uuid4()}")
    passed: Passed = field(default_factory=lambda: Passed(0.0))

    @property
    def endpoint(self) -> RedisUrl:
        return RedisUrl(self.urls[0], cluster=self.is_cluster)

    def open(self, clock: Clock) -> RedisLedger:
        """A ledger whose records die by the given clock."""
        return _ReapedLedger(self, clock)

    def open_losing_answers(self, clock: Clock, *, applied: bool) -> RedisLedger:
        """A ledger whose scripts write and do not say so, or fail where they would write."""
        return _AnswerLosingLedger(self, clock, applied=applied)

    def open_out_of_reach(self, clock: Clock) -> RedisLedger:
        """A ledger at a port where nobody listens."""
        nowhere = RedisUrl("redis://127.0.0.1:1/0", cluster=self.is_cluster)
        return RedisLedger(nowhere, clock, warn=no_warning, prefix=self.prefix)

    def let_pass(self, now: float) -> None:
        """Take from every life that the ledger has set what the given clock has moved on, as the server's own does."""
        seconds = now - (self.passed.until or now)
        self.passed.until = now
        if not seconds:
            return
        for url in self.urls:
            with Redis.from_url(url) as client:
                client.eval(_LET_PASS, 0, f"{{{self.prefix}:*", round(seconds * 1000))


class _ReapedLedger(RedisLedger):
    def __init__(self, place: PrefixedRedis, clock: Clock) -> None:
        super().__init__(place.endpoint, clock, warn=no_warning, prefix=place.prefix)
        self._place = place

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        self._place.let_pass(self._clock.now())
        return super().swap(group, row, records, watermarks)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        self._place.let_pass(self._clock.now())
        return super().settle(group, settlement)


class _AnswerLosingLedger(_ReapedLedger):
    def __init__(self, place: PrefixedRedis, clock: Clock, *, applied: bool) -> None:
        super().__init__(place, clock)
        self._client = _AnswerLosingClient(self._client, applied=applied)


class _AnswerLosingClient(RedisClient):
    def __init__(self, client: RedisClient, *, applied: bool) -> None:
        self.__dict__ |= client.__dict__
        self._applied = applied

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], use: Use = Use.WRITE) -> object:
        shown = script if self._applied else Script(_WRITES_NOTHING + script.text)
        try:
            reply = super().run(shown, keys, arguments, use)
        except LedgerUnavailable as refused:
            raise AnswerLost("the answer was lost on purpose") from refused
        if isinstance(reply, int | list):
            raise AnswerLost("the answer was lost on purpose")
        return reply


def no_warning(text: str) -> None:
    raise AssertionError(text)


def prefixed_redis() -> PrefixedRedis:
    return PrefixedRedis((shared_server().url,))


def prefixed_cluster() -> PrefixedRedis:
    """An empty store on all primaries of a cluster, which is entered by one of them."""
    return PrefixedRedis(tuple(server.url for server in shared_cluster()), is_cluster=True)
