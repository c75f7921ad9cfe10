"""The operator's sample events: each good one is done, and each bad one is refused for the reason in its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handler.core.errors import BadInput
from handler.core.ports.ledger import Parked
from handler.triggers.event_kind import Event, Kind, detect
from handler.triggers.operator import handler as operator
from tests.unit.triggers.stage import APP, Stage

EVENTS = Path(__file__).parents[4] / "events"

FIELDS = {
    "bad.operator.no-group": "GroupId",
    "bad.operator.no-such-record": "id",
    "bad.operator.not-a-verdict": "verdicts.G9iUfbxZAT_FwflfJMl6hA",
    "bad.operator.not-frozen": "GroupId",
    "bad.operator.unknown-task": "task",
}
DONE = {
    "operator.inspect": {"to_be_judged": []},
    "scf-operator.inspect": {"to_be_judged": []},
    "operator.adopt": {"done": True, "changed": False},
    "operator.parked-list": {"next": None},
    "operator.parked-replay": {"outcome": "applied", "dropped": True},
    "operator.parked-drop": {"dropped": True},
}


def event(name: str) -> Event:
    read: Event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return read


@pytest.fixture
def stage() -> Stage:
    """The group of the samples, with a history, and the parked records that they name."""
    stage = Stage()
    stage.chat.groups["live-room"] = {}
    stage.post("first", GroupId="live-room")
    payload = {"GroupId": "live-room", "GroupCounter": [{"Key": "like", "Value": 1}], "Mode": "Increase"}
    for name in ("operator.parked-replay", "operator.parked-drop"):
        stage.kept.park(APP, Parked(str(event(name)["id"]), "a-source", "why", 1.0, json.dumps(payload)))
    return stage


def test_every_sample_of_an_operator_is_known() -> None:
    """By its kind, and by its line here; the live test's have their own."""
    names = {path.stem for path in EVENTS.glob("*operator.*.json")}
    assert {name for name in names if event(name)["task"] != "verify"} == FIELDS.keys() | DONE.keys()
    assert {detect(event(name))[0] for name in names} == {Kind.OPERATOR}


@pytest.mark.parametrize(("name", "fields"), DONE.items())
def test_a_good_sample_is_done(stage: Stage, name: str, fields: Event) -> None:
    answer = operator.run(event(name), stage.invocation, stage.context)
    assert {field: answer[field] for field in fields} == fields


@pytest.mark.parametrize(("name", "field"), FIELDS.items())
def test_a_bad_sample_is_refused_by_its_field(stage: Stage, name: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        operator.run(event(name), stage.invocation, stage.context)
    assert refused.value.field == field
