"""The vendor's request body, checked against its limits before anything is accepted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

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


class _Counter(StrictModel):
    key: Annotated[
        str, Field(alias="Key", min_length=1, max_length=KEY_BYTES, description="at most 128 bytes of UTF-8")
    ]
    value: Annotated[int, Field(alias="Value", ge=INT64_MIN, le=INT64_MAX, description="signed 64-bit integer")]


class Payload(StrictModel):
    """The vendor's request body of `update_group_counter`; `Mode` is required here, as on its newest page."""

    group_id: Annotated[str, Field(alias="GroupId", min_length=1, max_length=GROUP_ID_BYTES)]
    group_counter: Annotated[list[_Counter], Field(alias="GroupCounter", min_length=1, max_length=KEYS_PER_GROUP)]
    mode_name: Annotated[Literal["Set", "Increase", "Decrease"], Field(alias="Mode")]

    @property
    def mode(self) -> Mode:
        """`Mode` as the enumeration."""
        return Mode(self.mode_name)

    @property
    def counters(self) -> Counters:
        """`GroupCounter` as pairs, in the caller's order."""
        return tuple((counter.key, counter.value) for counter in self.group_counter)


def read_payload(document: object, receipt_key: str, within: str = "") -> Payload:
    """Check a decoded JSON document against the vendor's limits, before anything is accepted.

    Raises BadInput with the path of the first wrong field, prefixed by `within`.
    """
    try:
        payload = Payload.model_validate(document)
    except ValidationError as error:
        raise first_problem(error, within) from None
    check_payload(payload.group_id, payload.counters, receipt_key, within)
    return payload


def check_payload(group_id: str, counters: Counters, receipt_key: str, within: str = "") -> None:
    """Raise BadInput for what fields of the right types may still hold wrong."""
    check_group_id(group_id, within)
    _check_keys(counters, receipt_key, within)


def first_problem(error: ValidationError, within: str = "") -> BadInput:
    """Name the first wrong field of a pydantic refusal without showing what stood there."""
    details = error.errors(include_url=False, include_context=False, include_input=False)[0]
    problem = "Input should be an object" if details["type"] == "model_type" else details["msg"]
    return BadInput(field_path(details["loc"], within), problem)


def field_path(location: tuple[int | str, ...], within: str = "") -> str:
    """Write a location as callers do: `GroupCounter[0].Key`; short and encodable, whatever stands in it."""
    path = within
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    # Errors go into logs and into the ledger, and JSON can spell half a surrogate pair.
    return path.encode(errors="backslashreplace").decode()[:FIELD_PATH_CHARACTERS] or "body"


def check_group_id(group_id: str, within: str = "") -> None:
    """Raise BadInput for a group's id that no group can have, wherever a caller wrote it."""
    if not group_id.isprintable():
        raise BadInput(field_path(("GroupId",), within), "holds a character that cannot be printed")
    # Half a surrogate pair cannot be printed, so what comes here has a form in UTF-8.
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
    return "stands twice in one request" if key in seen else None
