"""The one frozen operation that every trigger makes, and what it is known by."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from types import MappingProxyType
from typing import TypeAlias

import msgspec

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

# A group holds at most 20 counters (Tencent Chat, group counters overview), and with receipts one of them is ours.
KEYS_PER_GROUP = 20

# The vendor's limit of a counter's key, in bytes; its Web pages say characters, and bytes are the safe reading.
KEY_BYTES = 128


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

# A record of an aggregate has its place in it behind the number, and no event is long enough for more places.
PLACE_DIGITS = 8

# A batch is of one partition, and an instance gets those of few.
PARTITIONS_CACHED = 64

# A batch has many operations that ask for the same.
CONTENTS_CACHED = 1024


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where an operation stands in a source that delivers those of its group in order, again and again if need be.

    `partition` names the part of the source in which sequence numbers only grow; `sequence` is that of the last record
    that the operation stands for, in digits. All are of one width, and those in an aggregate have its number and their
    place behind it: as texts they come behind that number and before the next.
    """

    partition: str
    sequence: str

    @classmethod
    def of(cls, source: str, sequence: str, place: int | None = None) -> Position:
        """A position in a part of the source, under the source's own name for that part; `place` is in an aggregate."""
        behind = "" if place is None else f"{place:0{PLACE_DIGITS}}"
        return cls(_partition_of(source), sequence.zfill(POSITION_DIGITS) + behind)


Watermarks: TypeAlias = Mapping[str, str]
"""The sequence number of the last position settled, by partition (R13)."""

NO_WATERMARKS: Watermarks = MappingProxyType({})


@lru_cache(PARTITIONS_CACHED)
def _partition_of(source: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(source.encode()).digest()[:12]).decode()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
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


class Operation(msgspec.Struct, frozen=True, kw_only=True):
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

    @property
    def id(self) -> str:
        """What the ledger knows the operation by: 128 bits of a hash of caller and key."""
        return operation_id(self.caller, self.key)

    @property
    def fingerprint(self) -> str:
        """The content, so that a key that returns with other content is noticed."""
        return _fingerprint_of(self.group_id, self.mode, self.counters)


@lru_cache(CONTENTS_CACHED)
def _fingerprint_of(group_id: str, mode: Mode, counters: Counters) -> str:
    # Canonical JSON: names in order, no spaces.
    in_order = sorted(counters, key=lambda counter: counter[0].encode())
    content = {"GroupCounter": in_order, "GroupId": group_id, "Mode": mode}
    return "v1:" + hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def operation_id(caller: str, key: str) -> str:
    """Hash the pair so that no choice of caller and key can be read as another pair."""
    pair = f"[{encode_basestring_ascii(caller)},{encode_basestring_ascii(key)}]"
    return urlsafe_b64encode(hashlib.sha256(pair.encode()).digest()[:16])[:22].decode()


def key_limit(receipt_key: str) -> int:
    """How many keys one call may carry for callers: the receipt takes one of the group's twenty."""
    return KEYS_PER_GROUP - 1 if receipt_key else KEYS_PER_GROUP
