"""The one frozen operation that every trigger makes, and what it is known by."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.core.errors import BadInput
from handler.core.quick import quick

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

# A group holds at most 20 counters (Tencent Chat, group counters overview), and with receipts one of them is ours.
KEYS_PER_GROUP = 20

# The vendor's limit of a counter's key, in bytes; its Web pages say characters, and bytes are the safe reading.
KEY_BYTES = 128

# An unknown field's name is the caller's text: an error quotes this much of it.
FIELD_PATH_CHARACTERS = 128

# The vendor bounds custom group ids at 48 bytes and its own are shorter; the room left over costs nothing.
GROUP_ID_BYTES = 256


class Mode(str, Enum):
    """What the vendor's `Mode` does to each counter."""

    SET = "Set"
    INCREASE = "Increase"
    DECREASE = "Decrease"

    @property
    def sign(self) -> int:
        """The direction in which a positive Value moves a counter; a Set adds nothing."""
        if self is Mode.SET:
            return 0
        return 1 if self is Mode.INCREASE else -1


Counters = tuple[tuple[str, int], ...]

# Longer than any sequence number of Kinesis (56 digits): written out to this width, numbers compare like their texts.
POSITION_DIGITS = 64

# A batch is of one stretch, and an instance gets those of few.
PLACES_CACHED = 64


@dataclass(frozen=True, slots=True)
class Position:
    """Where an operation stands in a source that delivers those of its group in order, again and again if need be.

    `place` names the stretch of the source in which numbers only grow; `last` is the number of the last record that the
    operation stands for, in digits, all of one width.
    """

    place: str
    last: str

    @classmethod
    def of(cls, source: str, number: str) -> Position:
        """A position in a stretch that the source names as it likes."""
        return cls(_place_of(source), number.zfill(POSITION_DIGITS))


@lru_cache(PLACES_CACHED)
def _place_of(source: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(source.encode()).digest()[:12]).decode()


@quick
@dataclass(frozen=True, slots=True)
class Origin:
    """What an operation of an event source is parked with if it is refused for good (R6).

    `source` is the source's ARN, topic or name, and `place` its own name for the record; `caller` and `key` are those
    of the operation. `teller` names the visit whose reply tells the source of a refusal, as long as no other delivery
    has acknowledged the operation.
    """

    source: str
    place: str
    caller: str
    key: str
    teller: str = ""


@dataclass(frozen=True)
class Operation:
    """Set, increase or decrease `counters` of one group, once, however often it is asked for.

    `key` is the idempotency key, scoped to (`caller`, `group_id`); `window_s` is how long the answer is kept. An
    operation with a `position` is known again by that, and no answer is kept. `origin` is None unless a source's record
    has asked for it.
    """

    group_id: str
    mode: Mode
    counters: Counters
    caller: str
    key: str
    window_s: float
    position: Position | None = None
    origin: Origin | None = None

    @cached_property
    def id(self) -> str:
        """What the ledger knows the operation by: 128 bits of a hash of caller and key."""
        return operation_id(self.caller, self.key)

    @cached_property
    def fingerprint(self) -> str:
        """The content, so that a key that returns with other content is noticed."""
        counters = sorted(self.counters, key=lambda counter: counter[0].encode())
        listed = ",".join(f"[{encode_basestring(key)},{value}]" for key, value in counters)
        # Canonical JSON: names in order, no spaces. Written out, because the encoder would cost four times as much.
        canonical = (
            f'{{"GroupCounter":[{listed}],"GroupId":{encode_basestring(self.group_id)},"Mode":"{self.mode.value}"}}'
        )
        return "v1:" + hashlib.sha256(canonical.encode()).hexdigest()


def operation_id(caller: str, key: str) -> str:
    """Hash the pair so that no choice of caller and key can be read as another pair."""
    pair = f"[{encode_basestring_ascii(caller)},{encode_basestring_ascii(key)}]"
    return urlsafe_b64encode(hashlib.sha256(pair.encode()).digest()[:16])[:22].decode()


class _Counter(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    key: Annotated[
        str, Field(alias="Key", min_length=1, max_length=KEY_BYTES, description="at most 128 bytes of UTF-8")
    ]
    value: Annotated[int, Field(alias="Value", ge=INT64_MIN, le=INT64_MAX, description="signed 64-bit integer")]


class Payload(BaseModel):
    """The vendor's request body of `update_group_counter`; `Mode` is required here, as on its newest page."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

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


def key_limit(receipt_key: str) -> int:
    """How many keys one call may carry for callers: the receipt takes one of the group's twenty."""
    return KEYS_PER_GROUP - 1 if receipt_key else KEYS_PER_GROUP
