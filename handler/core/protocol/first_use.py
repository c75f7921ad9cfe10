"""How a group begins: its first use (R9), and its first use in a new generation of the store (R10)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from msgspec.structs import replace

from handler.core.errors import TooManyCalls
from handler.core.model.lift import why_not_adopted
from handler.core.model.operation import KEYS_PER_GROUP
from handler.core.model.outcome import UNRECORDED_S, Rejected
from handler.core.model.row import Row
from handler.core.ports.counter_api import Counted, Fault, Refused
from handler.core.ports.system import Notice, naming
from handler.core.protocol import conclude
from handler.core.protocol.calls import NOT_PERMITTED
from handler.core.protocol.refusal import GROUP_GONE, Blame, blamed, without_void
from handler.core.protocol.visit import TIMES_BELIEVED, Again, Next, Visit
from handler.core.runtime.api_clock import NEAR_S
from handler.core.state import transitions
from handler.core.state.merge import Values
from handler.core.state.receipts import ReceiptReading, certain, past_s
from handler.core.state.watermarks import WATERMARK_S

# How soon a read may be free once the app's reads are used up: they are lent out for a second ahead.
READS_RETRY_S = 2.0

# The vendor's code for a group that has no room for another counter.
TOO_MANY_KEYS = 10063


def refused_before(visit: Visit) -> Refused | None:
    """R14: the refusal that shows that a group without a row does not exist, asked for before anything is accepted.

    None if the group exists, or if that cannot be found out now: then the operations are accepted first. Raises
    TooManyCalls if the app's reads are used up and the caller can come back.
    """
    instance = visit.instance
    # For a group that was missing a moment ago one look is enough.
    looks = 1 if instance.gone.has(visit.group) else TIMES_BELIEVED
    while visit.waits_for_call:
        reply = visit.calls.read(())
        if isinstance(reply, Counted):
            visit.first_look = reply.values
            return None
        if not isinstance(reply, Refused):
            if visit.budget.sheds and instance.reads.is_saturated():
                raise TooManyCalls("the app's reads per second are used up", READS_RETRY_S)
            return None
        if reply.code in GROUP_GONE:
            looks -= 1
            if not looks:
                instance.gone.note(visit.group)
                return reply
        elif not _passes(visit, reply):
            return None
    return None


def _passes(visit: Visit, refusal: Refused) -> bool:
    """Whether to ask again after a refusal that is not about the group, once it is dealt with as usual (R6)."""
    if refusal.fault is Fault.OPERATION:
        return False
    follows = visit.setback(refusal)
    return isinstance(follows, Again) and visit.wait(follows.after_s)


def establish(visit: Visit, row: Row) -> Next:
    """R9: learn the receipt's value before the first send. Another receipt key counts as first use."""
    receipt_key = visit.instance.rules.receipt_key
    if row.receipt_key != receipt_key:
        row = replace(row, receipt_key=receipt_key, base=None, remembered=(), first_seen_at=None)
    if not receipt_key:
        return visit.put(row.changed(base=0))
    if row.first_seen_at is None or _is_ahead(visit, row):
        return _first_look(visit, row)
    return _adopt(visit, row, row.first_seen_at)


def _first_look(visit: Visit, row: Row) -> Next:
    """Read the counters of a group for the first time: whether it has a receipt, and room for one."""
    # A sweep comes long after. Of the callers that come at once, one looks for all.
    wait_s = 0.0 if visit.is_first or not visit.wanted else visit.backoff.before_first_look_s()
    if wait_s > 0:
        return Again(min(wait_s, visit.backoff.poll_s()))
    first_look, visit.first_look = visit.first_look, None
    if first_look is not None and row.receipt_key not in first_look and _is_first_generation(visit):
        # The row was made by the step that found none, so nothing of this ledger has been called since that look.
        return _begun(visit, row, first_look, heard=None, date=None)
    heard = visit.heard(row)
    reply = visit.calls.read(())
    if isinstance(reply, Refused) and reply.fault is not Fault.OPERATION:
        return visit.setback(reply)
    if not isinstance(reply, Counted | Refused):
        return Again(visit.backoff.retry_s())
    visit.in_a_row.refusals = visit.in_a_row.refusals + 1 if isinstance(reply, Refused) else 0
    if 0 < visit.in_a_row.refusals < TIMES_BELIEVED:
        return Again()
    if isinstance(reply, Refused):
        # Unless the operation is to blame, nothing is known of the group: a receipt may show once it can be read (R6).
        blame = blamed(visit, row, {reply.code}, can_read=False)
        if blame is Blame.APP:
            return visit.setback(dataclasses.replace(reply, fault=Fault.APP))
        if blame is Blame.UNKNOWN:
            return visit.failed_to_send()
        if reply.code == NOT_PERMITTED and row.queue:
            # The group may have a receipt that shows once it may be read: a call could not be judged by it.
            return without_void(visit, _refused_unseen(visit, row, Rejected(reply.code, reply.info)))
    # A group that refuses to be read otherwise has no receipt to stand on; its first attempt is refused likewise.
    values = reply.values if isinstance(reply, Counted) else {}
    return _begun(visit, row, values, heard=heard, date=reply.date)


def _begun(visit: Visit, row: Row, values: Values, *, heard: int | None, date: int | None) -> Next:
    """Begin a group that this ledger has not called yet, on the counters that a look has shown."""
    # The group's first call may be what a copy lacks, and its receipt is not there before it lands.
    lost_until = 0.0 if _is_first_generation(visit) else _lost_until(visit, row)
    if row.receipt_key in values and _may_be_forgotten(visit, row):
        # As of before the loss, so that an operator is asked what of the queue was sent before it.
        older = replace(row, generation=row.generation - 1)
        return visit.freeze(older, "the ledger may have forgotten how this group began")
    if row.receipt_key in values:
        reason = why_not_adopted(values[row.receipt_key])
        if reason is not None:
            return visit.freeze(row, reason)
        return _note_first_seen(visit, row, date)
    if len(values) >= KEYS_PER_GROUP:
        return _no_room(visit, row)
    if lost_until is None or (
        lost_until and not ReceiptReading(0, certain(heard, date, visit.calls.took_s)).is_after(lost_until)
    ):
        return Again(_left_s(visit, lost_until))
    return visit.put(row.changed(base=0, first_seen_at=None))


def _is_first_generation(visit: Visit) -> bool:
    return visit.instance.generation.current().number == 1


def _note_first_seen(visit: Visit, row: Row, date: int | None) -> Next:
    """Note when a row was first met, by a `Date` heard since that another one bears out (R12).

    A note far ahead of that `Date` is replaced.
    """
    generation = visit.instance.generation.current().number
    seen_in = generation if row.generation < generation else row.first_seen_generation
    is_known = row.first_seen_at is not None and row.first_seen_generation == seen_in
    if date is None or (is_known and (row.first_seen_at or 0) <= date + NEAR_S):
        return Again(visit.backoff.retry_s())
    if not visit.instance.api_clock.is_borne_out:
        return Again()
    return visit.put(row.changed(first_seen_at=date, first_seen_generation=seen_in))


def _is_ahead(visit: Visit, row: Row) -> bool:
    """Whether the noted first sight lies at a time that only a wrong clock can have shown."""
    return row.first_seen_at is not None and row.first_seen_at > visit.instance.api_clock.now() + NEAR_S


def _may_be_forgotten(visit: Visit, row: Row) -> bool:
    """Whether the store has lost its latest writes so recently that an operation may be the repetition of a lost one.

    That lasts as long as its answer would have been kept, and for a record of a stream as long as the stream keeps it.
    Later the group was surely in use before this ledger was, or under another receipt key, and its receipt is adopted.
    """
    generation = visit.instance.generation.current()
    now = visit.instance.api_clock.now()
    age_s = now - (generation.started or now)
    windows_s = (entry.window_s if entry.window_s > UNRECORDED_S else WATERMARK_S for entry in row.queue)
    return generation.number > 1 and age_s < max(visit.instance.rules.forget_s, 0.0, *windows_s)


def _adopt(visit: Visit, row: Row, first_seen_at: int) -> Next:
    """Take over a receipt with a history that this ledger does not know, once nothing of that history can land."""
    rules = visit.instance.rules
    observed = _seen_after(visit, row, (row.receipt_key,), first_seen_at + past_s(rules.bound_s, rules.guard_s))
    if not isinstance(observed, conclude.Observation):
        # A group that is gone by now has nothing to adopt; the vendor will refuse its first attempt likewise.
        return visit.put(row.changed(base=0, first_seen_at=None)) if visit.group_is_gone else observed
    value = observed.receipt.value
    reason = why_not_adopted(value)
    if reason is not None:
        return visit.freeze(row, reason)
    return visit.put(row.changed(base=value, first_seen_at=None), Notice.HISTORY_ADOPTED, base=value)


def _no_room(visit: Visit, row: Row) -> Next:
    """Reject before any call: a call that is one key too large might take effect in part."""
    if not row.queue:
        return Again(visit.backoff.retry_s())
    answer = Rejected(TOO_MANY_KEYS, "the group has 20 counters already, and the receipt needs one of them")
    return _refused_unseen(visit, row, answer)


def _refused_unseen(visit: Visit, row: Row, answer: Rejected) -> Next:
    """Reject what waits in a group that nothing was sent to."""
    change = transitions.rejected_from_queue(row, answer, visit.instance.api_clock.now(), visit.teller)
    return visit.put(change, Notice.REJECTED, code=answer.code, **naming(change.records))


def revalidate(visit: Visit, row: Row) -> Next:
    """R10: a row of an older generation may lack what happened since, so its receipt is explained before any send.

    The calls that it lacks were signed before it was first seen. Instances that know nothing of the new generation
    may go on for as long as they cache the old one.
    """
    generation, rules = visit.instance.generation.current(), visit.instance.rules
    if not row.receipt_key:
        return visit.put(row.changed(generation=generation.number))
    if row.first_seen_at is None or row.first_seen_generation != generation.number or _is_ahead(visit, row):
        return _note_first_sight(visit, row)
    lost_until = _lost_until(visit, row) if rules.cache_s else 0.0
    if lost_until is None:
        return _note_first_sight(visit, row)
    observed = _seen_after(visit, row, (), max(row.first_seen_at + past_s(rules.bound_s, rules.guard_s), lost_until))
    if not isinstance(observed, conclude.Observation):
        # Nothing can land in a group that is gone, and the vendor will refuse its next attempt.
        return visit.put(_verified(row, generation.number)) if visit.group_is_gone and row.attempt is None else observed
    if row.base is None and row.owed and row.receipt_key in observed.counters.values:
        return visit.freeze(row, "the ledger is a copy that lacks how this group began")
    if row.base is None or (row.attempt is None and observed.receipt.value == row.base):
        return visit.put(_verified(row, generation.number))
    return conclude.conclude(visit, row, observed)


def _lost_until(visit: Visit, row: Row) -> float | None:
    """The API time from which no call that this generation of the store does not know can land.

    None before the generation has started, which takes a `Date` heard since this instance knows of it.
    """
    rules, generation = visit.instance.rules, visit.instance.generation.current()
    date = visit.heard(row)
    if date is not None and visit.instance.api_clock.is_borne_out:
        generation = visit.instance.generation.started(generation, date)
    return generation.started + rules.cache_s + past_s(rules.bound_s, rules.guard_s) if generation.started else None


def _note_first_sight(visit: Visit, row: Row) -> Next:
    """Note when a row of an older generation was first met, by a `Date` of now and not by the local clock."""
    visit.heard(row)
    reply = visit.calls.read(())
    if isinstance(reply, Refused) and reply.fault is not Fault.OPERATION:
        return visit.setback(reply)
    return _note_first_seen(visit, row, reply.date)


def _verified(row: Row, generation: int) -> Row:
    return row.changed(generation=generation, first_seen_at=None)


def _seen_after(visit: Visit, row: Row, keys: Sequence[str], moment: float) -> conclude.Observation | Next:
    """Counters seen after the API's clock has certainly passed `moment` (R4 b); before that, how long to wait."""
    left_s = visit.instance.api_clock.left_s(moment)
    if left_s > 0 and visit.instance.api_clock.ask_in_s() is None:
        return Again(left_s)
    observed = conclude.see(visit, row, keys)
    if isinstance(observed, conclude.Observation) and not observed.receipt.is_after(moment):
        return Again(_left_s(visit, moment))
    return observed


def _left_s(visit: Visit, moment: float | None) -> float:
    """Seconds until the next look is worth a call."""
    return visit.instance.api_clock.left_s(moment or 0.0) or visit.backoff.retry_s()
