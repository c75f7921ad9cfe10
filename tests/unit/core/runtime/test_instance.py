"""What one warm instance has at hand: its rules, and what it remembers between invocations."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from handler.core.model.row import Group
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.ledger import Generation
from handler.core.runtime.memory import APP_RETRY_MAX_S, KNOWN_GROUPS, CircuitBreaker, GenerationCache, ValuesCache
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import HandClock, attempt
from tests.unit.core.scene import ARREARS, GROUP, RULES

G = GROUP


@dataclass
class CountedLedger(MemoryLedger):
    """A ledger that counts how often it is asked for its generation."""

    clock: HandClock
    asked: int = 0

    stored = Generation(1, 0)

    def __post_init__(self) -> None:
        super().__init__(self.clock)

    def generation(self) -> Generation:
        self.asked += 1
        return self.stored


def test_the_group_called_longest_ago_is_forgotten_first() -> None:
    """An instance lives long and meets many groups; the busy ones stay known."""
    known = ValuesCache()
    for number in range(KNOWN_GROUPS):
        known.learn(Group(1, str(number)), {"like": number})
    assert known.of(Group(1, "0")) == {"like": 0}
    known.learn(Group(1, "0"), {"like": -1})
    known.learn(G, {"like": 5})
    assert known.of(Group(1, "1")) == {}
    assert (known.of(Group(1, "0")), known.of(G)) == ({"like": -1}, {"like": 5})


def test_the_generation_is_asked_for_once_in_a_while() -> None:
    """A newer one is known at most `cache_s` later."""
    clock = HandClock()
    ledger = CountedLedger(clock)
    known = GenerationCache(ledger, clock, cache_s=300)
    assert [known.current().number for _ in range(5)] == [1] * 5
    ledger.stored = Generation(2, 1_700_000_000)
    clock.advance(300)
    assert (known.current().number, ledger.asked) == (1, 1)
    clock.advance(0.1)
    assert (known.current(), ledger.asked) == (Generation(2, 1_700_000_000), 2)


def test_a_generation_is_asked_for_again_after_a_thaw() -> None:
    """The monotonic clock may have stood still, and the wall clock may have been set back."""
    clock = HandClock()
    ledger = CountedLedger(clock)
    known = GenerationCache(ledger, clock, cache_s=300)
    known.current()
    clock.wall += 301
    known.current()
    clock.moment += 301
    clock.wall -= 1000
    known.current()
    assert ledger.asked == 3


def test_what_an_operator_reads_is_the_stores_own_and_known_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that hears of the generation by the way may not have heard of another instance's pause yet."""
    ledger = CountedLedger(HandClock())
    known = GenerationCache(ledger, ledger.clock, cache_s=300)
    assert known.current() == Generation(1, 0)
    monkeypatch.setattr(ledger, "generation_now", lambda: Generation(2, 0))
    assert [known.read(), known.current()] == [Generation(2, 0)] * 2


@pytest.mark.parametrize(("life_s", "bound_s"), [(2, 11), (6, 11), (60, 65)])
def test_an_attempt_is_dead_when_its_own_life_and_the_guard_have_passed(life_s: int, bound_s: float) -> None:
    """One that was signed for longer than today's settings say lives longer; a shorter one is not hurried."""
    assert RULES.bound_of(replace(attempt(), life_s=life_s)) == bound_s


@pytest.mark.parametrize("life_s", [6, 86_400])
def test_an_operators_own_bound_stands_for_any_life(life_s: int) -> None:
    """It is given where the API refuses short signatures, and is the weaker promise."""
    rules = replace(RULES, life_s=86_400, bound_s=60)
    assert rules.bound_of(replace(attempt(), life_s=life_s)) == 60
    assert replace(RULES, life_s=6, guard_s=5, bound_s=8).bound_of(replace(attempt(), life_s=life_s)) == 8


def test_an_operators_longer_bound_is_waited_out() -> None:
    assert replace(RULES, bound_s=100).bound_of(attempt()) == 100


ADDRESS = Refused(60021, "address", Fault.APP, None)


def test_an_open_breaker_tells_the_vendors_refusal_and_when_it_closes() -> None:
    clock = HandClock()
    breaker = CircuitBreaker(clock)
    breaker.trip(ARREARS)
    breaker.trip(ADDRESS)
    assert breaker.refusal() is ADDRESS
    clock.advance(0.4)
    assert breaker.retry_after_s() == pytest.approx(0.6)


def test_intervals_double_up_to_their_bound() -> None:
    clock, intervals = HandClock(), list[float]()
    breaker = CircuitBreaker(clock)
    for _ in range(9):
        breaker.trip(ARREARS)
        intervals.append(breaker.retry_after_s())
        clock.advance(intervals[-1])
    assert intervals == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    assert max(intervals) == APP_RETRY_MAX_S


def test_an_accepted_call_closes_the_breaker_for_all() -> None:
    clock = HandClock()
    breaker = CircuitBreaker(clock)
    for _ in range(5):
        breaker.trip(ARREARS)
    breaker.reset()
    assert (breaker.refusal(), breaker.retry_after_s()) == (None, 0)
    breaker.trip(ADDRESS)
    assert breaker.retry_after_s() == pytest.approx(1)
