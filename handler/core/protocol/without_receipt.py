"""The weaker promise, without a receipt key: a Set is repeated, an ambiguous delta is told as unknown."""

from __future__ import annotations

from handler.core.model.operation import Mode
from handler.core.model.outcome import Unknown
from handler.core.model.row import Attempt, Row
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Again, Next, Visit
from handler.core.state import transitions
from handler.core.state.merge import payload_of
from handler.core.state.receipts import ReceiptReading, certain, death


def look(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """Decide what to do about an attempt whose reply nobody has: nothing tells any more whether it landed."""
    if attempt.mode is not Mode.SET and visit.sent == attempt.id:
        return _unknown(visit, row, attempt)
    wait_s = visit.backoff.before_look_s(attempt, own=visit.sent == attempt.id)
    if wait_s > 0:
        return Again(min(wait_s, visit.backoff.poll_s()))
    heard = visit.heard(row)
    reply = visit.read(tuple(payload_of(attempt)))
    bound_s = visit.instance.rules.bound_of(attempt)
    if ReceiptReading(0, certain(heard, reply.date, visit.took_s)).is_after(death(attempt, bound_s)):
        # A Set is repeated only after its death, so that the older value can never overwrite a newer one.
        is_set = attempt.mode is Mode.SET
        return visit.put(transitions.not_landed(row)) if is_set else _unknown(visit, row, attempt)
    if isinstance(reply, Refused) and reply.fault is not Fault.OPERATION:
        return visit.setback(reply)
    return Again(visit.backoff.after_look_s(attempt))


def _unknown(visit: Visit, row: Row, attempt: Attempt) -> Next:
    answer = Unknown("the reply was lost, and without receipts nothing tells")
    # A payment of ours is no better than a caller's operation: it is not repeated either.
    row = transitions.debt_forgiven(row, attempt.correction)
    change = transitions.answered(row, answer, visit.instance.api_clock.now())
    follows = visit.put(change.row, change.records, change.watermarks)
    if not isinstance(follows, Again):
        visit.instance.reporter.report(Notice.UNKNOWN, group=visit.group.id, operations=len(change.records))
    return follows
