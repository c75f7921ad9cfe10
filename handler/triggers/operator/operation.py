"""The answer to `operation`: what `GET /v1/operations` says, and what carries the operation and what it waits for."""

from __future__ import annotations

from handler.core.errors import BadInput
from handler.core.operator.operation import Carrier, find
from handler.core.protocol.visit import Visit
from handler.triggers.http.responses import of_state
from handler.triggers.operator.inspection import Json
from handler.triggers.operator.requests import AskOperation
from handler.triggers.parsing import written, written_if_known

# An operator who is misled by a missing answer may send such a record again, which counts it twice.
_UNLESS = "; a record that goes by its place in a stream is known only until it is settled"


def answer(request: AskOperation, visit: Visit) -> Json:
    """Where the operation stands. Raises BadInput where the ledger knows none of this caller, key and group."""
    found = find(visit, request.operation_id)
    if found is None:
        raise BadInput("IdempotencyKey", f"this caller has no operation with this key on this group{_UNLESS}")
    return {
        **of_state(found.outcome).body,
        "operation": request.operation_id,
        "accepted_at": written_if_known(found.accepted_at),
        "attempt": _attempt(found.carrier, visit.instance.api_clock.moment()) if found.carrier is not None else None,
        "waits_for": found.waits_for,
    }


def _attempt(carrier: Carrier, now: float) -> Json:
    attempt = carrier.attempt
    return {
        "id": attempt.id,
        "signed_at": written(attempt.signed_at),
        "life_s": attempt.life_s,
        "open": carrier.is_open,
        "ended": now >= carrier.ends,
        "ends": written(carrier.ends),
    }
