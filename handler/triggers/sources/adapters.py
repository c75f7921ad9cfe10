"""Adapters of the event sources: where a record has its identity, its caller, its time and its text.

The shapes are those of the platforms' samples (AWS: `sam local generate-event` and the Lambda guide's page of each
source; CKafka: Tencent Cloud 583/17530; CMQ: serverless.com/framework/docs-providers-tencent-events-cmq).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.operation import Position
from handler.triggers.event_kind import CKAFKA, CMQ, MSK, SELF_MANAGED_KAFKA, Event, part_of
from handler.triggers.parsing import check_text, read_moment
from handler.triggers.sources.aggregates import KPL_KEY, is_aggregate, parts_of
from handler.triggers.sources.images import image_text
from handler.triggers.sources.kafka import of_ckafka, of_msk, of_self_managed_kafka, offset_of
from handler.triggers.sources.source import RawRecord, Source, read_name

# Kinesis has up to 128 digits by its API, and 56 in practice.
_NUMBER = re.compile(r"[0-9]{1,64}")

# How base64 writes the beginning of data that gzip has compressed.
_GZIP = "H4sI"


def _sqs(record: Event) -> Sequence[RawRecord]:
    sent = _seconds(part_of(record, "attributes").get("SentTimestamp"), "attributes.SentTimestamp", 1000)
    return (RawRecord(read_name(record, "messageId"), read_name(record, "eventSourceARN"), sent, record.get("body")),)


def _kinesis(record: Event) -> Sequence[RawRecord]:
    arn, data = read_name(record, "eventSourceARN"), part_of(record, "kinesis")
    sent = _seconds(data.get("approximateArrivalTimestamp"), "kinesis.approximateArrivalTimestamp")
    # An event's id is its shard and its sequence number.
    key = f"{arn}/{read_name(record, 'eventID')}"
    shard, separator, number = key.rpartition(":")
    partition, content = data.get("partitionKey"), data.get("data")
    is_placed = bool(separator) and _NUMBER.fullmatch(number) is not None and isinstance(partition, str)
    whole = RawRecord(key, arn, sent, content)
    if is_aggregate(content):
        return _parts(whole, shard, number, str(partition)) if is_placed else _parts(whole)
    if not is_placed:
        return (whole,)
    return (replace(whole, position=Position.of(shard, number), partition=partition),)


def _parts(whole: RawRecord, shard: str = "", number: str = "", key: str = "") -> Sequence[RawRecord]:
    """The records of an aggregate, or the aggregate if it is broken: reading its text then says in what way.

    A batch of a shard may come while another one is under way, but never two with records of one partition key. The
    records of an aggregate come by the aggregate's key, so it is of that key that a watermark stands for all before it.
    Other libraries than the KPL take any record's key: those aggregates give no position, or a group that comes in very
    many of them had more watermarks than DynamoDB checks at once.
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
            position=Position.of(f"{shard}/{key}", number, place)
            if shard and key in {KPL_KEY, part.partition}
            else None,
            partition=part.partition,
        )
        for place, part in enumerate(parts)
    ]


def _dynamodb(record: Event) -> Sequence[RawRecord]:
    """A removed item requests nothing. The record does not name its shard, so the event's id is part of the key."""
    if record.get("eventName") == "REMOVE":
        return ()
    arn, change = read_name(record, "eventSourceARN"), part_of(record, "dynamodb")
    sent = _seconds(change.get("ApproximateCreationDateTime"), "dynamodb.ApproximateCreationDateTime")
    key = f"{arn}/{read_name(record, 'eventID')}/{read_name(change, 'SequenceNumber')}"
    return (RawRecord(key, arn, sent, change),)


def _sns(record: Event) -> Sequence[RawRecord]:
    message = part_of(record, "Sns")
    sent = _moment(message.get("Timestamp"), "Sns.Timestamp")
    return (RawRecord(read_name(message, "MessageId"), read_name(message, "TopicArn"), sent, message.get("Message")),)


def _eventbridge(event: Event) -> Sequence[RawRecord]:
    """The envelope's `source`, the producer's name, is the caller, because not every event has an ARN."""
    sent = _moment(event.get("time"), "time")
    return (RawRecord(read_name(event, "id"), read_name(event, "source"), sent, event.get("detail")),)


def _cmq(record: Event) -> Sequence[RawRecord]:
    """The time in Tencent's sample is 1970, which is no time of sending."""
    message = part_of(record, CMQ)
    topic, sent = read_name(message, "topicName"), _moment(message.get("publishTime"), "publishTime") or None
    return (RawRecord(f"cmq/{topic}/{read_name(message, 'msgId')}", topic, sent, message.get("msgBody")),)


def _seconds(value: object, field: str, per_second: int = 1) -> float | None:
    """A number, perhaps as text, in seconds; None if it is missing or negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadInput(field, "must be a number")
    try:
        seconds = float(value) / per_second
    except (ValueError, OverflowError):
        raise BadInput(field, "must be a number") from None
    return seconds if seconds >= 0 else None


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
        if str(content).startswith(_GZIP):
            raise BadInput("body", "is compressed by gzip, as CloudWatch Logs sends it: send plain text") from None
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


def _piped_kinesis(record: Event) -> Sequence[RawRecord]:
    return _kinesis({**record, "kinesis": record})


def _event_id(record: Event) -> object:
    return record.get("eventID")


EVENTBRIDGE = Source("EventBridge", _eventbridge, _json)

SOURCES: Mapping[str, Source] = {
    "aws:sqs": Source(
        "aws:sqs",
        _sqs,
        _plain,
        lambda record: record.get("messageId"),
        is_queue=True,
        takes_pages=True,
        takes_back=True,
    ),
    "aws:kinesis": Source(
        "aws:kinesis",
        _kinesis,
        _stream_data,
        lambda record: part_of(record, "kinesis").get("sequenceNumber"),
        is_stream=True,
    ),
    "aws:dynamodb": Source(
        "aws:dynamodb", _dynamodb, image_text, lambda record: part_of(record, "dynamodb").get("SequenceNumber")
    ),
    "aws:sns": Source("aws:sns", _sns, _plain),
    MSK: Source(MSK, of_msk, _base64, counts_offsets=True),
    SELF_MANAGED_KAFKA: Source(
        SELF_MANAGED_KAFKA, of_self_managed_kafka, _base64, counts_offsets=True, names_cluster=False
    ),
    CKAFKA: Source(CKAFKA, of_ckafka, _plain, takes_pages=True, counts_offsets=True, names_cluster=False),
    CMQ: Source(CMQ, _cmq, _plain),
}
"""The sources of records, by the name that `event_kind.source_of` finds in a record."""

PIPED: Mapping[str, Source] = {
    **SOURCES,
    "aws:kinesis": Source("aws:kinesis", _piped_kinesis, _stream_data, _event_id),
    "aws:dynamodb": Source("aws:dynamodb", _dynamodb, image_text, _event_id),
}
"""The same as a pipe passes them on: in a reply a stream's records go by their event's id, and Kinesis' are flat
(docs.aws.amazon.com/eventbridge/latest/userguide, eb-pipes-batching-concurrency and eb-pipes-kinesis)."""

REPORTING: Mapping[str, Source] = {
    MSK: Source(MSK, of_msk, _base64, offset_of, counts_offsets=True),
    SELF_MANAGED_KAFKA: Source(
        SELF_MANAGED_KAFKA, of_self_managed_kafka, _base64, offset_of, counts_offsets=True, names_cluster=False
    ),
}
"""Those of Kafka, where its mapping takes partial replies."""
