"""Kafka's records, of Amazon MSK, a self-managed cluster and Tencent's CKafka: known by topic, partition and offset."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handler.core.errors import BadInput
from handler.triggers.event_kind import CKAFKA, SELF_MANAGED_KAFKA, Event, part_of
from handler.triggers.sources.source import Offset, RawRecord, read_name

# Offsets have 64 bits.
_INDEX = re.compile(r"0|[1-9][0-9]{0,18}")

# Milliseconds since 1970, of which Kafka keeps 64 bits.
_MILLISECONDS = re.compile(r"-?[0-9]{1,19}")


def of_msk(record: Event) -> Sequence[RawRecord]:
    """The record of Amazon MSK, whose ARN is its cluster and its caller."""
    arn = read_name(record, "eventSourceArn")
    return _kafka(record, arn, arn)


def of_self_managed_kafka(record: Event) -> Sequence[RawRecord]:
    """The record of another cluster on AWS. Its event names servers, which come and go, so its topic is the caller."""
    return _kafka(record, SELF_MANAGED_KAFKA, read_name(record, "topic"))


def _kafka(record: Event, cluster: str, caller: str) -> Sequence[RawRecord]:
    """A recreated topic starts its offsets again, so the record's timestamp is part of the key."""
    key, written = _place(cluster, record), _milliseconds(record.get("timestamp"), "timestamp")
    if written is None:
        return (RawRecord(key, caller, None, record.get("value")),)
    return (RawRecord(f"{key}/{written}", caller, written / 1000, record.get("value")),)


def of_ckafka(record: Event) -> Sequence[RawRecord]:
    """The record of CKafka on SCF, which tells neither cluster nor time."""
    message = part_of(record, CKAFKA)
    return (RawRecord(_place("ckafka", message), read_name(message, "topic"), None, message.get("msgBody")),)


def offset_of(record: Event) -> Offset | None:
    """What a partial reply calls a record (docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations)."""
    partition, offset = record.get("eventSourceKey"), record.get("offset")
    if not isinstance(partition, str) or isinstance(offset, bool) or not isinstance(offset, int):
        return None
    return Offset(partition, offset)


def _place(cluster: str, message: Event) -> str:
    return f"{cluster}/{read_name(message, 'topic')}/{_index(message, 'partition')}/{_index(message, 'offset')}"


def _index(part: Event, field: str) -> int:
    """A whole number, perhaps as text, in the one way to write it."""
    value = part.get(field)
    value = int(value) if isinstance(value, str) and _INDEX.fullmatch(value) else value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BadInput(field, "must be a whole number")
    return value


def _milliseconds(value: object, field: str) -> int | None:
    """A whole number, perhaps as text; None if it is missing, or negative, as Kafka writes a missing one."""
    if value is None:
        return None
    written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or not _MILLISECONDS.fullmatch(written):
        raise BadInput(field, "must be a number of whole milliseconds")
    return int(written) if int(written) >= 0 else None
