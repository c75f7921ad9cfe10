"""What arrives by mistake is refused with what it is and what to change, as an event and in a message."""

import json

import pytest

from handler.core.errors import UnknownEvent
from handler.triggers.event_kind import Event, detect
from tests.unit.triggers.sources.source_events import TOPIC, records, sqs, text
from tests.unit.triggers.stage import Stage

FOREIGN: dict[str, tuple[Event, str]] = {
    "S3": ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "an S3 notification, which tells of a file: send the"),
    "S3's test": ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, "a test message of S3: take the"),
    "COS": ({"Records": [{"cos": {}, "event": {"eventSource": "qcs::cos"}}]}, "a notification of COS, which tells"),
    "CLS": ({"clslogs": {"data": ""}}, "a delivery of Tencent's Cloud Log Service: take its trigger off"),
    "CloudWatch Logs": ({"awslogs": {"data": ""}}, "a delivery of CloudWatch Logs: take the subscription filter off"),
    "its text": ({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": []}, "a delivery of CloudWatch Logs"),
    "Firehose": ({"deliveryStreamArn": "a", "records": []}, "a request of Firehose to transform records: take the"),
    "SES": ({"Records": [{"eventSource": "aws:ses", "ses": {}}]}, "a mail that SES has received: send the payload"),
    "DocumentDB": ({"eventSource": "aws:docdb", "events": []}, "a batch of changes in DocumentDB: send the payload"),
    "ActiveMQ": ({"eventSource": "aws:amq", "messages": []}, "a batch of Amazon MQ, whose messages it cannot tell"),
    "RabbitMQ": ({"eventSource": "aws:rmq"}, "a batch of Amazon MQ, whose messages it cannot tell from repeats: let"),
    "a table's stream": (
        {"tableName": "t", "recordFormat": "application/json", "dynamodb": {}, "eventSource": "aws:dynamodb"},
        "a change of a table on its way through Kinesis: map the table's own stream to the function instead",
    ),
    "a table's export": ({"Item": {"GroupId": {"S": "room"}}}, "a line of a table's export: map the table's own"),
    "a subscription": ({"Type": "SubscriptionConfirmation", "TopicArn": TOPIC}, "a request of SNS to confirm a"),
    "its end": ({"Type": "UnsubscribeConfirmation"}, "a notice of SNS that a subscription has ended: drop the"),
}


@pytest.mark.parametrize(("foreign", "words"), FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_foreign_is_told_as_an_event_and_in_a_message(stage: Stage, foreign: Event, words: str) -> None:
    with pytest.raises(UnknownEvent) as refused:
        detect(foreign)
    assert str(refused.value).startswith(f"event: is {words}")
    assert "; known are: API Gateway" in str(refused.value)
    stage.batch(records(sqs(json.dumps(foreign))))
    assert str(stage.told.reasons[-1]).startswith(f"body: is {words}")


def test_a_payload_on_its_own_is_told_what_it_lacks() -> None:
    with pytest.raises(UnknownEvent, match="is a payload on its own, which has no identity to tell a repeat by: send"):
        detect(json.loads(text()))


@pytest.mark.parametrize("event", [{"eventSource": ["aws:s3"]}, {"Type": {}}, {"Records": [7]}, {"Records": {}}])
def test_of_what_is_unknown_nothing_is_told(event: Event) -> None:
    with pytest.raises(UnknownEvent, match=r"^event: has the shape of no known kind; known are: "):
        detect(event)
