"""What can become of an operation, and the stored record of its answer with its JSON text.

Answer   final, stored for the window:  Applied, Rejected, Unknown (only without receipts)
Waiting  accepted and owed:             Pending, Stalled (the app is refused), Frozen (the group is)
KeyReused                               nothing was done: the key belongs to other content
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from handler.core.errors import LaterVersion
from handler.core.model.operation import Counters


class Applied(msgspec.Struct, frozen=True):
    """It took effect, once. `counters` are the group's values after its share, in the caller's order of keys.

    `observed_later`: the reply was lost, so the values are those seen when the receipt was read.
    """

    counters: Counters
    observed_later: bool = False
    replayed: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """The vendor refused this very operation for good; `code` and `info` are its ErrorCode and ErrorInfo."""

    code: int
    info: str
    replayed: bool = False


class Unknown(msgspec.Struct, frozen=True):
    """Without receipts, an increase or decrease whose reply was lost: it is never repeated."""

    reason: str
    replayed: bool = False


Answer: TypeAlias = Applied | Rejected | Unknown


class Pending(msgspec.Struct, frozen=True):
    """Accepted and owed; it will be applied exactly once or refused for good."""

    retry_after_s: float


class Stalled(msgspec.Struct, frozen=True):
    """Accepted and owed, while the vendor refuses the whole app with `code`."""

    code: int
    info: str
    retry_after_s: float


class Frozen(msgspec.Struct, frozen=True):
    """Accepted, but the receipt shows what nothing explains: only an operator can move the group on."""

    reason: str


class KeyReused(msgspec.Struct, frozen=True):
    """The idempotency key is known with other content; nothing was accepted."""


Outcome: TypeAlias = Answer | Pending | Stalled | Frozen | KeyReused

_STATES: Mapping[type[Outcome], str] = {
    Applied: "applied",
    Rejected: "rejected",
    Unknown: "unknown",
    Pending: "pending",
    Stalled: "pending",
    Frozen: "frozen",
    KeyReused: "key-reused",
}


def state_of(outcome: Outcome) -> str:
    """The outcome in one word, as replies and reports name it."""
    return _STATES[type(outcome)]


# The window of an operation of which no record is kept.
UNRECORDED_S = 0.0


class Record(msgspec.Struct, frozen=True):
    """The stored answer of a finished operation; `settled_at` in seconds since 1970 on the settling instance."""

    fingerprint: str
    answer: Answer
    settled_at: float
    window_s: float

    @property
    def expires_at(self) -> float:
        """When the ledger may forget it."""
        return self.settled_at + self.window_s


Records = Mapping[str, Record]


def kept(records: Records) -> Records:
    """The records that a ledger keeps."""
    return {operation_id: record for operation_id, record in records.items() if record.window_s > UNRECORDED_S}


def unkept(records: Records) -> Records:
    """Those that a ledger does not keep: only the visit that settled them knows them."""
    return {operation_id: record for operation_id, record in records.items() if record.window_s <= UNRECORDED_S}


def rejected(records: Records) -> frozenset[str]:
    """The ids of what was refused for good."""
    return frozenset(name for name, record in records.items() if isinstance(record.answer, Rejected))


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Its keys say which kind of answer it holds."""

    fingerprint: str
    at: float
    window: float
    applied: Counters | None = None
    later: bool = False
    rejected: int | None = None
    info: str = ""
    unknown: str | None = None


def encode_record(record: Record) -> str:
    """Write a record."""
    answer = record.answer
    said: dict[str, object] = {"fingerprint": record.fingerprint, "at": record.settled_at, "window": record.window_s}
    if isinstance(answer, Applied):
        said |= {"applied": answer.counters, "later": answer.observed_later}
    elif isinstance(answer, Rejected):
        said |= {"rejected": answer.code, "info": answer.info}
    else:
        said |= {"unknown": answer.reason}
    return msgspec.json.encode(said).decode()


def decode_record(text: str) -> Record:
    """Read what `encode_record` wrote; LaterVersion for what a later version wrote (R17)."""
    try:
        stored = msgspec.json.decode(text, type=_Stored)
    except msgspec.MsgspecError as error:
        raise LaterVersion(f"a record cannot be read by this version: {error}") from None
    answer: Answer
    if stored.applied is not None:
        answer = Applied(stored.applied, stored.later)
    elif stored.rejected is not None:
        answer = Rejected(stored.rejected, stored.info)
    elif stored.unknown is not None:
        answer = Unknown(stored.unknown)
    else:
        raise LaterVersion("a record cannot be read by this version, because its answer is of another kind")
    return Record(stored.fingerprint, answer, stored.at, stored.window)
