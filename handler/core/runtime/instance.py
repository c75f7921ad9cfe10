"""What one warm instance has at hand: the ports, the rules, and what it learned from earlier calls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from handler.core.model.row import Group
from handler.core.ports.counter_api import CounterApi
from handler.core.ports.ledger import Generation, Ledger
from handler.core.ports.schedules import Schedule
from handler.core.ports.shelf import Shelf
from handler.core.ports.system import Chance, Clock, Notice, Reporter
from handler.core.runtime.api_clock import NEAR_S, ApiClock
from handler.core.runtime.circuit_breaker import CircuitBreaker
from handler.core.runtime.rate_limiter import RateLimiter, Terms
from handler.core.runtime.rules import Rules
from handler.core.runtime.windows import Windows

# Values are only remembered to keep merged sums inside int64; forgetting them costs one refused call at worst.
KNOWN_GROUPS = 1024

# For so long one look is enough to believe of a group once more that it is not there.
GONE_S = 5.0

# Of a refusal that may be the app's, so many other groups are asked at most (R6).
LANDINGS_ASKED = 3

# What a call to the API, and a look at a row, is thought to take before the first one, and the longest that counts.
CALL_GUESS_S = 0.06
LOOK_GUESS_S = 0.002
CALL_TIME_MAX_S = 0.4

# A shorter wait is none: a clock may not even move by it, and whoever asks again at once only asks in vain.
PAUSE_MIN_S = 0.001

# Between the last ledger write and the end of the invocation: serialising the reply, the platform's own work.
CALL_MARGIN_S = 0.5


class ValuesCache:
    """The last values seen of recently called groups."""

    def __init__(self) -> None:
        self._values: OrderedDict[Group, Mapping[str, int]] = OrderedDict()

    def of(self, group: Group) -> Mapping[str, int]:
        """What was seen last, or nothing."""
        return self._values.get(group, {})

    def learn(self, group: Group, values: Mapping[str, int]) -> None:
        """Take in what a reply showed."""
        self._values[group] = {**self._values.pop(group, {}), **values}
        if len(self._values) > KNOWN_GROUPS:
            self._values.popitem(last=False)


class Landings:
    """The groups in which calls of this instance have succeeded last, and when those calls were sent.

    `noted_until` is the moment until which the ledger's note of them is fresh enough.
    """

    def __init__(self) -> None:
        self.noted_until = -inf
        self._sent_at: OrderedDict[Group, float] = OrderedDict()

    def note(self, group: Group, sent_at: float) -> None:
        """Take in one more; `sent_at` is a moment of the monotonic clock."""
        self._sent_at.pop(group, None)
        self._sent_at[group] = sent_at
        # One more than is asked for, because the group in question is none of those.
        if len(self._sent_at) > LANDINGS_ASKED + 1:
            self._sent_at.popitem(last=False)

    def latest_of(self, app: int) -> list[Group]:
        """The groups of an app, the latest first."""
        return [group for group in reversed(tuple(self._sent_at)) if group.app == app]

    def latest(self, other_than: Group) -> list[Group]:
        """Other groups of the same app, the latest first."""
        return [group for group in self.latest_of(other_than.app) if group != other_than][:LANDINGS_ASKED]

    def since(self, moment: float, other_than: Group) -> bool:
        """Whether a call in another group of the app has succeeded that was sent after then."""
        return any(self._sent_at.get(group, moment) > moment for group in self.latest(other_than))


class Gone:
    """The groups of which the vendor has just said that they do not exist."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[Group, float] = OrderedDict()

    def has(self, group: Group) -> bool:
        """Whether that was said of the group within the last seconds."""
        return self._clock.monotonic() < self._until.get(group, 0.0)

    def note(self, group: Group) -> None:
        """Take in that it was said now."""
        self._until.pop(group, None)
        self._until[group] = self._clock.monotonic() + GONE_S
        if len(self._until) > KNOWN_GROUPS:
            self._until.popitem(last=False)


@dataclass(slots=True)
class SweptTo:
    """The group at which the last sweep had to end, so that the next one begins with those it has not met.

    `since` is the moment at which the first sweep of this round through all groups began, None where the last round has
    met them all. `holds`: acceptances wait for the end of this round.
    """

    group_id: str = ""
    since: float | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A call that could not be made or proved nothing: the host, the kind of failure, how long it took, and when.

    `at` is in seconds since 1970 on the instance's own clock.
    """

    host: str
    failure: str
    took_s: float
    at: float


@dataclass(slots=True)
class Failures:
    """The last call of this instance that failed."""

    last: CallFailure | None = None


class MovingAverage:
    """How long something has taken of late, in seconds: whoever waits for somebody else's waits about as long."""

    def __init__(self, guess_s: float) -> None:
        self.usual_s = guess_s

    def learn(self, took_s: float) -> None:
        """Take in one more; a single slow one moves it little."""
        self.usual_s += (min(took_s, CALL_TIME_MAX_S) - self.usual_s) / 8


class GenerationCache:
    """The ledger's generation, asked for again every `cache_s` seconds (R10)."""

    def __init__(self, ledger: Ledger, clock: Clock, cache_s: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._cache_s = cache_s
        self._known: tuple[float, float, Generation] | None = None

    def current(self) -> Generation:
        """The generation, at most `cache_s` old."""
        if self._known is None or self._age_s(*self._known[:2]) > self._cache_s:
            return self._learned(self._ledger.generation)
        return self._known[2]

    def _age_s(self, monotonic: float, wall: float) -> float:
        """Either clock may stand still or be set meanwhile: the one that says more is right to ask again by."""
        return max(self._clock.monotonic() - monotonic, self._clock.now() - wall)

    def begin_anew(self) -> Generation:
        """Raise the generation, because the store was restored; other instances learn of it within `cache_s`."""
        return self._learned(self._ledger.raise_generation)

    def started(self, known: Generation, date: int) -> Generation:
        """The generation with its start: stamped by a `Date` heard after it was `known`, unless it has been before.

        A start that lies far ahead of the `Date` was stamped by a wrong clock, and nothing would ever come after it.
        """
        if known.started and known.started <= date + NEAR_S:
            return known
        return self._learned(lambda: self._ledger.start_generation(known, date))

    def _learned(self, ask: Callable[[], Generation]) -> Generation:
        asked_at = self._clock.monotonic(), self._clock.now()
        generation = ask()
        self._known = (*asked_at, generation)
        return generation


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside, as one warm instance has it."""

    ledger: Ledger
    api: CounterApi
    clock: Clock
    chance: Chance
    reporter: Reporter
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Instance:
    """The ports and the memory between invocations; nothing here is needed for exactness but the ports."""

    ledger: Ledger
    api: CounterApi
    clock: Clock
    chance: Chance
    reporter: Reporter
    shelf: Shelf
    rules: Rules
    pace: RateLimiter
    """That of updates."""
    reads: RateLimiter
    acceptances: RateLimiter
    api_clock: ApiClock
    gate: CircuitBreaker
    gone: Gone
    generation: GenerationCache
    windows: Windows
    known: ValuesCache = field(default_factory=ValuesCache)
    call_time: MovingAverage = field(default_factory=lambda: MovingAverage(CALL_GUESS_S))
    look_time: MovingAverage = field(default_factory=lambda: MovingAverage(LOOK_GUESS_S))
    swept_to: SweptTo = field(default_factory=SweptTo)
    failures: Failures = field(default_factory=Failures)
    landings: Landings = field(default_factory=Landings)

    @classmethod
    def of(cls, ports: Ports, rules: Rules) -> Instance:
        """An instance that has learned nothing yet."""
        clock = ports.clock
        api_clock = ApiClock(clock, ports.reporter, rules.guard_s)

        def pace(schedule: Schedule) -> RateLimiter:
            terms = Terms.of(schedule, rules.calls_per_second)
            return RateLimiter(clock, api_clock.moment, ports.ledger, terms)

        return cls(
            *(ports.ledger, ports.api, clock, ports.chance, ports.reporter, ports.shelf, rules),
            *(pace(Schedule.UPDATES), pace(Schedule.READS), pace(Schedule.ACCEPTANCES)),
            api_clock=api_clock,
            gate=CircuitBreaker(clock),
            gone=Gone(clock),
            generation=GenerationCache(ports.ledger, clock, rules.cache_s),
            windows=Windows(ports.ledger, clock, api_clock, rules.window_s, rules.guard_s),
        )

    def call_failed(self, reason: str, took_s: float, **whose: str) -> None:
        """Tell of a call that could not be made or proved nothing: callers only see that they have to wait."""
        failure = CallFailure(self.api.host, reason, took_s, self.clock.now())
        self.failures.last = failure
        seconds = round(took_s, 3)
        self.reporter.report(Notice.CALL_FAILED, **whose, host=failure.host, failure=reason, seconds=seconds)

    @property
    def call_s(self) -> float:
        """What one call must have in hand before it begins: itself, two ledger writes and a margin (R3)."""
        return self.rules.timeout_s + 2 * self.ledger.timeout_s + CALL_MARGIN_S

    def may_call(self, patience: TimeBudget, after_s: float) -> bool:
        """Whether a call that begins so much later is wanted, and can end before the invocation does (R3)."""
        begins = self.clock.monotonic() + after_s
        return begins < patience.until and begins + self.call_s <= patience.deadline


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """How long to go on, in moments of the local monotonic clock.

    Nothing new is begun after `until`; no call is begun that could outlast `deadline`; no single wait is longer than
    `pause_max_s`, but one for a turn. One that `sheds` is turned away rather than taken on where the app's rate is used
    up. An acceptance whose call others have to make waits for its turn until `accepts_until` (R14). What is refused for
    good the source is told of by one that `gives_back` (R6).
    """

    until: float
    deadline: float
    pause_max_s: float = float("inf")
    sheds: bool = False
    accepts_until: float = float("-inf")
    gives_back: bool = False
