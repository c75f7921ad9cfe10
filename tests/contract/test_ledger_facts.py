"""What a ledger keeps beside rows and records: its generation, and the app's schedule of calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from handler.core.ledger import Generation, Ledger, Look
from handler.core.rows import Group
from tests.contract.processes import in_processes
from tests.contract.samples import GROUP, idle_row, record
from tests.contract.stores import GivenClock, OpenLedger, SharedStore

APP = GROUP.app


def test_a_look_shows_row_and_records(ledger: OpenLedger) -> None:
    """In one answer, and only what was asked for."""
    ledger.swap(GROUP, idle_row(), {"a": record("a"), "b": record("b")})
    assert ledger.look(GROUP, ["a", "missing"]) == Look(idle_row(), {"a": record("a")})
    assert ledger.look(Group(APP, "other"), ["a"]) == Look(None, {})


def test_a_look_for_no_operation_shows_the_row_alone(ledger: OpenLedger) -> None:
    """Whoever only wants to know how a group stands."""
    assert ledger.look(GROUP, []) == Look(None, {})
    ledger.swap(GROUP, idle_row(), {"a": record("a")})
    assert ledger.look(GROUP, []) == Look(idle_row(), {})


def test_a_generation_is_raised_by_one(ledger: OpenLedger) -> None:
    """It begins when the operator says so."""
    first = ledger.generation()
    assert ledger.raise_generation(1_800_000_000) == Generation(first.number + 1, 1_800_000_000)
    assert ledger.generation() == Generation(first.number + 1, 1_800_000_000)


def test_a_raised_generation_is_there_for_all(
    shared_store: SharedStore, clock: GivenClock, closing: Callable[[OpenLedger], OpenLedger]
) -> None:
    """And outlasts whoever raised it."""
    first = shared_store.open(clock)
    raised = first.raise_generation(1_800_000_000)
    first.close()
    assert closing(shared_store.open(clock)).generation() == raised


def test_calls_of_a_new_schedule_may_begin_at_once(ledger: OpenLedger) -> None:
    """Nobody has taken any."""
    assert ledger.lease(APP, 10, 200, 1) == 0


def test_every_call_of_a_schedule_is_lent_once(ledger: OpenLedger) -> None:
    """Whoever comes next begins where the one before ends."""
    waits = [ledger.lease(APP, 10, 100, 1) for _ in range(4)]
    assert waits == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.05)


def test_a_schedule_is_lent_no_further_ahead_than_asked_for(ledger: OpenLedger) -> None:
    """A refusal takes nothing, so that it costs nobody a turn."""
    assert ledger.lease(APP, 1000, 100, 1) == 0
    assert ledger.lease(APP, 10, 100, 1) is None
    assert ledger.lease(APP, 10, 100, 20) == pytest.approx(10, abs=0.5)


def test_each_app_has_a_schedule_of_its_own(ledger: OpenLedger) -> None:
    """The vendor's limit is the app's."""
    ledger.lease(APP, 1000, 100, 1)
    assert ledger.lease(APP + 1, 10, 100, 1) == 0


def test_instances_share_one_schedule(shared_store: SharedStore, shared_ledger: OpenLedger) -> None:
    """However many lease at once, no call is lent twice."""
    outcomes = in_processes(shared_store, [partial(lease_all, times=5)] * 4)
    waits = sorted(wait for mine in outcomes if isinstance(mine, list) for wait in mine)
    assert len(waits) == 20
    # The clock of some stores goes on meanwhile; the calls lent come to 20 times 100 at 100 a second.
    assert waits[-1] == pytest.approx(19, abs=3)


def lease_all(ledger: Ledger, times: int) -> list[float | None]:
    """Lease again and again."""
    return [ledger.lease(APP, 100, 100, 1000) for _ in range(times)]
