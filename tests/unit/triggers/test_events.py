"""The sample events are of every kind, and each bad one is refused for the reason in its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handler.core.errors import BadInput, UnknownEvent
from handler.triggers.event_kind import Event, Kind, detect
from tests.unit.triggers.operator.test_samples import FIELDS
from tests.unit.triggers.sources.test_batch_samples import REASONS
from tests.unit.triggers.stage import Stage

EVENTS = {path.stem: path for path in sorted((Path(__file__).parents[3] / "events").glob("*.json"))}
HTTP = [
    name
    for name in EVENTS
    if name.removeprefix("bad.").startswith(("alb", "function-url", "http-", "scf-function-url"))
]
GOOD = [name for name in HTTP if not name.startswith("bad.")]

BAD_INPUT = {
    "bad.http-v1.no-path": "path",
    "bad.http-v2.body-not-base64": "body",
    "bad.http-v2.body-not-json": "body",
    "bad.http-v2.headers-not-strings": "headers",
    "bad.http-v2.key-twice": "GroupCounter[1].Key",
    "bad.http-v2.key-with-a-space": "Idempotency-Key",
    "bad.http-v2.key-with-one-quote": "Idempotency-Key",
    "bad.http-v2.missing-key": "Idempotency-Key",
    "bad.http-v2.missing-mode": "Mode",
    "bad.http-v2.no-body": "body",
    "bad.http-v2.operator": "GroupCounter",
    "bad.http-v2.receipt-key": "GroupCounter[0].Key",
    "bad.http-v2.same-name-twice": "body",
    "bad.http-v2.too-many-keys": "GroupCounter",
    "bad.http-v2.unknown-field": "Operator",
    "bad.http-v2.value-not-whole": "GroupCounter[0].Value",
    "bad.http-v2.value-out-of-range": "GroupCounter[0].Value",
    "bad.scf-function-url.body-not-json": "body",
}
BAD_TICKS = {
    "bad.timer.group-id-not-text": "Message.operations[0].GroupIds[2]",
    "bad.timer.message-not-json": "Message",
    "bad.timer.no-message": "Message",
    "bad.timer.time-without-offset": "Time",
    "bad.timer.too-long-ago": "Time",
    "bad.timer.two-sources": "Message.operations[1].GroupIds",
    "bad.timer.unknown-field": "Message.operations[0].GroupId",
    "bad.timer.unknown-task": "Message.task",
}
OTHER_PROBLEMS = {
    "bad.alb.no-token": 401,
    "bad.http-v2.no-such-group": 404,
    "bad.http-v2.no-such-route": 404,
    "bad.http-v2.no-token": 401,
    "bad.http-v2.unknown-token": 401,
    "bad.http-v2.wrong-method": 405,
}
STATUSES = {"http-v2.key-reused": 422, "http-v2.respond-async": 202}


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {"live-room": {}, "quiet-room": {}}
    return stage


def event(name: str) -> Event:
    read: Event = json.loads(EVENTS[name].read_text("utf-8"))
    return read


def body(reply: Event) -> Event:
    read: Event = json.loads(str(reply["body"]))
    return read


def test_there_is_a_sample_of_every_kind() -> None:
    assert {detect(event(name))[0] for name in EVENTS if ".unknown-" not in name or "task" in name} == set(Kind)


def test_every_bad_sample_is_expected_to_be_refused() -> None:
    """A new one needs its line here."""
    bad = {name for name in EVENTS if name.startswith("bad.")}
    unknown = {"bad.unknown-kind", "bad.records.unknown-source"}
    assert bad == BAD_INPUT.keys() | BAD_TICKS.keys() | OTHER_PROBLEMS.keys() | REASONS.keys() | FIELDS.keys() | unknown


def test_the_good_samples_are_answered(stage: Stage) -> None:
    """In the order of their names, because some of them ask after an earlier one, or repeat it."""
    statuses = {name: stage.answer(event(name))["statusCode"] for name in GOOD}
    assert statuses == dict.fromkeys(GOOD, 200) | STATUSES


def test_the_counters_are_those_of_the_good_samples(stage: Stage) -> None:
    for name in GOOD * 2:
        stage.answer(event(name))
    counters = {key: value for key, value in stage.chat.groups["live-room"].items() if key != "_receipt"}
    assert counters == {"like": 7, "gift": 3, "观看": 3, "share": -3, "viewers": 120}


@pytest.mark.parametrize(("name", "field"), BAD_INPUT.items())
def test_a_bad_sample_is_refused_by_its_field(stage: Stage, name: str, field: str) -> None:
    reply = stage.answer(event(name))
    assert (reply["statusCode"], body(reply)["field"]) == (400, field)


@pytest.mark.parametrize(("name", "status"), OTHER_PROBLEMS.items())
def test_another_bad_sample_has_its_status(stage: Stage, name: str, status: int) -> None:
    reply = stage.answer(event(name))
    assert (reply["statusCode"], body(reply)["status"]) == (status, status)


@pytest.mark.parametrize(("name", "field"), BAD_TICKS.items())
def test_a_bad_tick_is_refused_by_its_field(stage: Stage, name: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        stage.tick(event(name))
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["timer.set", "timer.sweep", "scf-timer.set", "scf-timer.sweep"])
def test_a_good_tick_returns_its_counts(stage: Stage, name: str) -> None:
    returned = stage.tick(event(name))
    assert returned.get("pending", returned.get("left")) == 0


@pytest.mark.parametrize("name", ["bad.unknown-kind", "bad.records.unknown-source"])
def test_an_event_of_no_kind_is_refused(name: str) -> None:
    with pytest.raises(UnknownEvent):
        detect(event(name))
