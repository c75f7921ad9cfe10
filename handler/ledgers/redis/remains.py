"""Records and watermarks of one group in Redis, which keeps no list of them: a look through the keys of its server."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

from handler.core.model.row import Group
from handler.core.ports.remains import Remain
from handler.core.ports.system import Clock
from handler.ledgers.redis.client import RedisClient
from handler.ledgers.redis.rows import Keys
from handler.ledgers.redis.scripts import Script

# Keys that one step of the look passes, and those that one script deletes.
SCANNED = 1000
FORGOTTEN = 100

# KEYS: records and watermarks. ARGV: for how many milliseconds each lives at most; one that was written again lives
# longer. The first key that is gone has a life of -2.
FORGET = Script(
    """
local count = 0
for i, key in ipairs(KEYS) do
  local life = redis.call('PTTL', key)
  if life ~= -2 and life <= tonumber(ARGV[i]) then count = count + redis.call('DEL', key) end
end
return count
"""
)


class RedisRemains:
    """`Remains` in the server. What has ended is not there any more: Redis drops it in that moment.

    In a cluster whose slots move meanwhile some may be passed over.
    """

    def __init__(self, client: RedisClient, keys: Keys, clock: Clock, group: Group) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock
        self._group = group

    def listed(self) -> Iterator[Remain]:
        """Step by step; a step may show a key again."""
        seen = set[tuple[str, bool]]()
        for is_watermark in (False, True):
            prefix = self._key("", is_watermark)
            cursor, pattern = "", f"{_literally(prefix)}*"
            while cursor != "0":
                cursor, found = self._scanned(cursor or "0", pattern)
                for key, life_ms in self._lives(found):
                    name = key.removeprefix(prefix)
                    if life_ms > 0 and (name, is_watermark) not in seen:
                        seen.add((name, is_watermark))
                        yield Remain(name, self._clock.now() + life_ms / 1000, is_watermark)

    def forget(self, remains: Sequence[Remain]) -> int:
        """Delete a hundred in each script."""
        left, count = iter(remains), 0
        while page := list(islice(left, FORGOTTEN)):
            keys = [self._key(remain.name, remain.is_watermark) for remain in page]
            lives = [math.ceil((remain.expires_at - self._clock.now()) * 1000) for remain in page]
            count += cast("int", self._client.run(FORGET, keys, lives))
        return count

    def _scanned(self, cursor: str, pattern: str) -> tuple[str, list[str]]:
        # A look through a server is sent on by none, so the row's key, which is, goes before it.
        row = self._keys.row(self._group)
        _, found = self._client.ask(row, ("EXISTS", row), ("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED))
        reached, keys = cast("tuple[str, list[str]]", found)
        return reached, keys

    def _lives(self, keys: Sequence[str]) -> Iterator[tuple[str, int]]:
        lives = self._client.ask(keys[0], *(("PTTL", key) for key in keys)) if keys else []
        return zip(keys, cast("list[int]", lives), strict=True)

    def _key(self, name: str, is_watermark: bool) -> str:  # noqa: FBT001  # as a remain has it
        of_kind = self._keys.watermarks if is_watermark else self._keys.records
        return of_kind(self._group, [name])[0]


def _literally(text: str) -> str:
    """A text as a pattern that fits nothing else."""
    return re.sub(r"([*?\[\]^\\-])", r"\\\1", text)
