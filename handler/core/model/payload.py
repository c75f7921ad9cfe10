"""The one definition of the vendor's request body: its limits, its words for what is wrong, and its JSON schema.

`Payload` is the model. `decode_body` reads the text of a batch's record in a tenth of the time, by msgspec structs with
the same limits: it takes nothing that the model refuses, and leaves all it refuses to the model, which names the field.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.core.errors import BadInput
from handler.core.model.operation import (
    GROUP_ID_BYTES,
    INT64_MAX,
    INT64_MIN,
    KEY_BYTES,
    KEYS_PER_GROUP,
    Counters,
    Mode,
    key_limit,
)

# An unknown field's name is the caller's text: an error quotes this much of it.
FIELD_PATH_CHARACTERS = 128


class StrictModel(BaseModel):
    """A pydantic model for input: no conversion between types, no unknown fields, no input in its errors."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Counter(StrictModel):
    """A counter of the body: by how much to move it, or what to set it to."""

    key: Annotated[
        str,
        Field(alias="Key", min_length=1, max_length=KEY_BYTES, description=f"at most {KEY_BYTES} bytes of UTF-8"),
    ]
    value: Annotated[int, Field(alias="Value", ge=INT64_MIN, le=INT64_MAX, json_schema_extra={"format": "int64"})]


class Payload(StrictModel):
    """The vendor's request body; `Mode` is required, as on the vendor's newest page."""

    group_id: Annotated[
        str,
        Field(
            alias="GroupId",
            title="GroupId",
            min_length=1,
            max_length=GROUP_ID_BYTES,
            description=f"at most {GROUP_ID_BYTES} bytes of UTF-8",
        ),
    ]
    group_counter: Annotated[
        list[Counter], Field(alias="GroupCounter", title="GroupCounter", min_length=1, max_length=KEYS_PER_GROUP)
    ]
    mode_name: Annotated[Literal["Set", "Increase", "Decrease"], Field(alias="Mode")]

    @property
    def mode(self) -> Mode:
        """`Mode` as the enumeration."""
        return Mode(self.mode_name)

    @property
    def counters(self) -> Counters:
        """`GroupCounter` as pairs, in the caller's order."""
        return tuple((counter.key, counter.value) for counter in self.group_counter)


class _DecodedCounter(Struct, frozen=True, forbid_unknown_fields=True):
    key: Annotated[str, Meta(min_length=1, max_length=KEY_BYTES)] = msgspec.field(name="Key")
    value: Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)] = msgspec.field(name="Value")


class DecodedBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The body as `decode_body` reads it from a record, which may also name an idempotency key and a caller."""

    group_id: Annotated[str, Meta(min_length=1, max_length=GROUP_ID_BYTES)] = msgspec.field(name="GroupId")
    group_counter: Annotated[list[_DecodedCounter], Meta(min_length=1, max_length=KEYS_PER_GROUP)] = msgspec.field(
        name="GroupCounter"
    )
    mode: Mode = msgspec.field(name="Mode")
    key: str | UnsetType = msgspec.field(default=UNSET, name="IdempotencyKey")
    caller: str | UnsetType = msgspec.field(default=UNSET, name="Caller")

    @property
    def counters(self) -> Counters:
        """`GroupCounter` as pairs, in the caller's order."""
        return tuple([(counter.key, counter.value) for counter in self.group_counter])


FIELDS = frozenset(DecodedBody.__struct_encode_fields__)
"""The names that a record's payload may have."""

_DECODER = msgspec.json.Decoder(DecodedBody)


def decode_body(data: bytes) -> DecodedBody | None:
    """Decode a record's text that is valid beyond doubt; None means that only the model can tell what is wrong.

    msgspec takes the last of two equal names. A text without escapes has two quotation marks for each of its strings,
    so a repeated name shows in their number.
    """
    if b"\\" in data:
        return None
    try:
        body = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    strings = 5 + 3 * len(body.group_counter) + 2 * (body.key is not UNSET) + 2 * (body.caller is not UNSET)
    return body if data.count(b'"') == 2 * strings else None


def read_payload(document: object, receipt_key: str, within: str = "") -> Payload:
    """Check a decoded JSON document against the vendor's limits.

    Raises BadInput with the path of the first wrong field, prefixed by `within`.
    """
    try:
        payload = Payload.model_validate(document)
    except ValidationError as error:
        raise first_problem(error, within) from None
    check_payload(payload.group_id, payload.counters, receipt_key, within)
    return payload


def check_payload(group_id: str, counters: Counters, receipt_key: str, within: str = "") -> None:
    """Raise BadInput for the limits that the types do not express: bytes, printable text, each key once."""
    check_group_id(group_id, within)
    _check_keys(counters, receipt_key, within)


def first_problem(error: ValidationError, within: str = "") -> BadInput:
    """The first error of pydantic's as BadInput, without the value."""
    details = error.errors(include_url=False, include_context=False, include_input=False)[0]
    problem = "Input should be an object" if details["type"] == "model_type" else details["msg"]
    return BadInput(field_path(details["loc"], within), problem)


def field_path(location: tuple[int | str, ...], within: str = "") -> str:
    """Write a location as callers do: `GroupCounter[0].Key`; always short and encodable."""
    path = within
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    # Errors go into logs and into the ledger, and JSON can spell half a surrogate pair.
    return path.encode(errors="backslashreplace").decode()[:FIELD_PATH_CHARACTERS] or "body"


def check_group_id(group_id: str, within: str = "") -> None:
    """Raise BadInput for an id that no group can have."""
    if not group_id.isprintable():
        raise BadInput(field_path(("GroupId",), within), "contains a character that is not printable")
    # Half a surrogate pair is not printable, so the id can be encoded.
    if len(group_id.encode()) > GROUP_ID_BYTES:
        raise BadInput(field_path(("GroupId",), within), f"longer than {GROUP_ID_BYTES} bytes in UTF-8")


def _check_keys(counters: Counters, receipt_key: str, within: str) -> None:
    limit = key_limit(receipt_key)
    if len(counters) > limit:
        raise BadInput(field_path(("GroupCounter",), within), f"more than {limit} keys")
    seen: set[str] = set()
    for index, (key, _) in enumerate(counters):
        problem = _key_problem(key, receipt_key, seen)
        if problem:
            raise BadInput(field_path(("GroupCounter", index, "Key"), within), problem)
        seen.add(key)


def _key_problem(key: str, receipt_key: str, seen: Collection[str]) -> str | None:
    if len(key.encode()) > KEY_BYTES:
        return f"longer than {KEY_BYTES} bytes in UTF-8"
    if key == receipt_key:
        return "is the reserved receipt key"
    return "is in the request twice" if key in seen else None
