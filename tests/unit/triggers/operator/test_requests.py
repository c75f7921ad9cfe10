"""An operator event is read whole before anything is done, and its first wrong field is named."""

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import operation_id
from handler.core.operator.verdicts import OperatorVerdict
from handler.triggers.event_kind import Event
from handler.triggers.operator.requests import Release, read_request
from handler.triggers.timer.tick import CALLER
from tests.unit.triggers.operator.operators import event


def test_contradicting_verdicts_are_refused() -> None:
    keys = [{"Caller": "c", "IdempotencyKey": "k", "verdict": "landed"}]
    request = read_request(event("release", GroupId="g", verdicts={operation_id("c", "k"): "not-landed"}, keys=keys))
    assert isinstance(request, Release)
    with pytest.raises(BadInput) as refused:
        request.decision.landed("")
    assert refused.value.field == "keys[0].verdict"


def test_keys_and_ids_make_one_decision() -> None:
    """A quoted key is the same as a bare one."""
    keys = [{"Caller": "c", "IdempotencyKey": '"k"', "verdict": "landed"}]
    request = read_request(
        event("release", GroupId="g", verdicts={"x": "not-landed"}, keys=keys, receipt=7, debt="drop")
    )
    assert isinstance(request, Release)
    assert request.decision.verdicts == {
        "x": OperatorVerdict.NOT_LANDED,
        operation_id("c", "k"): OperatorVerdict.LANDED,
    }
    assert (request.decision.receipt, request.decision.drops_debt) == (7, True)


def test_an_operation_of_the_schedule_goes_by_its_place_in_a_tick() -> None:
    """Whatever characters its trigger's name has; no caller's name is the schedule's."""
    ticks = [{"TriggerName": "täglich 群", "Time": "2026-11-22T08:00:00+08:00", "Index": 1, "verdict": "landed"}]
    request = read_request(event("release", GroupId="g", ticks=ticks))
    assert isinstance(request, Release)
    assert request.decision.verdicts == {
        operation_id(CALLER, "täglich 群/2026-11-22T00:00:00Z/1"): OperatorVerdict.LANDED
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [({"TriggerName": ""}, "TriggerName"), ({"Time": "2016-12-31T23:59:60Z"}, "ticks[0].Time")],
)
def test_a_tick_that_is_none_is_refused_by_its_field(change: Event, field: str) -> None:
    ticks = [{"TriggerName": "daily", "Time": "2026-11-22T00:00:00Z", "Index": 0, "verdict": "landed", **change}]
    request = read_request(event("release", GroupId="g", ticks=ticks))
    assert isinstance(request, Release)
    with pytest.raises(BadInput) as refused:
        request.decision.landed("")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        *(({}, "task"), ({"task": 7}, "task"), ({"task": "thaw"}, "task"), ({"task": ["inspect"]}, "task")),
        *(({"task": "inspect"}, "GroupId"), ({"task": "adopt", "GroupId": ""}, "GroupId")),
        *(({"task": "inspect", "GroupId": 7}, "GroupId"), ({"task": "inspect", "GroupId": "g", "x": 1}, "x")),
        ({"task": "adopt", "GroupId": "g", "verdicts": {}}, "verdicts"),
        ({"task": "adopt", "GroupId": "g", "debt": "forget"}, "debt"),
        ({"task": "release", "GroupId": "g", "verdicts": {"a": "perhaps"}}, "verdicts.a"),
        ({"task": "release", "GroupId": "g", "verdicts": []}, "verdicts"),
        ({"task": "release", "GroupId": "g", "keys": [{"Caller": "c", "verdict": "landed"}]}, "keys[0].IdempotencyKey"),
        ({"task": "release", "GroupId": "g", "ticks": [{"TriggerName": "d", "verdict": "landed"}]}, "ticks[0].Time"),
        ({"task": "release", "GroupId": "g", "receipt": "7"}, "receipt"),
        *(({"task": "parked"}, "action"), ({"task": "parked", "action": "burn"}, "action")),
        ({"task": "parked", "action": "list", "limit": 0}, "limit"),
        ({"task": "parked", "action": "list", "limit": 101}, "limit"),
        ({"task": "parked", "action": "list", "limit": True}, "limit"),
        ({"task": "parked", "action": "replay"}, "id"),
        *(({"task": "parked", "action": "drop", "id": ""}, "id"), ({"task": "inspect", "GroupId": "\ud800"}, "event")),
    ],
)
def test_a_wrong_event_is_refused_by_its_field(wrong: Event, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_request({"Type": "Operator", **wrong})
    assert refused.value.field == field
