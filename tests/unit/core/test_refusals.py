"""What confirms a definite refusal, and what does not (R4 c)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handler.core.accepting import SWAPS_MAX
from handler.core.commands import Mode
from handler.core.driving import drive
from handler.core.errors import TooManyCalls
from handler.core.instance import Patience
from handler.core.lifting import DECREASE_FROM
from handler.core.notices import Notice
from handler.core.outcomes import Applied, Rejected, Stalled
from handler.core.ports import Call, Fault, Refused, Reply
from handler.core.visit import Visit
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene, increase

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, NOW)
GONE = Refused(10010, "no such group", Fault.OPERATION, NOW)
ARREARS = Refused(60020, "arrears", Fault.APP, NOW)


def test_a_read_that_is_refused_for_the_same_reason_confirms() -> None:
    """A group that is not there can neither be counted in nor be read."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [GONE], [GONE]
    assert scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5)) == [Rejected(10010, "no such group")]
    assert len(scene.api.asked) == 1


def test_a_read_that_is_refused_for_another_reason_confirms_nothing() -> None:
    """The code lied and the call landed: only the receipt can tell, so it is asked for again."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [INVALID], [GONE]
    scene.api.counters = {"like": 5, "_receipt": BASE}
    send = scene.api.update

    def lie(call: Call) -> Reply:
        scene.api.land(call.mode, call.values)
        return send(call)

    scene.api.update = lie  # type: ignore[method-assign]  # the API of this test lies
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert outcome == Applied((("like", 10),), observed_later=True)
    assert scene.api.counters["like"] == 10
    assert Notice.REFUSAL_DISPROVED in scene.notices.told


def test_a_refused_app_is_not_asked_about_other_peoples_attempts() -> None:
    """Nothing is called until the gate opens; the operation stays owed."""
    scene = Scene(row(attempt(entry("a"))))
    scene.instance.gate.close(ARREARS)
    visit = Visit(scene.instance, GROUP, scene.patience(0.5))
    drive(visit, None)
    assert visit.stopped is not None
    assert visit.stopped.refusal is ARREARS
    assert (scene.api.calls, scene.api.asked) == ([], [])


def test_an_app_that_is_refused_leaves_its_operation_owed() -> None:
    """The caller is told why, and nothing is recorded."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [ARREARS], [ARREARS]
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert isinstance(outcome, Stalled)
    assert outcome.code == 60020
    assert [owed.id for owed in scene.row.owed] == [increase("a").id]


def test_a_payment_that_is_refused_three_times_waits_for_an_operator() -> None:
    """It is owed by us, so it gets more than one chance, but not for ever."""
    scene = Scene(row(debt=(("like", 5),)))
    scene.api.updates = [INVALID] * 3
    scene.counters.sweep(scene.clock.moment + 60)
    assert len(scene.api.calls) == 3
    assert scene.row.frozen == "corrections are refused with code 10004"
    assert scene.row.debt == (("like", 5),)


def test_a_payment_that_is_refused_once_is_made_again() -> None:
    """The second one settles the debt."""
    scene = Scene(row(debt=(("like", 5),)))
    scene.api.counters = {"like": 5, "_receipt": BASE}
    scene.api.updates = [INVALID]
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.debt, scene.api.counters["like"]) == ((), 0)


def test_a_debt_to_a_group_that_is_gone_is_forgiven() -> None:
    """Its counters are gone with it."""
    scene = Scene(row(debt=(("like", 5),)))
    scene.api.updates, scene.api.reads = [GONE], [GONE]
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.debt, scene.row.frozen) == ((), None)


def test_a_row_that_others_change_all_the_time_turns_a_caller_away() -> None:
    """Nothing was accepted, and the caller is told so."""
    scene = Scene(row(queue=(entry("old"),)))
    scene.ledger.before_swap = [scene.grow] * (SWAPS_MAX + 1)
    now = scene.clock.moment
    with pytest.raises(TooManyCalls):
        scene.counters.apply(GROUP.id, [increase("a")], Patience(until=now, deadline=now))
    assert scene.row.entry(increase("a").id) is None


def test_a_set_whose_refusal_lied_is_found_by_the_next_look() -> None:
    """Both the call and the look that should confirm were called refused, and yet the Set had been carried out."""
    rate = Refused(60007, "too many calls", Fault.RATE, NOW)
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [rate], [rate]
    send = scene.api.update

    def lie(call: Call) -> Reply:
        if not scene.api.calls:
            scene.api.land(call.mode, call.values)
        return send(call)

    scene.api.update = lie  # type: ignore[method-assign]  # the API of this test lies
    operation = replace(increase("a"), mode=Mode.SET)
    [outcome] = scene.counters.apply(GROUP.id, [operation], scene.patience(30))
    assert outcome == Applied((("like", 5),), observed_later=True)
    assert (len(scene.api.calls), scene.row.frozen) == (1, None)


def test_a_debt_to_a_group_that_can_be_read_stays_owed_whatever_the_code() -> None:
    """It is not gone: the payment is made again."""
    scene = Scene(replace(row(debt=(("like", 5),)), base=DECREASE_FROM))
    scene.api.counters = {"like": 5, "_receipt": DECREASE_FROM}
    scene.api.updates = [GONE]
    scene.counters.sweep(scene.clock.moment + 60)
    assert (len(scene.api.calls), scene.api.counters["like"], scene.row.debt) == (2, 0, ())
