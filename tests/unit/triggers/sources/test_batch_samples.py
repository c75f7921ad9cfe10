"""The sample events of the sources do what their names say, and a bad one is put aside for the reason in its name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from tests.sandbox.environment import KEY
from tests.unit.triggers.stage import Stage

EVENTS = Path(__file__).parents[4] / "events"

REASONS = {
    "bad.dynamodb.keys-only": "dynamodb.NewImage: is missing: the stream's view type must include new images",
    "bad.dynamodb.value-not-whole": "dynamodb.NewImage.GroupCounter[0].Value: is not a whole number",
    "bad.eventbridge.no-payload": "GroupId: Field required",
    "bad.eventbridge.too-long-ago": "is older than DEDUPE_WINDOW_S",
    "bad.kinesis.data-not-base64": "body: is not base64 of text in UTF-8",
    "bad.msk.no-value": "body: is missing",
    "bad.msk.value-not-base64": "body: is not base64 of text in UTF-8",
    "bad.scf-ckafka.body-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sns.message-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sqs.body-not-an-object": "body: is not an object",
    "bad.sqs.body-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sqs.caller-not-text": "Caller: is not a string",
    "bad.sqs.foreign-records": "record: is not an object",
    "bad.sqs.key-reused": "its key was used before with other content",
    "bad.sqs.key-with-a-space": "IdempotencyKey: must be 1 to 255 visible ASCII characters",
    "bad.sqs.no-such-group": None,
    "bad.sqs.page-by-hand": "Hmac: is missing or was not made with the app's current key; after a rotation, send the "
    "timer event again",
    "bad.sqs.too-long-ago": "is older than DEDUPE_WINDOW_S",
}
"""What is told of each; nothing but the vendor's refusal of one."""

GOOD = [
    *("sqs.increase", "sqs.redelivered-half", "sqs.page", "kinesis.increase", "dynamodb.insert", "sns.increase"),
    *("eventbridge.increase", "eventbridge-scheduler.increase", "msk.increase", "scf-ckafka.increase", "records.empty"),
]


@pytest.fixture
def stage() -> Stage:
    """The group of the samples, and the key by which their page is signed."""
    stage = Stage()
    stage.vault.secret = stage.vault.fresh = replace(stage.vault.secret, key=KEY)
    stage.chat.groups = {"live-room": {}}
    return stage


def event(name: str) -> Event:
    read: Event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return read


def put_aside(stage: Stage) -> int:
    """How many records were parked, or named with a reason."""
    return stage.told.notices.count(Notice.PARKED) + stage.told.notices.count(Notice.REJECTED)


def test_the_good_samples_count_once_however_often_they_are_played(stage: Stage) -> None:
    """Some records of theirs share a key, and one takes off what another adds."""
    for name in GOOD * 2:
        assert stage.batch(event(name)).get("batchItemFailures", []) == []
    assert stage.chat.groups["live-room"]["like"] == 11
    assert put_aside(stage) == 0


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_a_bad_sample_is_put_aside_for_its_reason(stage: Stage, name: str, reason: str | None) -> None:
    """After the samples of its queue, one of whose keys it uses again."""
    stage.batch(event("sqs.increase"))
    stage.batch(event(name))
    assert reason is None or reason in stage.told.reasons
    assert put_aside(stage) == (2 if name == "bad.sqs.foreign-records" else 1)
