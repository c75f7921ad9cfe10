"""What the text of a source's record asks for: the HTTP body, with `IdempotencyKey` and `Caller` where it has them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

from handler.core.errors import BadInput, BodyTooLarge
from handler.core.model.operation import (
    GROUP_ID_BYTES,
    INT64_MAX,
    INT64_MIN,
    KEY_BYTES,
    KEYS_PER_GROUP,
    Mode,
    Operation,
    Origin,
)
from handler.core.model.payload import check_payload, read_payload
from handler.triggers.idempotency_key import read_key
from handler.triggers.parsing import BODY_BYTES, read_json

FIELDS = frozenset({"GroupId", "GroupCounter", "Mode", "IdempotencyKey", "Caller"})

CALLER_CHARACTERS = 256


def read_operation(text: str, key: str, caller: str, receipt_key: str, window_s: float) -> Operation:
    """Read a record's text; `key` and `caller` are the source's own, for a text that names none, and its origin.

    Raises BadInput, for every field as over HTTP.
    """
    place, source = key, caller
    plain = _plain(text)
    if plain is not None:
        caller, key = _named(plain, key, caller)
        counters = tuple((counter["Key"], counter["Value"]) for counter in plain["GroupCounter"])
        check_payload(plain["GroupId"], counters, receipt_key)
        origin = Origin(source, place, caller, key)
        return Operation(plain["GroupId"], Mode(plain["Mode"]), counters, caller, key, window_s, origin=origin)
    if len(text) > BODY_BYTES or len(text.encode(errors="surrogatepass")) > BODY_BYTES:
        raise BodyTooLarge("body", f"is longer than {BODY_BYTES // 1024} KiB")
    document = read_json(text, "body")
    if not isinstance(document, dict):
        raise BadInput("body", "is not an object")
    if "IdempotencyKey" in document:
        key = read_key(_text(document.pop("IdempotencyKey"), "IdempotencyKey"), "IdempotencyKey")
    if "Caller" in document:
        caller = _caller(_text(document.pop("Caller"), "Caller"))
    payload = read_payload(document, receipt_key)
    origin = Origin(source, place, caller, key)
    return Operation(payload.group_id, payload.mode, payload.counters, caller, key, window_s, origin=origin)


class _Counter(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]  # as pydantic documents it

    Key: Annotated[str, Field(min_length=1, max_length=KEY_BYTES)]
    Value: Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]


class _Message(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]  # as pydantic documents it

    GroupId: Annotated[str, Field(min_length=1, max_length=GROUP_ID_BYTES)]
    GroupCounter: Annotated[list[_Counter], Field(min_length=1, max_length=KEYS_PER_GROUP)]
    Mode: Literal["Set", "Increase", "Decrease"]
    IdempotencyKey: NotRequired[str]
    Caller: NotRequired[str]


_MESSAGES = TypeAdapter(_Message)


def _plain(text: str) -> _Message | None:
    """A text that is good beyond doubt, by the compiled validator alone; None for one that has to be looked into.

    The validator takes the last of two fields of one name. In a text without escapes a field that stands twice shows in
    the quotation marks, which are more than those around the names and texts that are left.
    """
    if len(text) > BODY_BYTES or not text.isascii() or "\\" in text:
        return None
    try:
        message = _MESSAGES.validate_json(text)
    except ValidationError:
        return None
    optional = 2 * (("IdempotencyKey" in message) + ("Caller" in message))
    texts = 5 + 3 * len(message["GroupCounter"]) + optional
    return message if text.count('"') == 2 * texts else None


def _named(message: _Message, key: str, caller: str) -> tuple[str, str]:
    """Who asks, and under which key: as the message says, else as its source does."""
    if "IdempotencyKey" in message:
        key = read_key(message["IdempotencyKey"], "IdempotencyKey")
    if "Caller" in message:
        caller = _caller(message["Caller"])
    return caller, key


def _caller(name: str) -> str:
    if not 1 <= len(name) <= CALLER_CHARACTERS or not name.isprintable():
        raise BadInput("Caller", f"must be 1 to {CALLER_CHARACTERS} printable characters")
    return name


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise BadInput(field, "is not a string")
    return value
