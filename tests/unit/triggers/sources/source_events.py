"""Events of every source as its platform writes them, around given texts."""

import base64
import json
from collections.abc import Callable, Sequence

from handler.triggers.event_kind import Event, part_of
from tests.unit.triggers.stage import START

ARN = "arn:aws:sqs:eu-west-1:123456789012:counters"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/counters"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/outbox/stream/2026-11-01T00:00:00.000"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:counters"
CLUSTER = "arn:aws:kafka:eu-west-1:123456789012:cluster/counters/751d2973-2"
ISO = "2026-11-22T00:00:00.000Z"


def text(value: int = 1, group: str = "room", mode: str = "Increase", **more: object) -> str:
    """A payload: it adds to `like`; `more` replaces its fields or adds to them."""
    counters = [{"Key": "like", "Value": value}]
    return json.dumps({"GroupId": group, "GroupCounter": counters, "Mode": mode, **more})


def encoded(content: str) -> str:
    return base64.b64encode(content.encode(errors="surrogatepass")).decode()


def sqs(content: object, number: int = 0, **changes: object) -> Event:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(START * 1000))}
    named = {"messageId": f"message-{number}", "receiptHandle": "handle", "body": content}
    return {**named, "attributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": ARN, **changes}


def kinesis(content: object, number: int = 0, **changes: object) -> Event:
    sequence = f"4959{number:06}"
    data = encoded(content) if isinstance(content, str) else content
    part = {"sequenceNumber": sequence, "partitionKey": "p", "data": data, "approximateArrivalTimestamp": START}
    named = {"eventID": f"shardId-000000000006:{sequence}", "eventSource": "aws:kinesis", "eventSourceARN": STREAM}
    return {"kinesis": {**part, **changes}, **named}


def attribute(value: object) -> Event:
    """A value in the way that DynamoDB writes it."""
    if isinstance(value, dict):
        return {"M": {name: attribute(part) for name, part in value.items()}}
    if isinstance(value, list):
        return {"L": [attribute(part) for part in value]}
    if isinstance(value, bool) or value is None:
        return {"NULL": True} if value is None else {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int | float) else {"S": value}


def dynamodb(content: object, number: int = 0, name: str = "INSERT", **changes: object) -> Event:
    """A record of a table whose key is `order`, its item made from a payload's text; other texts make no item."""
    try:
        image = attribute({**json.loads(str(content)), "order": f"o-{number}"})["M"]
    except (TypeError, ValueError):
        image = None
    part = {"Keys": {"order": {"S": f"o-{number}"}}, "NewImage": image, "SequenceNumber": f"4421{number:06}"}
    change = {**part, "ApproximateCreationDateTime": START, **changes}
    named = {"eventID": f"c4ca{number:06}", "eventName": name, "eventSource": "aws:dynamodb", "eventSourceARN": TABLE}
    return {"dynamodb": change, **named}


def sns(content: object, number: int = 0, **changes: object) -> Event:
    message = {"MessageId": f"notice-{number}", "TopicArn": TOPIC, "Message": content, "Timestamp": ISO}
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {**message, **changes}}


def ckafka(content: object, number: int = 0, **changes: object) -> Event:
    message = {"topic": "counters", "partition": 1, "offset": number, "msgKey": "None", "msgBody": content}
    return {"Ckafka": {**message, **changes}}


def cmq(content: object, number: int = 0, **changes: object) -> Event:
    named = {"type": "topic", "topicOwner": 120000, "topicName": "counters", "subscriptionName": "counts"}
    message = {**named, "publishTime": ISO, "msgId": f"{number}", "msgBody": content, "msgTag": ["tag1", "tag2"]}
    return {"CMQ": {**message, **changes}}


def msk(content: object, number: int = 0, **changes: object) -> Event:
    value = encoded(content) if isinstance(content, str) else content
    place = {"topic": "counters", "partition": 0, "offset": number, "timestamp": int(START * 1000)}
    return {**place, "timestampType": "CREATE_TIME", "value": value, "headers": [], **changes}


def eventbridge(detail: object, number: int = 0, **changes: object) -> Event:
    named = {"version": "0", "id": f"event-{number}", "detail-type": "Order Placed", "source": "shop.orders"}
    return {**named, "time": ISO, "resources": [], "detail": detail, **changes}


def notification(content: str, number: int = 0, **changes: object) -> str:
    """A notification of SNS as the text of a message, without raw message delivery."""
    named = {"Type": "Notification", "MessageId": f"notice-{number}", "TopicArn": TOPIC, "Message": content}
    return json.dumps({**named, "Timestamp": ISO, "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/", **changes})


def bus_event(detail: object, number: int = 0, **changes: object) -> str:
    """An event of EventBridge as the text of a message."""
    return json.dumps(eventbridge(detail, number, account="123456789012", region="eu-west-1", **changes))


def records(*of: object) -> Event:
    """A batch of those sources that have a list."""
    return {"Records": list(of)}


def of_msk(*of: object) -> Event:
    """A batch of MSK, all in one partition."""
    return {"eventSource": "aws:kafka", "eventSourceArn": CLUSTER, "records": {"counters-0": list(of)}}


def of_self_managed_kafka(*of: object) -> Event:
    """A batch of another cluster, all in one partition."""
    servers = "b-2.example.com:9092,b-1.example.com:9092"
    return {"eventSource": "SelfManagedKafka", "bootstrapServers": servers, "records": {"counters-0": list(of)}}


def piped(source: str, contents: Sequence[object], first: int = 0) -> list[Event]:
    """A batch as a pipe passes it on: its records of Kinesis are flat, and those of Kafka tell their cluster."""
    records = [MAKERS[source](content, number) for number, content in enumerate(contents, first)]
    if source == "aws:kafka":
        cluster = {"eventSource": "aws:kafka", "eventSourceArn": CLUSTER, "eventSourceKey": "counters-0"}
        return [record | cluster for record in records]
    if source != "aws:kinesis":
        return records
    return [
        part_of(record, "kinesis") | {name: record[name] for name in record if name != "kinesis"} for record in records
    ]


MAKERS: dict[str, Callable[[object, int], Event]] = {
    "aws:sqs": sqs,
    "aws:kinesis": kinesis,
    "aws:dynamodb": dynamodb,
    "aws:sns": sns,
    "Ckafka": ckafka,
    "CMQ": cmq,
    "aws:kafka": msk,
    "SelfManagedKafka": msk,
}
"""How to make a record of each source of batches."""

PARTIAL = ("aws:sqs", "aws:kinesis", "aws:dynamodb")
WHOLE = ("aws:sns", "Ckafka", "CMQ", "aws:kafka", "SelfManagedKafka")


def batch_of(source: str, contents: Sequence[object], first: int = 0) -> Event:
    made = [MAKERS[source](content, number) for number, content in enumerate(contents, first)]
    if source == "SelfManagedKafka":
        return of_self_managed_kafka(*made)
    return of_msk(*made) if source == "aws:kafka" else records(*made)


def item(source: str, number: int) -> dict[str, str]:
    """What a partial reply calls the record of that number."""
    prefix = {"aws:sqs": f"message-{number}", "aws:kinesis": f"4959{number:06}", "aws:dynamodb": f"4421{number:06}"}
    return {"itemIdentifier": prefix[source]}
