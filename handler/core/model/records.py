"""The stored answer of a finished operation."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handler.core.model.outcome import Answer, Rejected

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
