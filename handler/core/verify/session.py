"""A session with an app's API in which assumptions are checked: paced and counted calls on a scratch group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, ProbeApi, ProbeCall, Refused, Reply
from handler.core.ports.system import Clock, Reporter
from handler.core.runtime.api_clock import ApiClock
from handler.core.runtime.instance import Rules
from handler.core.verify.finding import Inconclusive

# The vendor bounds calls per second for the whole app: the other half is left to callers meanwhile.
SHARE_OF_RATE = 0.5

# A call that the vendor refuses as too frequent is repeated, this often and after this long.
RATE_TRIES = 5
RATE_WAIT_S = 1.0

# Between the last call and the end of the invocation: storing and returning what was found.
ENDING_S = 1.0

OUT_OF_TIME = "the invocation's time was up: give the function a timeout of 15 minutes, or run this locally"


class ClockReading(msgspec.Struct, frozen=True):
    """A `Date` of the API, in whole seconds, and the local times between which it was written."""

    date: int | None
    sent: float
    received: float


@dataclass
class ProbeSession:
    """Calls on one scratch group, evenly paced; `calls_max` in all, none after `deadline`. Threads may share it.

    `deadline` is a moment of the local monotonic clock. Until the session is `ending`, one call and its time are held
    back for cleaning up. Its methods raise Inconclusive if a check has to end.
    """

    group: Group
    api: ProbeApi
    clock: Clock
    rules: Rules
    reporter: Reporter
    deadline: float
    calls_max: int
    calls: int = 0
    ending: bool = False
    readings: list[ClockReading] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._api_clock = ApiClock(self.clock, self.reporter, self.rules.guard_s)
        self._next_at = self.clock.monotonic()
        self._lock = Lock()

    def now(self) -> int:
        """The API's time, as late as is certain, in whole seconds."""
        return self._api_clock.now()

    def update(
        self,
        counters: Sequence[tuple[str, int]],
        mode: Mode = Mode.INCREASE,
        *,
        signed_at: int | None = None,
        life_s: int = LONG_LIFE_S,
        random: int | None = None,
    ) -> Reply:
        """Send an update, signed at `signed_at` for `life_s`; left out, its signature is valid beyond doubt."""
        time = self.now() if signed_at is None else signed_at
        trial = ProbeCall(
            group=self.group, mode=mode, counters=tuple(counters), signed_at=time, life_s=life_s, random=random
        )
        # A short signature may have ended by the time that a second try would be due.
        return self._ask(lambda: self.api.update(trial), tries=RATE_TRIES if signed_at is None else 1)

    def done(self, counters: Sequence[tuple[str, int]], mode: Mode = Mode.INCREASE) -> Mapping[str, int]:
        """The values after an update; Inconclusive unless it succeeds."""
        return values_of(self.update(counters, mode))

    def read(self, *, fresh: bool = False) -> Reply:
        """Read all counters; a `fresh` read goes over a new connection."""
        return self._ask(lambda: self.api.read(self.group, self.now(), LONG_LIFE_S, fresh=fresh), RATE_TRIES)

    def values(self, *, fresh: bool = False) -> Mapping[str, int]:
        """All counters, by a read; Inconclusive unless it succeeds."""
        return values_of(self.read(fresh=fresh))

    def wait(self, seconds: float) -> None:
        """Let time pass; Inconclusive if there is too little left."""
        if self.clock.monotonic() + seconds > self._last_begin:
            raise Inconclusive(OUT_OF_TIME)
        self.clock.sleep(seconds)

    @property
    def _last_begin(self) -> float:
        """The moment after which no call may begin: a call, what is held back, and storing must still fit."""
        calls = 1 if self.ending else 2
        return self.deadline - ENDING_S - calls * self.rules.timeout_s

    def _ask(self, call: Callable[[], Reply], tries: int) -> Reply:
        for _ in range(tries - 1):
            reply = self._once(call)
            if not (isinstance(reply, Refused) and reply.fault is Fault.RATE):
                return reply
            self.wait(RATE_WAIT_S)
        return self._once(call)

    def _once(self, call: Callable[[], Reply]) -> Reply:
        self.clock.sleep(self._turn_s())
        sent = self.clock.now()
        reply = call()
        with self._lock:
            self.readings.append(ClockReading(reply.date, sent, self.clock.now()))
            self._api_clock.learn(reply.date, reply.connection)
        return reply

    def _turn_s(self) -> float:
        """Count a call, and return how long it has to wait for its turn."""
        with self._lock:
            if self.calls >= self.calls_max - (0 if self.ending else 1):
                raise Inconclusive(f"the {self.calls_max} calls of this run were used up")
            now = self.clock.monotonic()
            turn = max(now, self._next_at)
            if turn > self._last_begin:
                raise Inconclusive(OUT_OF_TIME)
            self.calls += 1
            self._next_at = turn + 1 / (self.rules.calls_per_second * SHARE_OF_RATE)
            return turn - now


def values_of(reply: Reply) -> Mapping[str, int]:
    """The values of a reply; Inconclusive unless it is a success."""
    if isinstance(reply, Counted):
        return reply.values
    raise Inconclusive(described(reply))


def described(reply: Reply) -> str:
    """A reply in a few words."""
    if isinstance(reply, Counted):
        return "done"
    return f"refused with code {reply.code}" if isinstance(reply, Refused) else f"no clear reply: {reply.reason}"
