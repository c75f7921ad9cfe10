"""Adapters of the event sources: where a record has its identity, its caller, its time and its text.

The shapes are those of the platforms' samples (AWS: `sam local generate-event` and the Lambda guide's page of each
source; CKafka: Tencent Cloud 583/17530).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.operation import Position
from handler.triggers.event_kind import CKAFKA, MSK_SOURCE, Event, part_of
from handler.triggers.parsing import check_text, read_moment
from handler.triggers.sources.aggregates import is_aggregate, parts_of
from handler.triggers.sources.images import image_text

# Longer than any ARN with its shard and sequence number.
NAME_CHARACTERS = 1024

# Kinesis has up to 128 digits by its API, and 56 in practice.
_NUMBER = re.compile(r"[0-9]{1,64}")

# Milliseconds since 1970, of which Kafka keeps 64 bits.
_MILLISECONDS = re.compile(r"-?[0-9]{1,19}")


class RawRecord(msgspec.Struct, frozen=True):
    """A record as its source delivered it.

    `key` is the source's identity of the record, the same in each delivery. `caller` is the source's ARN or topic.
    `sent` is the time of sending in seconds since 1970, None if the source does not state it. `content` is the source
    of its text. `position` is the record's place in its `partition`, whose records the source delivers in order.
    """

    key: str
    caller: str
    sent: float | None
    content: object
    position: Position | None = None
    partition: str | None = None


class Source(msgspec.Struct, frozen=True):
    """How to read the records of one source.

    `read` returns what a delivered record holds, in order: nothing if it requests nothing. `read` and `text` raise
    BadInput. `item` finds the name of a record in a partial reply; it is None if the source takes no partial replies.
    """

    name: str
    read: Callable[[Event], Sequence[RawRecord]]
    text: Callable[[object], str]
    item: Callable[[Event], object] | None = None
    takes_pages: bool = False
    """Whether a timer may send pages through it."""
    counts_offsets: bool = False
    """Whether its records are numbered by topic and partition, and a recreated topic starts at 0 again."""
    takes_back: bool = False
    """Whether it takes back a record that failed for good; a stream would only block on it."""


def _sqs(record: Event) -> Sequence[RawRecord]:
    sent = _seconds(part_of(record, "attributes").get("SentTimestamp"), "attributes.SentTimestamp", 1000)
    return (RawRecord(_name(record, "messageId"), _name(record, "eventSourceARN"), sent, record.get("body")),)


def _kinesis(record: Event) -> Sequence[RawRecord]:
    arn, data = _name(record, "eventSourceARN"), part_of(record, "kinesis")
    sent = _seconds(data.get("approximateArrivalTimestamp"), "kinesis.approximateArrivalTimestamp")
    # An event's id is its shard and its sequence number.
    key = f"{arn}/{_name(record, 'eventID')}"
    shard, separator, number = key.rpartition(":")
    partition, content = data.get("partitionKey"), data.get("data")
    is_placed = bool(separator) and _NUMBER.fullmatch(number) is not None and isinstance(partition, str)
    whole = RawRecord(key, arn, sent, content)
    if is_aggregate(content):
        return _parts(whole, f"{shard}/{partition}", number) if is_placed else _parts(whole)
    if not is_placed:
        return (whole,)
    return (replace(whole, position=Position.of(shard, number), partition=partition),)


def _parts(whole: RawRecord, ordered: str = "", number: str = "") -> Sequence[RawRecord]:
    """The records of an aggregate, or the aggregate if it is broken: reading its text then says in what way.

    A batch of a shard may come while another one is under way, but never two with records of one partition key. The
    records of an aggregate come by the aggregate's key, which the KPL calls `a`, so it is of that key that a watermark
    stands for all before it, and only the shard and that key together, `ordered`, name what comes in order.
    """
    try:
        parts = parts_of(str(whole.content))
    except BadInput:
        return (whole,)
    return [
        RawRecord(
            f"{whole.key}/{place}",
            whole.caller,
            whole.sent,
            part.data,
            position=Position.of(ordered, number, place) if ordered else None,
            partition=part.partition,
        )
        for place, part in enumerate(parts)
    ]


def _dynamodb(record: Event) -> Sequence[RawRecord]:
    """A removed item requests nothing. The record does not name its shard, so the event's id is part of the key."""
    if record.get("eventName") == "REMOVE":
        return ()
    arn, change = _name(record, "eventSourceARN"), part_of(record, "dynamodb")
    sent = _seconds(change.get("ApproximateCreationDateTime"), "dynamodb.ApproximateCreationDateTime")
    key = f"{arn}/{_name(record, 'eventID')}/{_name(change, 'SequenceNumber')}"
    return (RawRecord(key, arn, sent, change),)


def _sns(record: Event) -> Sequence[RawRecord]:
    message = part_of(record, "Sns")
    sent = _moment(message.get("Timestamp"), "Sns.Timestamp")
    return (RawRecord(_name(message, "MessageId"), _name(message, "TopicArn"), sent, message.get("Message")),)


def _eventbridge(event: Event) -> Sequence[RawRecord]:
    """The envelope's `source`, the producer's name, is the caller, because not every event has an ARN."""
    sent = _moment(event.get("time"), "time")
    return (RawRecord(_name(event, "id"), _name(event, "source"), sent, event.get("detail")),)


def _msk(record: Event) -> Sequence[RawRecord]:
    """A recreated topic starts its offsets again, so the record's timestamp is part of the key."""
    arn = _name(record, "eventSourceArn")
    key, written = _place(arn, record), _milliseconds(record.get("timestamp"), "timestamp")
    if written is None:
        return (RawRecord(key, arn, None, record.get("value")),)
    return (RawRecord(f"{key}/{written}", arn, written / 1000, record.get("value")),)


def _ckafka(record: Event) -> Sequence[RawRecord]:
    message = part_of(record, CKAFKA)
    return (RawRecord(_place("ckafka", message), _name(message, "topic"), None, message.get("msgBody")),)


def _place(cluster: str, message: Event) -> str:
    return f"{cluster}/{_name(message, 'topic')}/{_index(message, 'partition')}/{_index(message, 'offset')}"


def _name(part: Event, field: str) -> str:
    value = part.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= NAME_CHARACTERS or not value.isprintable():
        raise BadInput(field, f"must be 1 to {NAME_CHARACTERS} printable characters")
    return value


def _index(part: Event, field: str) -> int:
    value = part.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BadInput(field, "must be a whole number")
    return value


def _seconds(value: object, field: str, per_second: int = 1) -> float | None:
    """A number, perhaps as text, in seconds; None if it is missing or negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadInput(field, "must be a number")
    try:
        seconds = float(value) / per_second
    except (ValueError, OverflowError):
        raise BadInput(field, "must be a number") from None
    return seconds if seconds >= 0 else None


def _milliseconds(value: object, field: str) -> int | None:
    """A whole number, perhaps as text; None if it is missing, or negative, as Kafka writes a missing one."""
    if value is None:
        return None
    written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _MILLISECONDS.fullmatch(written):
        raise BadInput(field, "must be a number of whole milliseconds")
    return int(written) if int(written) >= 0 else None


def _moment(value: object, field: str) -> float | None:
    return None if value is None else read_moment(value, field)


def _plain(content: object) -> str:
    if not isinstance(content, str):
        raise BadInput("body", "is missing" if content is None else "is not text")
    return content


def _base64(content: object) -> str:
    try:
        return base64.b64decode(_plain(content), validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadInput("body", "is not base64 of text in UTF-8") from None


def _utf8(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BadInput("body", "is not text in UTF-8") from None


def _stream_data(content: object) -> str:
    """The text of a record of a stream, or of one in an aggregate, whose data needs no base64."""
    if isinstance(content, bytes):
        return _utf8(content)
    if isinstance(content, str) and is_aggregate(content):
        parts_of(content)
    return _base64(content)


def _json(content: object) -> str:
    """An object, or text as the templates of EventBridge Scheduler write it."""
    if isinstance(content, str):
        return content
    check_text(content, "detail")
    return json.dumps(content, ensure_ascii=False)


EVENTBRIDGE = Source("EventBridge", _eventbridge, _json)
MSK = Source(MSK_SOURCE, _msk, _base64, counts_offsets=True)
SOURCES: Mapping[str, Source] = {
    "aws:sqs": Source(
        "aws:sqs", _sqs, _plain, lambda record: record.get("messageId"), takes_pages=True, takes_back=True
    ),
    "aws:kinesis": Source(
        "aws:kinesis", _kinesis, _stream_data, lambda record: part_of(record, "kinesis").get("sequenceNumber")
    ),
    "aws:dynamodb": Source(
        "aws:dynamodb", _dynamodb, image_text, lambda record: part_of(record, "dynamodb").get("SequenceNumber")
    ),
    "aws:sns": Source("aws:sns", _sns, _plain),
    CKAFKA: Source(CKAFKA, _ckafka, _plain, takes_pages=True, counts_offsets=True),
}
"""The sources of record lists, by the name that `event_kind.source_of` finds in a record."""
