"""The sandbox's decisions about requests that are applied at once, if at all."""

import pytest

from tests.sandbox.app import ChatApp
from tests.sandbox.faults import Fault, every_kind
from tests.unit.sandbox.driver import NOW, call, conduct, counters, entry


@pytest.mark.parametrize("fault", [Fault("drop_before"), Fault("reset_before"), Fault("bad_gateway_before")], ids=str)
def test_a_request_that_never_arrives_is_not_checked(app: ChatApp, fault: Fault) -> None:
    """Even one with an expired signature meets the fault and not the API; it uses up none of the rate."""
    app.rate.calls_per_second = 1
    app.plan.queue([fault], "update", "*")
    conduct(app, call(at=NOW - 60))
    assert (entry(app).state, entry(app).code, entry(app).replied) == ("lost", None, None)
    assert conduct(app, call()).code == 0


def test_a_refused_request_stays_refused_under_every_fault(app: ChatApp) -> None:
    faults = every_kind(delay_s=1.0, key="_receipt")
    app.plan.queue(faults, "update", "*")
    for _ in faults:
        conduct(app, call(at=NOW - 60))
    assert counters(app) == {}


def test_a_request_that_is_not_to_be_applied_cannot_be(app: ChatApp) -> None:
    """A driver that forgets to look at the course is told so: this one is refused, that one withheld by a fault."""
    app.plan.queue([None, Fault("code", code=10002)], "update", "*")
    for handling in (app.receive(call(at=NOW - 60), NOW), app.receive(call(), NOW)):
        with pytest.raises(ValueError, match="not to be applied"):
            app.apply(handling, NOW)
    assert counters(app) == {}


def test_a_request_without_a_result_has_no_healthy_reply(app: ChatApp) -> None:
    """A driver that forgets to apply a request before it replies is told so."""
    handling = app.receive(call(), NOW)
    with pytest.raises(ValueError, match="has a result"):
        app.reply(handling, None, NOW)


def test_a_reset_takes_everything_back(app: ChatApp) -> None:
    """Groups, faults, journal, keys, limit and lag are as at the start; numbers of entries go on."""
    conduct(app, call())
    app.plan.always(Fault("drop_before"), "update", "*")
    app.replace_keys(())
    app.apply_lag_s, app.rate.calls_per_second = 9.0, 0
    app.reset()
    app.groups.create("G", "Public", {})
    assert conduct(app, call()).code == 0
    assert [entry.sequence for entry in app.journal.entries()] == [2]
