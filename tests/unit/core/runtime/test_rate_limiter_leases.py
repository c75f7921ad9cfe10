"""What an instance leases of the schedule of all, and what it does with its turns, to the number."""

import pytest

from handler.core.ports.schedules import Claim, Lent
from handler.core.runtime.rate_limiter import AdaptiveShare, RateLimiter, Turn
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.runtime.test_rate_limiter import APP, pace_of
from tests.unit.core.samples import HandClock
from tests.unit.core.scene import first


class LendingLedger(MemoryLedger):
    """A ledger that keeps what it is asked for, and lends from now on."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.asked: list[tuple[int, float, float, float]] = []
        self.claims: list[Claim] = []
        self.wait_s: float | None = 0.0
        self.lag_s = 0.0

    def lease(self, claim: Claim) -> Lent:
        self.claims.append(claim)
        self.asked.append((claim.app, claim.calls, claim.rate, claim.ahead_max_s))
        return Lent(self.wait_s, self.lag_s)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(moment=0.0)


@pytest.fixture
def ledger(clock: HandClock) -> LendingLedger:
    return LendingLedger(clock)


@pytest.fixture
def idle(clock: HandClock, ledger: LendingLedger) -> RateLimiter:
    return pace_of(clock, ledger=ledger)


@pytest.fixture
def pace(clock: HandClock, idle: RateLimiter) -> RateLimiter:
    """The pace of an instance that has used up what it may call unasked."""
    for _ in range(5):
        assert idle.turn(APP).at == clock.monotonic()
    return idle


def test_a_slower_instance_asks_for_fewer_calls_that_cost_more(idle: RateLimiter, ledger: LendingLedger) -> None:
    """After a rate code its share is 0.7, and it never leases more than a twentieth of a second's calls."""
    idle.slow_down()
    idle.expect(1000)
    earliest = idle.turn(APP)
    assert ledger.asked == [(APP, 6 / 0.7, 192.0, 1.0)]
    turns = [earliest, *(idle.turn(APP) for _ in range(5))]
    assert [turn.at for turn in turns] == pytest.approx([number / (192 * 0.7) for number in range(6)])
    assert len(ledger.asked) == 1


def test_rate_codes_of_calls_under_way_count_as_one() -> None:
    """Those of one second; later ones slow down more, to a quarter at least, and it recovers."""
    share, now, shares = AdaptiveShare(), 0.0, []
    for passed_s in (0.0, 1.0, 0.01, 1.01, 1.01, 1.01, 1.01):
        now += passed_s
        share.slow_down(now)
        shares.append(share.at(now))
    assert shares[:3] == pytest.approx([0.7, 0.7 + 0.05, (0.7 + 0.05 * 1.01) * 0.7])
    assert min(shares) >= 0.25
    assert share.at(now + 30) == 1.0


@pytest.mark.parametrize(("passed_s", "leases"), [(59.9, 1), (60.0, 0)])
def test_an_instance_is_careful_for_a_minute_after_a_rate_code(
    idle: RateLimiter, clock: HandClock, ledger: LendingLedger, passed_s: float, leases: int
) -> None:
    """Every call is leased, because somebody has miscounted."""
    idle.slow_down()
    clock.advance(passed_s)
    idle.turn(APP)
    assert len(ledger.asked) == leases


def test_a_schedule_without_room_is_asked_again_in_a_quarter_of_a_second(
    clock: HandClock, ledger: LendingLedger, pace: RateLimiter
) -> None:
    ledger.wait_s = None
    assert pace.turn(APP) == Turn(0.25, 0.25, is_taken=False)
    assert pace.is_saturated()
    clock.advance(0.2)
    assert pace.turn(APP) == Turn(0.25, 0.25, is_taken=False)
    assert len(ledger.asked) == 1
    clock.advance(0.05)
    assert not pace.is_saturated()
    pace.turn(APP)
    assert len(ledger.asked) == 2


def test_while_one_thread_leases_the_others_come_back_soon(ledger: LendingLedger, pace: RateLimiter) -> None:
    others: list[Turn] = []
    first(ledger, "lease", lambda: others.append(pace.turn(APP)))
    assert pace.turn(APP).is_taken
    assert others == [Turn(0.01, 0.01, is_taken=False)]


def test_turns_begin_when_the_ledger_has_answered(clock: HandClock, ledger: LendingLedger, pace: RateLimiter) -> None:
    """The answer has taken its time, and the wait counts from then."""
    lent = ledger.lease

    def slow(claim: Claim) -> Lent:
        clock.advance(0.3)
        lent(claim)
        return Lent(0.2)

    ledger.lease = slow  # type: ignore[method-assign]  # the same, later
    assert pace.turn(APP) == Turn(0.5, 0.5 + 0.04)


@pytest.mark.parametrize(("wait_s", "kept_s"), [(0.1, 0.5), (0.11, 0.04)])
def test_a_schedule_is_crowded_beyond_a_tenth_of_a_second(
    ledger: LendingLedger, pace: RateLimiter, wait_s: float, kept_s: float
) -> None:
    ledger.wait_s = wait_s
    turn = pace.turn(APP)
    assert turn.until - turn.at == pytest.approx(kept_s)


def test_turns_that_are_given_back_are_used_in_their_order(pace: RateLimiter) -> None:
    """The earliest first, or it would be over when its turn comes."""
    turns = [pace.turn(APP) for _ in range(3)]
    for turn in (turns[1], turns[0], turns[2]):
        pace.give_back(turn)
    assert [pace.turn(APP) for _ in range(3)] == turns


def test_an_instance_goes_by_the_schedules_clock_once_it_knows_it(
    clock: HandClock, ledger: LendingLedger, pace: RateLimiter
) -> None:
    ledger.lag_s = 1.5
    for _ in range(4):
        pace.turn(APP)
    assert [claim.lag_s for claim in ledger.claims] == [0.0, 1.5]
    assert {claim.now for claim in ledger.claims} == {clock.now()}


def test_no_lease_lasts_longer_than_is_told() -> None:
    """However slow the app, and the instance: what would last longer is taken for a clock that was set back."""
    for calls_per_second in (1, 2, 10, 200, 5000):
        clock = HandClock(moment=0.0)
        ledger = LendingLedger(clock)
        pace = pace_of(clock, calls_per_second, ledger)
        for _ in range(9):
            while not ledger.claims or pace.turn(APP).at <= clock.monotonic():
                pace.turn(APP)
                if ledger.claims:
                    break
            clock.advance(1.01)
            pace.slow_down()
        assert all(claim.lasting_s <= claim.longest_s for claim in ledger.claims)
