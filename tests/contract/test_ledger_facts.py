"""What a ledger keeps beside rows and records: its generation, and the app's schedules of calls."""

from functools import partial

import pytest
from msgspec.structs import replace

from handler.clock import SystemClock
from handler.core.model.row import Group
from handler.core.ports.ledger import Generation, Ledger, Look
from handler.core.ports.schedules import AnySchedule, CallerSchedule, Hold, Lent, Schedule
from tests.contract.processes import in_processes
from tests.contract.samples import GROUP, claim, idle_row, record
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore

APP = GROUP.app


def test_a_look_shows_row_and_records(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {"a": record("a"), "b": record("b")})
    assert ledger.look(GROUP, ["a", "missing"]) == Look(idle_row(), {"a": record("a")})
    assert ledger.look(Group(APP, "other"), ["a"]) == Look(None, {})


def test_a_look_for_no_operation_shows_the_row_alone(ledger: OpenLedger) -> None:
    """Whoever only wants to know how a group stands."""
    assert ledger.look(GROUP, []) == Look(None, {})
    ledger.swap(GROUP, idle_row(), {"a": record("a")})
    assert ledger.look(GROUP, []) == Look(idle_row(), {})


def test_a_generation_is_raised_by_one(ledger: OpenLedger) -> None:
    """When it started is for a worker to say that hears the API's time, whatever the store's own clock shows (R12)."""
    first = ledger.generation()
    assert ledger.raise_generation() == Generation(first.number + 1, 0)
    assert ledger.generation() == Generation(first.number + 1, 0)


def test_a_generation_is_started_once(ledger: OpenLedger) -> None:
    """Of several workers that have heard a `Date` the first one stamps it, and the others are told."""
    raised = ledger.raise_generation()
    started = Generation(raised.number, 1_800_000_000)
    assert ledger.start_generation(raised, 1_800_000_000) == started
    assert ledger.start_generation(raised, 1_800_000_009) == started
    assert ledger.generation() == started


def test_a_start_is_stamped_anew_by_whoever_knows_it(ledger: OpenLedger) -> None:
    far = ledger.start_generation(ledger.raise_generation(), 4_000_000_000)
    assert ledger.start_generation(far, 1_800_000_000) == Generation(far.number, 1_800_000_000)


def test_the_start_of_an_older_generation_is_stamped_no_more(ledger: OpenLedger) -> None:
    """The `Date` was heard before the newer one was known."""
    older = ledger.raise_generation()
    newer = ledger.raise_generation()
    assert ledger.start_generation(older, 1_800_000_000) == newer
    assert ledger.generation() == newer


def test_a_raised_generation_is_there_for_all(shared_store: SharedStore, clock: GivenClock, closing: Closing) -> None:
    first = shared_store.open(clock)
    raised = first.raise_generation()
    first.close()
    assert closing(shared_store.open(clock)).generation() == raised


def test_every_call_of_a_schedule_is_lent_once(ledger: OpenLedger, clock: GivenClock) -> None:
    """Whoever comes next begins where the one before ends."""
    assert ledger.lease(claim(clock, 10)) == Lent(0)
    waits = [0, *(ledger.lease(claim(clock, 10)).wait_s for _ in range(3))]
    assert waits == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.05)


def test_a_schedule_is_lent_no_further_ahead_than_asked_for(ledger: OpenLedger, clock: GivenClock) -> None:
    """A refusal takes nothing, so that it costs nobody a turn."""
    assert ledger.lease(claim(clock, 1000)).wait_s == 0
    assert ledger.lease(claim(clock, 10)).wait_s is None
    assert ledger.lease(claim(clock, 10, ahead_max_s=20)).wait_s == pytest.approx(10, abs=0.5)


def test_each_app_has_schedules_of_its_own(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.lease(claim(clock, 1000))
    assert ledger.lease(claim(clock, 10, app=APP + 1)).wait_s == 0


def test_each_caller_has_a_schedule_of_its_own(ledger: OpenLedger, clock: GivenClock) -> None:
    """What one caller has used up, the app and other callers have not, however alike their names are."""
    names = ["shop", "shop ", "Shop", "s" * 256, "\U0001f6d2", "updates"]
    schedules: list[AnySchedule] = [*map(CallerSchedule.of, names), Schedule.UPDATES]
    waits = [ledger.lease(claim(clock, 1000, schedule=schedule)).wait_s for schedule in schedules]
    assert waits == [0] * len(schedules)
    assert ledger.lease(claim(clock, 1, schedule=CallerSchedule.of("shop"))).wait_s is None


def test_updates_reads_and_acceptances_do_not_wait_for_each_other(ledger: OpenLedger, clock: GivenClock) -> None:
    """The vendor counts each command by itself."""
    waits = [ledger.lease(claim(clock, 1000, schedule=schedule)).wait_s for schedule in Schedule]
    assert waits == [0, 0, 0]
    assert [ledger.lease(claim(clock, 1, schedule=schedule)).wait_s for schedule in Schedule] == [None] * 3


def test_a_schedule_that_is_held_lends_nothing_until_it_is_let_go(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.lease(claim(clock, 1000, schedule=Schedule.ACCEPTANCES))
    ledger.hold(Hold(APP, Schedule.ACCEPTANCES, clock.now(), 60))
    assert ledger.lease(claim(clock, 10, schedule=Schedule.ACCEPTANCES)).wait_s is None
    assert ledger.lease(claim(clock, 10)).wait_s == 0
    ledger.hold(Hold(APP, Schedule.ACCEPTANCES, clock.now(), 0))
    again = ledger.lease(claim(clock, 10, ahead_max_s=20, schedule=Schedule.ACCEPTANCES))
    assert again.wait_s == pytest.approx(10, abs=2)


def test_a_schedule_that_was_never_lent_can_be_held(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.hold(Hold(APP, Schedule.ACCEPTANCES, clock.now(), 60))
    assert ledger.lease(claim(clock, 10, schedule=Schedule.ACCEPTANCES)).wait_s is None
    ledger.hold(Hold(APP, Schedule.ACCEPTANCES, clock.now(), 0))
    assert ledger.lease(claim(clock, 10, schedule=Schedule.ACCEPTANCES)).wait_s == 0


def test_a_schedule_whose_clock_was_set_back_goes_on(ledger: OpenLedger, clock: GivenClock) -> None:
    """What was lent out by the clock as it was would keep everybody waiting for the length of the jump."""
    ahead = replace(claim(clock, 10), now=clock.now() + 3600)
    ledger.lease(replace(ahead, calls=360_000))
    lent = ledger.lease(claim(clock, 10, longest_s=0.5))
    assert lent.wait_s == pytest.approx(1, abs=0.05)
    assert ledger.lease(claim(clock, 10, ahead_max_s=2, longest_s=0.5)).wait_s == pytest.approx(1.1, abs=0.05)


@pytest.mark.parametrize("ahead_s", [0.5, 1.5, 5, 30])
def test_a_clock_that_is_ahead_costs_the_others_no_turns(
    shared_store: SharedStore, clock: GivenClock, closing: Closing, ahead_s: float
) -> None:
    """Of a busy instance: the honest one gets what it asks for, as soon as it would with a clock like the other's."""
    honest, busy = closing(shared_store.open(clock)), closing(shared_store.open(clock))
    lag_s, waits = 0.0, list[float | None]()
    for _ in range(20):
        busy.lease(replace(claim(clock, 3), now=clock.now() + ahead_s))
        lent = honest.lease(replace(claim(clock, 2), lag_s=lag_s))
        lag_s = lent.lag_s
        waits.append(lent.wait_s)
        clock.advance(0.05)
    assert None not in waits
    assert max(wait for wait in waits if wait is not None) < 1


def test_instances_share_one_schedule(shared_store: SharedStore, shared_ledger: OpenLedger) -> None:
    outcomes = in_processes(shared_store, [partial(lease_all, times=5)] * 4)
    waits = sorted(wait for mine in outcomes if isinstance(mine, list) for wait in mine)
    assert len(waits) == 20
    # The clock of some stores goes on meanwhile; the calls lent come to 20 times 100 at 100 a second.
    assert waits[-1] == pytest.approx(19, abs=3)


def lease_all(ledger: Ledger, times: int) -> list[float]:
    """Lease so often; a ledger that has lost the race for a lease several times lends none, and is asked again."""
    waits = [ledger.lease(claim(SystemClock(), 100, ahead_max_s=1000)).wait_s for _ in range(times)]
    lent = [wait for wait in waits if wait is not None]
    return lent + lease_all(ledger, times - len(lent)) if len(lent) < times else lent
