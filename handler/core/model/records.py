"""The stored answer of a finished operation, and its JSON text, the same in every ledger."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handler.core.model.operation import Counters
from handler.core.model.outcome import Answer, Applied, Rejected, Unknown

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


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
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
    """Read what `encode_record` wrote; ValueError for an answer of another kind."""
    stored = msgspec.json.decode(text, type=_Stored)
    answer: Answer
    if stored.applied is not None:
        answer = Applied(stored.applied, stored.later)
    elif stored.rejected is not None:
        answer = Rejected(stored.rejected, stored.info)
    elif stored.unknown is not None:
        answer = Unknown(stored.unknown)
    else:
        raise ValueError("a record cannot be read by this version, because its answer is of another kind")
    return Record(stored.fingerprint, answer, stored.at, stored.window)
