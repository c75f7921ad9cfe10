"""What became of one operation, for an operator who has its caller and its key. Nothing is moved on by asking."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from handler.core.model.outcome import Frozen, Outcome, Pending
from handler.core.model.row import Attempt, Row
from handler.core.operator.overview import standing_of, why
from handler.core.protocol.engine import PENDING_RETRY_S
from handler.core.protocol.visit import Visit
from handler.core.state.receipts import death


class Carrier(msgspec.Struct, frozen=True):
    """The attempt that carries the operation, or carried it last, and the API's time at which it ends."""

    attempt: Attempt
    is_open: bool
    ends: float


class Found(msgspec.Struct, frozen=True):
    """Where an operation stands. Once it is settled only its answer is known."""

    outcome: Outcome
    accepted_at: int = 0
    carrier: Carrier | None = None
    waits_for: str | None = None


def find(visit: Visit, operation_id: str) -> Found | None:
    """Read the row, then the record (R1). None for an operation that was never accepted, or is long forgotten."""
    ledger = visit.instance.ledger
    row = ledger.load(visit.group)
    record = ledger.find(visit.group, [operation_id]).get(operation_id)
    if record is not None:
        return Found(replace(record.answer, replayed=True))
    entry = row.entry(operation_id) if row is not None else None
    if row is None or entry is None:
        return None
    standing = standing_of(visit.group.id, row)
    of_all = visit.instance.generation.current().paused
    return Found(
        outcome=Frozen(row.frozen) if row.frozen is not None else Pending(PENDING_RETRY_S),
        accepted_at=entry.accepted_at,
        carrier=_carrier(visit, row, operation_id),
        waits_for=why(visit.instance, visit.group.app, standing, of_all) if standing is not None else None,
    )


def _carrier(visit: Visit, row: Row, operation_id: str) -> Carrier | None:
    """The open attempt if it carries the operation, else the newest past one that did."""
    attempts = [*(past.attempt for past in row.remembered), *([row.attempt] if row.attempt is not None else [])]
    carrying = [one for one in attempts if any(entry.id == operation_id for entry in one.entries)]
    if not carrying:
        return None
    attempt = carrying[-1]
    return Carrier(attempt, attempt is row.attempt, death(attempt, visit.instance.rules.bound_of(attempt)))
