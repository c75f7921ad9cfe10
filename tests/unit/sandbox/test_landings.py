"""The sandbox's decisions about requests that are applied later than they arrive, and about expiry on the way."""

import pytest

from tests.sandbox.app import ChatApp, Handling
from tests.sandbox.commands import Delete
from tests.sandbox.faults import Fault
from tests.sandbox.replies import Result
from tests.unit.sandbox.driver import NOW, call, counters, entry


def land(app: ChatApp, handling: Handling, after_s: float) -> Result:
    """Apply a request that was received at `NOW`, so much later."""
    return app.apply(handling, NOW + after_s)


def test_a_request_waits_for_the_lag_between_check_and_effect(app: ChatApp) -> None:
    """Its signature is checked on arrival only: it may be applied after it has expired."""
    app.apply_lag_s = 3.0
    handling = app.receive(call(life_s=1), NOW + 1.9)
    assert (handling.course.apply_after_s, handling.course.reply_after_s) == (3.0, 3.0)
    assert entry(app).state == "waiting"
    assert app.apply(handling, NOW + 4.9).code == 0


def test_a_late_request_lands_after_its_reply_was_lost(app: ChatApp) -> None:
    """The connection ends first; the request is applied when its delay is over."""
    app.plan.queue([Fault("late", delay_s=5.0)], "update", "*")
    handling = app.receive(call(), NOW)
    assert app.reply(handling, None, NOW).ending == "closed"
    assert counters(app) == {}
    land(app, handling, 5.0)
    assert counters(app) == {"like": 1}
    assert (entry(app).applied_at, entry(app).replied) == (NOW + 5.0, None)


@pytest.mark.parametrize("fault", [Fault("late", delay_s=7.0), Fault("slow_before", delay_s=7.0)], ids=str)
def test_a_held_up_request_is_refused_once_it_has_expired(app: ChatApp, fault: Fault) -> None:
    """With the second check, the signature is a fence: its last second still counts, and nothing lands after it."""
    app.plan.queue([fault, fault], "update", "*")
    assert land(app, app.receive(call(life_s=7), NOW), 7.0).code == 0
    app.groups.run(Delete("G", ()))
    assert land(app, app.receive(call(life_s=6), NOW), 7.0).code == 70001
    assert counters(app) == {}
    assert (entry(app).state, entry(app).code) == ("refused", 70001)


def test_without_a_second_check_an_expired_request_lands(app: ChatApp) -> None:
    """The hostile case: the API held the request up after its only check."""
    app.plan.queue([Fault("late", delay_s=60.0, recheck=False)], "update", "*")
    assert land(app, app.receive(call(life_s=6), NOW), 60.0).code == 0


def test_the_lag_follows_the_second_check_too(app: ChatApp) -> None:
    """A request that arrives in time is let in, and may be applied up to the lag after its life."""
    app.apply_lag_s = 3.0
    app.plan.queue([Fault("late", delay_s=6.0), Fault("late", delay_s=7.0)], "update", "*")
    in_time, too_late = app.receive(call(life_s=6), NOW), app.receive(call(life_s=6), NOW)
    assert (land(app, in_time, 9.0).code, land(app, too_late, 10.0).code) == (0, 70001)


def test_a_landing_that_comes_later_than_planned_is_checked_when_it_comes(app: ChatApp) -> None:
    """A machine that was too busy to be on time does not make an expired request land."""
    app.plan.queue([Fault("late", delay_s=1.0)], "update", "*")
    assert land(app, app.receive(call(life_s=6), NOW), 60.0).code == 70001


def test_a_request_lands_on_the_world_as_it_is_by_then(app: ChatApp) -> None:
    """A group that was dismissed meanwhile is not there any more."""
    app.plan.queue([Fault("late", delay_s=1.0)], "update", "*")
    handling = app.receive(call(), NOW)
    app.groups.dismiss("G")
    assert land(app, handling, 1.0).code == 10010
