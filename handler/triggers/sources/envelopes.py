"""Envelopes inside a record: a notification of SNS, or an event of EventBridge, that a queue or a stream has carried.

The operation goes by the identity in the envelope, as it does when the same message comes straight from SNS or
EventBridge: the message is one operation however many queues carry it, and a redrive of its queue counts nothing
twice. A payload has no field of an envelope and the other way round, so neither can be taken for the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from handler.core.errors import BadInput
from handler.core.model.payload import FIELDS
from handler.triggers.idempotency_key import read_key
from handler.triggers.parsing import BODY_BYTES, read_json, read_moment

# A rule of EventBridge may have a topic as its target, and the topic a queue.
_NESTED_MAX = 2

# JSON in a JSON string has a backslash for each quotation mark, and two levels of it three.
_TEXT_CHARACTERS = 4 * BODY_BYTES

CALLER_CHARACTERS = 256

# https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
_NOTIFICATION: Mapping[str, type] = {
    "Type": str,
    "MessageId": str,
    "TopicArn": str,
    "Message": str,
    "Timestamp": str,
}

# https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
_EVENT: Mapping[str, type] = {
    "version": str,
    "id": str,
    "detail-type": str,
    "source": str,
    "account": str,
    "time": str,
    "region": str,
    "resources": list,
}


class Envelope(msgspec.Struct, frozen=True):
    """What an envelope says of the payload in it: `text`, its identity `key`, its `caller`, and when it was `sent`."""

    text: str
    key: str
    caller: str
    sent: float


def opened(text: str) -> Envelope | None:
    """The innermost envelope of a text, with the earliest time of sending; None if the text is no envelope.

    Raises BadInput for an envelope with an unusable name or time.
    """
    envelope: Envelope | None = None
    for _ in range(_NESTED_MAX):
        inner = _opened(text)
        if inner is None:
            break
        envelope = msgspec.structs.replace(inner, sent=min(inner.sent, envelope.sent)) if envelope else inner
        text = inner.text
    return envelope


def _opened(text: str) -> Envelope | None:
    # A text without these is no envelope, and most texts are none.
    if len(text) > _TEXT_CHARACTERS or not ('"TopicArn"' in text or '"detail-type"' in text):
        return None
    document = read_json(text, "body")
    if not isinstance(document, dict) or document.keys() & FIELDS:
        return None
    if _has(document, _NOTIFICATION) and document["Type"] == "Notification":
        return Envelope(
            document["Message"],
            read_key(document["MessageId"], "MessageId"),
            read_caller(document["TopicArn"], "TopicArn"),
            read_moment(document["Timestamp"], "Timestamp"),
        )
    if _has(document, _EVENT) and document["version"] == "0" and isinstance(document.get("detail"), dict | str):
        detail = document["detail"]
        return Envelope(
            detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False),
            read_key(document["id"], "id"),
            read_caller(document["source"], "source"),
            read_moment(document["time"], "time"),
        )
    return None


def _has(document: Mapping[str, object], fields: Mapping[str, type]) -> bool:
    return all(isinstance(document.get(name), kind) for name, kind in fields.items())


def read_caller(name: str, field: str) -> str:
    """The name of a caller, as a payload or an envelope states it; BadInput names `field`."""
    if not 1 <= len(name) <= CALLER_CHARACTERS or not name.isprintable():
        raise BadInput(field, f"must be 1 to {CALLER_CHARACTERS} printable characters")
    return name
