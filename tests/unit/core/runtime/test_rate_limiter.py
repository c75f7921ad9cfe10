"""When an instance may call at all."""

from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import LedgerUnavailable
from handler.core.ports.ledger import Ledger
from handler.core.ports.schedules import Claim, Lent, Schedule
from handler.core.runtime.rate_limiter import RateLimiter, Terms
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import HandClock

APP = 1_400_000_000


def pace_of(clock: HandClock, rate: float = 200, ledger: Ledger | None = None) -> RateLimiter:
    """The pace of an instance, with a ledger of its own if none is given."""
    terms = Terms.of(Schedule.UPDATES, rate)
    return RateLimiter(clock, clock.now, ledger or MemoryLedger(clock), terms)


def calls_within(pace: RateLimiter, clock: HandClock, seconds: float) -> list[float]:
    """When calls begin, for an instance that has always one more to make."""
    until = clock.monotonic() + seconds
    begun: list[float] = []
    while True:
        turn = pace.turn(APP)
        if max(turn.at, clock.monotonic()) >= until:
            return begun
        clock.advance(max(turn.at - clock.monotonic(), 0) + 1e-9)
        begun += [clock.monotonic()] if turn.is_taken else []


def most_in_a_second(moments: list[float]) -> int:
    """The most calls that begin within any second."""
    return max(sum(first <= moment < first + 1 for moment in moments) for first in moments)


class CountingLedger(MemoryLedger):
    """A ledger that counts what it is asked for."""

    leases = 0

    def lease(self, claim: Claim) -> Lent:
        self.leases += 1
        return super().lease(claim)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(moment=0.0)


@pytest.fixture
def ledger(clock: HandClock) -> CountingLedger:
    return CountingLedger(clock)


@pytest.fixture
def pace(clock: HandClock, ledger: CountingLedger) -> RateLimiter:
    return pace_of(clock, ledger=ledger)


def test_few_calls_ask_nobody(clock: HandClock, ledger: CountingLedger, pace: RateLimiter) -> None:
    for _ in range(60):
        assert pace.turn(APP).at == clock.monotonic()
        clock.advance(0.2001)
    assert ledger.leases == 0


def test_a_busy_instance_gets_nearly_the_whole_rate_and_never_more() -> None:
    clock = HandClock(moment=0.0)
    begun = calls_within(pace_of(clock), clock, 10)
    assert most_in_a_second(begun) <= 200
    assert len(begun) >= 1900


def test_instances_that_become_busy_together_stay_below_the_limit(clock: HandClock, ledger: CountingLedger) -> None:
    """What each called before it asked is taken from the schedule of all."""
    waiting = [(0.0, number, pace_of(clock, ledger=ledger)) for number in range(8)]
    begun: list[float] = []
    while waiting[0][0] < 3:
        moment, number, pace = heappop(waiting)
        clock.advance(max(moment - clock.monotonic(), 0))
        turn = pace.turn(APP)
        begun += [max(turn.at, clock.monotonic())] if turn.is_taken else []
        heappush(waiting, (max(turn.at, clock.monotonic() + 1e-4), number, pace))
    assert most_in_a_second(sorted(begun)) <= 200
    assert len(begun) >= 3 * 185


def test_no_more_is_leased_for_what_is_expected_than_is_fair(
    clock: HandClock, ledger: CountingLedger, pace: RateLimiter
) -> None:
    """Others have their turn within a twentieth of a second, and what was expected of old is leased no more."""
    pace.expect(100)
    assert all(pace.turn(APP).is_taken for _ in range(100))
    assert ledger.leases == (100 - 5 + 8) // 9
    clock.advance(10)
    assert all(pace.turn(APP).is_taken for _ in range(6))
    assert ledger.leases == (100 - 5 + 8) // 9 + 1


def test_a_ledger_that_cannot_lend_makes_calls_wait() -> None:
    clock = HandClock()
    pace = pace_of(clock, ledger=BrokenLedger(clock))
    assert [pace.turn(APP).is_taken for _ in range(7)] == [True] * 5 + [False] * 2


class BrokenLedger(MemoryLedger):
    """A ledger out of reach."""

    def lease(self, claim: Claim) -> Lent:
        raise LedgerUnavailable("out of reach")


@given(st.floats(1, 300), st.lists(st.floats(0, 2), min_size=1, max_size=20))
def test_no_more_calls_begin_than_the_rate_allows(rate: float, pauses: list[float]) -> None:
    """In any stretch of time: what is lent, what is kept for a moment, and the few unasked ones."""
    clock = HandClock(moment=0.0)
    pace, begun = pace_of(clock, rate), 0
    for pause_s in pauses:
        clock.advance(pause_s)
        while (turn := pace.turn(APP)).is_taken and turn.at <= clock.monotonic():
            begun += 1
        assert begun <= (rate + min(5, rate)) * (clock.moment + 1) + rate * 0.05 + 2
