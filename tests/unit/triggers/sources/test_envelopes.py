"""What comes in a notification of SNS or an event of EventBridge is counted by the identity in the envelope."""

import json
from collections.abc import Callable

import pytest

from handler.triggers.sources.envelopes import opened
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.sources.source_events import (
    ARN,
    STREAM,
    TOPIC,
    bus_event,
    ckafka,
    eventbridge,
    item,
    kinesis,
    msk,
    notification,
    of_msk,
    records,
    sns,
    sqs,
    text,
)
from tests.unit.triggers.stage import APP, START, Stage

ENVELOPES: dict[str, Callable[[str, int], str]] = {
    "SNS": notification,
    "EventBridge": lambda content, number: bus_event(json.loads(content), number),
    "EventBridge Scheduler": bus_event,
    "EventBridge in SNS": lambda content, number: notification(bus_event(json.loads(content), number), 1000),
}
CARRIERS = {
    "SQS": lambda content, number: records(sqs(content, number)),
    "Kinesis": lambda content, number: records(kinesis(content, number, partitionKey="room")),
    "SNS": lambda content, number: records(sns(content, number)),
    "MSK": lambda content, number: of_msk(msk(content, number)),
    "CKafka": lambda content, number: records(ckafka(content, number)),
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS.keys())
@pytest.mark.parametrize("wrapped", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_a_message_counts_once_however_often_it_is_carried(
    stage: Stage, wrapped: Callable[[str, int], str], carrier: Callable[[str, int], dict[str, object]]
) -> None:
    """A redrive of a queue, or a second subscription, gives it another outer identity."""
    for number in (0, 0, 1):
        stage.batch(carrier(wrapped(text(5), 7), number))
    stage.batch(carrier(wrapped(text(5), 8), 2))
    assert stage.like() == 10


def test_a_message_that_also_comes_without_its_envelope_counts_once(stage: Stage) -> None:
    stage.batch(records(sqs(notification(text(5)))))
    stage.batch(records(sns(text(5))))
    stage.batch(records(kinesis(bus_event(json.loads(text(20))))))
    stage.batch(eventbridge(json.loads(text(20))))
    assert stage.like() == 25


def test_names_in_the_payload_come_before_those_of_the_envelope(stage: Stage) -> None:
    named = text(5, IdempotencyKey="order-7", Caller="shop")
    stage.batch(records(sqs(notification(named, 1)), sqs(bus_event(json.loads(named), 2), 1), sqs(named, 2)))
    assert stage.like() == 5


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        (notification(text(), MessageId="two words"), "MessageId"),
        (notification(text(), TopicArn="a" * 257), "TopicArn"),
        (notification(text(), Timestamp="yesterday"), "Timestamp"),
        (notification(text(Extra=1)), "Extra"),
        (notification("hello"), "body"),
        (bus_event({}, id=""), "id"),
        (bus_event({}, source="a\nb"), "source"),
        (bus_event({}, time="2026"), "time"),
        (bus_event({}), "GroupId"),
        (notification(notification(notification(text()))), "GroupId"),
    ],
)
def test_what_is_wrong_in_an_envelope_is_named(stage: Stage, envelope: str, field: str) -> None:
    assert stage.batch(records(sqs(envelope), sqs(text(1), 1))) == {"batchItemFailures": [item("aws:sqs", 0)]}
    assert str(stage.told.reasons[-1]).startswith(f"{field}: ")
    assert stage.like() == 1


@pytest.mark.parametrize(
    "written",
    [
        text(Caller='{"TopicArn": "detail-type"}'),
        json.dumps([notification(text())]),
        notification(text(), Type="SubscriptionConfirmation"),
        notification(text(), MessageId=7),
        notification(text(), GroupId="room"),
        bus_event({}, version="1"),
        bus_event([]),
        json.dumps({"TopicArn": TOPIC, "Message": text()}),
        f'{{"TopicArn": "{"a" * 4 * 64 * 1024}"}}',
    ],
)
def test_what_has_another_shape_is_no_envelope(written: str) -> None:
    assert opened(written) is None


@pytest.mark.parametrize("is_old_inside", [True, False])
def test_a_message_is_as_old_as_its_first_sending(stage: Stage, is_old_inside: bool) -> None:
    """A redrive gives a message a new outer time, and the record of its first delivery may be gone by then."""
    envelope = notification(text(), Timestamp="2026-11-01T00:00:00Z") if is_old_inside else notification(text())
    outer_s = START if is_old_inside else START - 1_296_001
    record = sqs(envelope, attributes={"SentTimestamp": str(int(outer_s * 1000))})
    assert stage.batch(records(record)) == {"batchItemFailures": []}
    [parked] = stage.kept.page(APP, 100)
    assert (parked.id, parked.source, parked.payload) == ("message-0", ARN, envelope)
    assert parked.reason == "is older than DEDUPE_WINDOW_S"


def test_a_parked_envelope_is_replayed_as_the_message_in_it(stage: Stage) -> None:
    """Its key and caller are those of the envelope, so what has counted before counts no more."""
    stage.batch(records(kinesis(notification(text(5, "late"), 7))))
    stage.batch(records(kinesis(bus_event(json.loads(text(5, "late")), 7), 1)))
    stage.chat.groups["late"] = {}
    for parked in stage.kept.page(APP, 100):
        assert parked.source == STREAM
        assert tell(stage, "parked", action="replay", id=parked.id)["outcome"] == "rejected"
        assert tell(stage, "parked", action="replay", id=parked.id, IdempotencyKey="again")["outcome"] == "applied"
    assert stage.like("late") == 10
