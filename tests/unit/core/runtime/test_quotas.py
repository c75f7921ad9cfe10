"""A caller has its own requests per second, over all instances, and a warm instance seldom asks the ledger for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from handler.core.errors import AnswerLost, LedgerUnavailable, QuotaUsedUp
from handler.core.ports.schedules import Claim, Lent
from handler.core.runtime.quotas import UNPAID_MAX, Quotas
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import HandClock

APP = 1400000000
CALLER = "mobile-backend"


class CountingLedger(MemoryLedger):
    """Counts leases; `error` is raised by the next one."""

    leases = 0
    error: Exception | None = None

    def lease(self, claim: Claim) -> Lent:
        self.leases += 1
        if self.error:
            raise self.error
        return super().lease(claim)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(moment=1_795_305_600.0)


@pytest.fixture
def ledger(clock: HandClock) -> CountingLedger:
    return CountingLedger(clock)


@pytest.fixture
def made(clock: HandClock, ledger: CountingLedger) -> Callable[[], Quotas]:
    """Makes what another instance has."""
    return lambda: Quotas(clock, clock.now, ledger)


def taken(instances: Sequence[Quotas], clock: HandClock, rate: float, asked: float, seconds: float) -> int:
    """How many requests are taken if `asked` of them come each second, to the instances in turn."""
    came, each = 0, cycle(instances)
    for _ in range(int(asked * seconds)):
        try:
            next(each).take(APP, CALLER, rate)
            came += 1
        except QuotaUsedUp:
            pass
        clock.sleep(1 / asked)
    return came


@pytest.mark.parametrize("rate", [0.5, 1, 4, 20, 150])
@pytest.mark.parametrize("instances", [1, 10])
def test_no_caller_exceeds_its_rate_by_more_than_a_second_and_what_is_unpaid(
    made: Callable[[], Quotas], clock: HandClock, rate: float, instances: int
) -> None:
    """However many instances its requests are spread over, and however long it goes on."""
    came = taken([made() for _ in range(instances)], clock, rate, asked=200, seconds=30)
    assert came <= rate * 31 + (UNPAID_MAX + 1) * instances
    assert came >= 0.7 * rate * 30


@pytest.mark.parametrize(("rate", "asked", "most"), [(20, 15, 6), (20, 2, 1), (100, 50, 5)])
def test_a_warm_instance_leases_for_several_requests_at_once(
    made: Callable[[], Quotas], clock: HandClock, ledger: CountingLedger, rate: float, asked: float, most: float
) -> None:
    """Within its rate a caller is never turned away, and its requests share the ledger's round trips."""
    assert taken([made()], clock, rate, asked, seconds=20) == asked * 20
    assert ledger.leases <= most * 20


def test_a_caller_who_has_used_up_its_quota_costs_next_to_nothing(
    made: Callable[[], Quotas], clock: HandClock, ledger: CountingLedger
) -> None:
    """An instance remembers for a quarter of a second that there is nothing to lend."""
    quotas = made()
    taken([quotas], clock, rate=1, asked=1000, seconds=2)
    leases = ledger.leases
    taken([quotas], clock, rate=1, asked=1000, seconds=1)
    assert ledger.leases - leases <= 5


def test_one_caller_takes_nothing_from_another(made: Callable[[], Quotas], clock: HandClock) -> None:
    quotas = made()
    taken([quotas], clock, rate=1, asked=100, seconds=1)
    with pytest.raises(QuotaUsedUp):
        quotas.take(APP, CALLER, 1)
    quotas.take(APP, "shop", 1)
    quotas.take(APP + 1, CALLER, 1)


@pytest.mark.parametrize(("rate", "retry_after_s"), [(20, 1), (0.1, 10)])
def test_who_has_used_up_its_quota_hears_when_to_come_again(
    made: Callable[[], Quotas], clock: HandClock, rate: float, retry_after_s: float
) -> None:
    quotas = made()
    taken([quotas], clock, rate, asked=1000, seconds=0.5)
    with pytest.raises(QuotaUsedUp, match="the caller's own calls per second are used up") as refused:
        quotas.take(APP, CALLER, rate)
    assert refused.value.retry_after_s == retry_after_s
    clock.sleep(2 * retry_after_s + 6 / rate)
    quotas.take(APP, CALLER, rate)


@pytest.mark.parametrize("error", [LedgerUnavailable("down"), AnswerLost("cut")])
def test_without_a_lease_nothing_is_taken(
    made: Callable[[], Quotas], clock: HandClock, ledger: CountingLedger, error: Exception
) -> None:
    """Certainly nothing was accepted, also where the lease's answer was lost."""
    quotas = made()
    taken([quotas], clock, rate=1, asked=1, seconds=1)
    ledger.error = error
    with pytest.raises(LedgerUnavailable):
        quotas.take(APP, CALLER, 1)
    ledger.error = None
    clock.sleep(1)
    quotas.take(APP, CALLER, 1)
