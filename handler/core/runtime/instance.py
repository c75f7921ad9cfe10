"""What one warm instance has at hand: the ports, the rules, and what it learned from earlier calls."""

from __future__ import annotations

from math import ceil

import msgspec

from handler.core.model.codec import ROW_BYTES
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Group
from handler.core.ports.counter_api import CounterApi
from handler.core.ports.ledger import Ledger, Notes, Parked, ParkedAndNotes, ParkedRecords
from handler.core.ports.schedules import Schedule
from handler.core.ports.system import Chance, Clock, Notice, Reporter
from handler.core.runtime.api_clock import ApiClock
from handler.core.runtime.memory import (
    CALL_GUESS_S,
    LOOK_GUESS_S,
    CallFailure,
    CircuitBreaker,
    Failures,
    GenerationCache,
    Gone,
    Landings,
    MovingAverage,
    SweptTo,
    ValuesCache,
)
from handler.core.runtime.quotas import Quotas
from handler.core.runtime.rate_limiter import RateLimiter, Terms, Turn
from handler.core.runtime.windows import Windows

# Shorter waits are pointless: a clock may not even move by one, and a question that follows at once is in vain.
WAIT_MIN_S = 0.001

# A pause of every group stands in the record of the generation, which is read again when it is this old. So a pause is
# obeyed within ten seconds, with what this read and the step that has just begun take (R15).
PAUSE_SEEN_S = 8.0

# Between the last ledger write and the end of the invocation: serialising the reply, the platform's own work.
CALL_MARGIN_S = 0.5


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that exactness depends on. Times in seconds, those on the API's clock in whole ones."""

    receipt_key: str
    timeout_s: float
    life_s: int
    bound_s: float
    """An attempt is presumed dead this long after its time: life + guard, or the operator's bound."""
    guard_s: float
    calls_per_second: float
    cache_s: float = 300
    """How long an instance may go on with an older generation (R10)."""
    forget_s: float = 24 * 3600
    """A remembered attempt is kept this long after its death (R11)."""
    window_s: float = 15 * 24 * 3600
    """How long answers are kept, and how old what a source delivers may be (R11)."""
    row_bytes: int = ROW_BYTES
    """The longest text of a row (R13)."""
    group_interval_s: float = 0.0
    """Calls of one busy group are no closer than this (R16)."""
    parked_s: float = 90 * 24 * 3600
    """How long parked records are kept, from when they were parked."""

    def bound_of(self, attempt: Attempt) -> float:
        """How long after its time `attempt` is presumed dead, by the life that the row says it was signed for."""
        if self.bound_s < self.life_s + self.guard_s:
            return self.bound_s
        return max(self.bound_s, attempt.life_s + self.guard_s)


class Instance(msgspec.Struct, frozen=True):
    """The ports and the memory between invocations; nothing here is needed for exactness but the ports."""

    ledger: Ledger
    api: CounterApi
    clock: Clock
    chance: Chance
    reporter: Reporter
    parked: ParkedRecords
    notes: Notes
    rules: Rules
    updates: RateLimiter
    """The schedule of updates; those of reads and acceptances follow (R14)."""
    reads: RateLimiter
    acceptances: RateLimiter
    quotas: Quotas
    """What each caller has left of its own requests per second."""
    api_clock: ApiClock
    breaker: CircuitBreaker
    gone: Gone
    generation: GenerationCache
    windows: Windows
    values_cache: ValuesCache = msgspec.field(default_factory=ValuesCache)
    call_time: MovingAverage = msgspec.field(default_factory=lambda: MovingAverage(CALL_GUESS_S))
    look_time: MovingAverage = msgspec.field(default_factory=lambda: MovingAverage(LOOK_GUESS_S))
    swept_to: SweptTo = msgspec.field(default_factory=SweptTo)
    failures: Failures = msgspec.field(default_factory=Failures)
    landings: Landings = msgspec.field(default_factory=Landings)
    turns_taken: dict[Group, Turn] = msgspec.field(default_factory=dict)
    """The turn of each group that a visit is about to call."""

    @classmethod
    def of(
        cls,
        *,
        ledger: Ledger,
        api: CounterApi,
        clock: Clock,
        chance: Chance,
        reporter: Reporter,
        parked: ParkedAndNotes,
        rules: Rules,
    ) -> Instance:
        """An instance that has learned nothing yet."""
        api_clock = ApiClock(clock, reporter, rules.guard_s)

        def limiter(schedule: Schedule) -> RateLimiter:
            return RateLimiter(clock, api_clock.moment, ledger, Terms.of(schedule, rules.calls_per_second))

        return cls(
            ledger=ledger,
            api=api,
            clock=clock,
            chance=chance,
            reporter=reporter,
            parked=parked,
            notes=parked,
            rules=rules,
            updates=limiter(Schedule.UPDATES),
            reads=limiter(Schedule.READS),
            acceptances=limiter(Schedule.ACCEPTANCES),
            quotas=Quotas(clock, api_clock.moment, ledger),
            api_clock=api_clock,
            breaker=CircuitBreaker(clock),
            gone=Gone(clock),
            generation=GenerationCache(ledger, clock, min(rules.cache_s, PAUSE_SEEN_S)),
            windows=Windows(ledger, clock, api_clock, window_s=rules.window_s, guard_s=rules.guard_s),
        )

    def call_failed(self, reason: str, took_s: float, **whose: str | float | None) -> None:
        """Report a call that could not be made or proved nothing; callers only see that they have to wait."""
        failure = CallFailure(self.api.host, reason, took_s, self.clock.now())
        self.failures.last = failure
        seconds = round(took_s, 3)
        self.reporter.report(Notice.CALL_FAILED, **whose, host=failure.host, failure=reason, seconds=seconds)

    def park(self, app: int, parked: Parked) -> None:
        """Keep a source's record for operators for as long as such records are kept: from now, not from its note."""
        expires_at = float(ceil(self.clock.now() + self.rules.parked_s))
        self.parked.park(app, msgspec.structs.replace(parked, expires_at=expires_at))

    def pace(self) -> Pace | None:
        """What a call that opens now has to keep its distance by; None where calls keep no pace (R16)."""
        rules = self.rules
        if not rules.group_interval_s:
            return None
        return Pace(
            now_ms=round(self.clock.now() * 1000),
            interval_ms=ceil(rules.group_interval_s * 1000),
            ahead_max_ms=round(rules.guard_s * 1000),
        )

    @property
    def call_s(self) -> float:
        """The seconds that must be left when a call begins: for itself, two ledger writes and a margin (R3)."""
        return self.rules.timeout_s + 2 * self.ledger.timeout_s + CALL_MARGIN_S

    def may_call(self, budget: TimeBudget, after_s: float) -> bool:
        """Whether a call that begins `after_s` from now is wanted, and can end before the invocation does (R3)."""
        begins = self.clock.monotonic() + after_s
        return begins < budget.until and begins + self.call_s <= budget.deadline


class TimeBudget(msgspec.Struct, frozen=True):
    """How long to go on, in moments of the local monotonic clock.

    After `until` nothing new begins, and no call begins that could outlast `deadline`. No single wait is longer than
    `wait_max_s`, except for a turn. With `sheds`, an operation is turned away rather than accepted while the app's
    rate is used up. An acceptance that leaves its call to others waits for a turn until `accepts_until` (R14). With
    `gives_back`, the delivering source gets a refused record back, so it is not parked (R6).
    """

    until: float
    deadline: float
    wait_max_s: float = float("inf")
    sheds: bool = False
    accepts_until: float = float("-inf")
    gives_back: bool = False
