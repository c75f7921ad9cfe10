"""How a group begins: its first use (R9), and its first use in a new generation of the store (R10)."""

from __future__ import annotations

from dataclasses import replace

from handler.core import judging, transitions
from handler.core.commands import KEYS_PER_GROUP
from handler.core.notices import Notice
from handler.core.outcomes import Rejected
from handler.core.ports import Counted, Fault, Refused
from handler.core.rows import Row
from handler.core.visit import Again, Next, Visit

# The vendor's code for a group that has no room for another counter.
TOO_MANY_KEYS = 10063


def establish(visit: Visit, row: Row) -> Next:
    """R9: learn the receipt's value before the first send; another receipt key counts as first use."""
    receipt_key = visit.instance.rules.receipt_key
    if row.receipt_key != receipt_key:
        row = replace(row, receipt_key=receipt_key, base=None, remembered=(), sighted=None)
    if not receipt_key:
        return visit.put(row.changed(base=0))
    if row.sighted is not None:
        return _adopt(visit, row, row.sighted)
    reply = visit.read(())
    if isinstance(reply, Refused):
        # A group that refuses to be read has no receipt to stand on; its first attempt will be refused likewise.
        return visit.put(row.changed(base=0)) if reply.fault is Fault.OPERATION else visit.setback(reply)
    if not isinstance(reply, Counted):
        return Again(visit.waits.retry_s())
    if receipt_key in reply.values:
        return visit.put(row.changed(sighted=visit.instance.api_clock.now()))
    if len(reply.values) >= KEYS_PER_GROUP:
        return _no_room(visit, row)
    return visit.put(row.changed(base=0))


def _adopt(visit: Visit, row: Row, sighted: int) -> Next:
    """A receipt with a history that this ledger does not know: take it over once nothing of that history can land."""
    rules = visit.instance.rules
    waiting = _until_passed(visit, sighted + rules.bound_s + 1)
    if waiting is not None:
        return waiting
    evidence = judging.see(visit, row, keys=(row.receipt_key,))
    if not isinstance(evidence, judging.Evidence):
        return evidence
    value = evidence.sight.value
    follows = visit.put(row.changed(base=value, sighted=None))
    if isinstance(follows, Row):
        visit.instance.reporter.report(Notice.HISTORY_ADOPTED, group=visit.group.id, base=value)
    return follows


def _no_room(visit: Visit, row: Row) -> Next:
    """Refuse before any call: a call that is one key too large might have a part of its effect."""
    if not row.queue:
        return Again(visit.waits.retry_s())
    answer = Rejected(TOO_MANY_KEYS, "the group has 20 counters already, and the receipt needs one of them")
    change = transitions.rejected_from_queue(row, answer, visit.instance.clock.now())
    follows = visit.put(change.row, change.records)
    if isinstance(follows, Row):
        visit.instance.reporter.report(Notice.REJECTED, group=visit.group.id, code=TOO_MANY_KEYS)
    return follows


def verify(visit: Visit, row: Row) -> Next:
    """R10: a row of an older generation may lack what happened since; its receipt is explained before any send."""
    generation = visit.instance.generation.current()
    rules = visit.instance.rules
    waiting = _until_passed(visit, generation.started + rules.bound_s + 1 + rules.cache_s)
    if waiting is not None:
        return waiting
    if not row.receipt_key or row.base is None:
        return visit.put(row.changed(generation=generation.number))
    evidence = judging.see(visit, row, keys=())
    if not isinstance(evidence, judging.Evidence):
        return evidence
    if row.attempt is None and evidence.sight.value == row.base:
        return visit.put(row.changed(generation=generation.number))
    return judging.conclude(visit, row, evidence)


def _until_passed(visit: Visit, moment: float) -> Next | None:
    """Wait until a `Date` received proves that the API's clock has passed `moment`; None once it has (R4)."""
    clock = visit.instance.api_clock
    if clock.latest is not None and clock.latest >= moment:
        return None
    left_s = moment - clock.now()
    if left_s > 0 and clock.latest is not None:
        return Again(left_s)
    reply = visit.read(())
    if isinstance(reply, Refused) and reply.fault is not Fault.OPERATION:
        return visit.setback(reply)
    return Again() if reply.date is not None else Again(visit.waits.retry_s())
