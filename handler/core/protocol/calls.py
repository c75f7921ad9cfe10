"""One visit's calls to the API, each in its turn, and what an instance learns from every reply (R3, R12, R14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Group, Row
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.system import Notice
from handler.core.protocol.turns import Turns
from handler.core.runtime.instance import Instance
from handler.core.runtime.rate_limiter import RateLimiter
from handler.core.state.merge import payload_of

# The vendor's code for what is not permitted: to this group, its type, or this account.
NOT_PERMITTED = 10007


class OwnCall(msgspec.Struct, frozen=True):
    """The one call of an attempt that this visit has opened: no other worker sends it (R3)."""

    attempt_id: str
    is_sent: bool = False
    reply: Reply | None = None
    """What became of it, until the row reflects that: a lost write must not make the visit forget it."""
    is_confirmed: bool = False
    """Whether a look at the receipt has confirmed the refusal in `reply` (R4 c)."""


class Calls:
    """What a visit asks of the API, and what is known of the last reply."""

    def __init__(self, instance: Instance, group: Group, turns: Turns) -> None:
        self.is_dated = False
        """Whether the last reply had a `Date` that is evidence (R12)."""
        self.took_s = 0.0
        """How long it took."""
        self.forbidden_at = 0.0
        """When a call was last refused by 10007, which may be the app's fault (R6)."""
        self._instance = instance
        self._group = group
        self._turns = turns

    def update(self, row: Row, attempt: Attempt) -> Reply:
        """Make the one POST of an attempt, the receipt in it (R3)."""
        values = payload_of(attempt)
        if row.receipt_key:
            values[row.receipt_key] = attempt.weight + (attempt.base if attempt.mode is Mode.SET else 0)
        call = Call(
            group=self._group, mode=attempt.mode, values=values, signed_at=attempt.signed_at, life_s=attempt.life_s
        )
        instance, began = self._instance, self._instance.clock.monotonic()
        reply = self._learned(instance.api.update(call), began, instance.updates)
        instance.call_time.learn(instance.clock.monotonic() - began)
        if isinstance(reply, Counted):
            instance.breaker.reset()
            instance.landings.note(self._group, began)
            instance.values_cache.learn(self._group, reply.values)
        return reply

    def read(self, keys: Sequence[str], *, fresh: bool = False) -> Reply:
        """Read counters of this visit's group, all of them if `keys` is empty."""
        return self.read_of(self._group, keys, fresh=fresh)

    def read_of(self, group: Group, keys: Sequence[str], *, fresh: bool = False) -> Reply:
        """Read those of any group of the app, `fresh` over a new connection; not sent if no turn comes in time."""
        if not self._turns.may_read():
            return Unsent("no turn among the app's reads came in time")
        began, api_clock = self._instance.clock.monotonic(), self._instance.api_clock
        fresh = fresh or api_clock.wants_another_connection()
        reply = self._instance.api.read(group, keys, api_clock.now(), fresh=fresh)
        return self._learned(reply, began, self._instance.reads)

    def _learned(self, reply: Reply, began: float, limiter: RateLimiter) -> Reply:
        """Learn what the reply says of the API, and return it without a `Date` that is no evidence (R12)."""
        self.is_dated = self._instance.api_clock.learn(reply.date, reply.connection)
        self.took_s = self._instance.clock.monotonic() - began
        if isinstance(reply, Refused) and reply.code == NOT_PERMITTED:
            self.forbidden_at = self._instance.clock.monotonic()
        if isinstance(reply, Refused) and reply.fault is Fault.RATE:
            limiter.slow_down()
            self._instance.reporter.report(Notice.RATE_LIMITED, code=reply.code)
        if isinstance(reply, Unclear | Unsent):
            self._instance.call_failed(reply.reason, self.took_s, group=self._group.id)
        return reply if self.is_dated or reply.date is None else dataclasses.replace(reply, date=None)
