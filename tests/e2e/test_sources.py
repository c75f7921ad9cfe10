"""What sources bring in envelopes, aggregates and lists counts once, through the runtime of either cloud."""

import base64
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Final, TypeAlias

import pytest

from tests.e2e.clouds import Cloud
from tests.e2e.instances import Failure, FunctionInstance, Reply
from tests.e2e.watching import wait_for
from tests.sandbox.aggregates import aggregate
from tests.sandbox.chat import ChatServer, Fault

Event: TypeAlias = dict[str, object]

NOW_S: Final = time.time()
ISO: Final = datetime.fromtimestamp(NOW_S, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
QUEUE: Final = "arn:aws:sqs:eu-west-1:123456789012:counters"
STREAM: Final = "arn:aws:kinesis:eu-west-1:123456789012:stream/counters"
TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:counters"


def notification(name: str, text: str) -> str:
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": name,
            "TopicArn": TOPIC,
            "Message": text,
            "Timestamp": ISO,
            "Signature": "",
        }
    )


def bus_event(name: str, text: str) -> str:
    envelope = {"version": "0", "id": name, "detail-type": "Liked", "source": "shop", "account": "1", "region": "r"}
    return json.dumps({**envelope, "time": ISO, "resources": [], "detail": json.loads(text)})


def sqs(name: str, body: str) -> Event:
    sent = {"SentTimestamp": str(int(NOW_S * 1000))}
    return {"messageId": name, "body": body, "attributes": sent, "eventSource": "aws:sqs", "eventSourceARN": QUEUE}


def kinesis(name: str, data: str, key: str) -> Event:
    # Each group's records have a shard of their own, so that tests share no sequence numbers.
    group, _, number = name.rpartition("/")
    event_id = f"shardId-{group}:4959{int(number):06}"
    part = {"sequenceNumber": event_id.rpartition(":")[2], "partitionKey": key, "data": data}
    named = {"eventID": event_id, "eventSource": "aws:kinesis", "eventSourceARN": STREAM}
    return {"kinesis": {**part, "approximateArrivalTimestamp": NOW_S}, **named}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def records(of: Sequence[Event]) -> object:
    return {"Records": list(of)}


def flat(of: Sequence[Event]) -> object:
    """As a pipe passes records of Kinesis on."""
    return [{**part, **record} for record in of if isinstance(part := record.get("kinesis"), dict)]


def self_managed(of: Sequence[Event]) -> object:
    return {"eventSource": "SelfManagedKafka", "bootstrapServers": "b-1:9092", "records": {"counters-0": list(of)}}


def kafka(name: str, text: str) -> Event:
    topic, _, number = name.rpartition("/")
    place = {"topic": topic, "partition": 0, "offset": int(number), "timestamp": int(NOW_S * 1000)}
    return {**place, "value": encoded(text)}


def cmq(name: str, text: str) -> Event:
    return {"CMQ": {"topicName": "counters", "publishTime": ISO, "msgId": name, "msgBody": text, "msgTag": "a,b"}}


def ckafka(name: str, text: str) -> Event:
    topic, _, number = name.rpartition("/")
    return {"Ckafka": {"topic": topic, "partition": "0", "offset": number, "msgKey": "None", "msgBody": text}}


def pair(name: str, text: str, group: str) -> Event:
    """An aggregate with the record, and one that is malformed."""
    return kinesis(name, aggregate([(group, text), (group, "like")]), "a")


SOURCES: Final[dict[str, tuple[Callable[[str, str, str], Event], Callable[[Sequence[Event]], object]]]] = {
    "SNS in SQS": (lambda name, text, _: sqs(name, notification(name, text)), records),
    "EventBridge in SQS": (lambda name, text, _: sqs(name, bus_event(name, text)), records),
    "SNS in Kinesis": (lambda name, text, group: kinesis(name, encoded(notification(name, text)), group), records),
    "EventBridge in Kinesis": (lambda name, text, group: kinesis(name, encoded(bus_event(name, text)), group), records),
    "aggregates": (pair, records),
    "aggregates through a pipe": (pair, flat),
    "SQS through a pipe": (lambda name, text, _: sqs(name, text), list),
    "Kinesis through a pipe": (lambda name, text, group: kinesis(name, encoded(text), group), flat),
    "self-managed Kafka": (lambda name, text, _: kafka(name, text), self_managed),
    "CMQ": (lambda name, text, _: cmq(name, text), records),
    "CKafka": (lambda name, text, _: ckafka(name, text), records),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_batch_that_comes_whole_in_halves_and_again_counts_once(cloud: Cloud, source: str) -> None:
    """Streams are cut in two to find what is wrong; what is malformed holds up nothing."""
    make, batch = SOURCES[source]
    made = [make(f"{cloud.group}/{number}", text(cloud.group, 10**number), cloud.group) for number in range(4)]
    for part in (made[:3], made[2:], made, made):
        outcome = cloud.instance.invoke(batch(part))
        assert isinstance(outcome, Reply)
        assert isinstance(outcome.value, dict)
        assert outcome.value.get("batchItemFailures", []) == []
    assert cloud.like == 1111


@pytest.mark.parametrize("source", ["aggregates", "SNS in SQS"])
def test_a_batch_whose_instance_is_killed_in_its_call_counts_once(
    instance: FunctionInstance, chat: ChatServer, source: str
) -> None:
    """The call has landed and its reply is lost with the process; half of the batch comes first, then all of it."""
    make, batch = SOURCES[source]
    made = [make(f"G/{number}", text("G", 10**number), "G") for number in range(4)]
    instance.invoke(batch(made[:1]))
    chat.plan([Fault("slow", delay_s=60.0)])
    chat.always(Fault("slow", delay_s=60.0), "get")
    with ThreadPoolExecutor() as aside:
        cut_short = aside.submit(instance.invoke, batch(made[:3]))
        wait_for(lambda: chat.values("G")["like"] == 111, "the increases")
        instance.kill()
        assert isinstance(cut_short.result(), Failure)
    chat.clear_faults()
    for part in (made[2:], made):
        assert isinstance(instance.invoke(batch(part)), Reply)
    assert chat.values("G")["like"] == 1111


def text(group: str, value: int) -> str:
    return json.dumps({"GroupId": group, "GroupCounter": [{"Key": "like", "Value": value}], "Mode": "Increase"})
