"""Conclude: what a reply, or a look at the receipt, proves about an attempt, and what follows (R4, R6, R7)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Unknown
from handler.core.model.row import Attempt, Row, Trouble
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.system import Notice
from handler.core.protocol.calls import of_attempt
from handler.core.protocol.refusal import GROUP_GONE, Blame, blamed, confirmed
from handler.core.protocol.settle import settle
from handler.core.protocol.visit import TIMES_BELIEVED, Again, Next, Stop, Visit
from handler.core.protocol.waiting import why_too_far_ahead
from handler.core.state import transitions
from handler.core.state.losses import ALARMING, lost_in_a_row
from handler.core.state.merge import payload_of
from handler.core.state.receipts import Landed, ReceiptReading, TooEarly, Unexplained, certain, death, judge
from handler.core.state.transitions import CounterReading

# A read that names another code than the call confirms its refusal only with a second one: a Set that both had lied
# about could not be taken back, and would freeze its group (R6).
OTHER_CODES_BELIEVED = 2


class Observation(msgspec.Struct, frozen=True):
    """A receipt value with what is known of its age, and the counters shown beside it.

    `is_second`: it was read over a new connection, because the look before had shown what nothing explains.
    """

    receipt: ReceiptReading
    counters: CounterReading
    is_second: bool = False


def follow(visit: Visit, row: Row, attempt: Attempt, reply: Reply) -> Next:
    """Act on the reply to this visit's own call. Safe to repeat until the row reflects it."""
    if isinstance(reply, Unsent):
        follows = visit.put(transitions.returned(row))
        return follows if isinstance(follows, Again) else visit.failed_to_send()
    is_confirmed = visit.own is not None and visit.own.is_confirmed
    if isinstance(reply, Refused) and (is_confirmed or not row.receipt_key):
        blame = Blame.OPERATION if is_confirmed else blamed(visit, row, {reply.code}, can_read=False)
        return confirmed(visit, row, attempt, reply, blame=blame)
    if isinstance(reply, Counted) and not row.receipt_key:
        counters = CounterReading(reply.values, later=False, at=visit.instance.api_clock.now())
        return settle(visit, row, {attempt.id: 1}, receipt=ReceiptReading(0, None), counters=counters)
    return look(visit, row, attempt)


def can_judge(visit: Visit, row: Row) -> bool:
    """Whether the reply to this visit's own call is in hand, and shows without a look what became of the call."""
    own = visit.own_call(row.attempt)
    if own is None or own.reply is None:
        return False
    is_plain = not row.receipt_key and not isinstance(own.reply, Unclear)
    return own.is_confirmed or is_plain or isinstance(own.reply, Unsent)


def look(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """Read the receipt of an open attempt, once it is time for that, and conclude."""
    if not row.receipt_key:
        return _look_without_receipt(visit, row, attempt)
    is_own = visit.own_call(attempt) is not None
    refusal = None if is_own else visit.instance.breaker.refusal()
    if refusal is not None:
        return Stop(refusal)
    wait_s = visit.backoff.before_look_s(attempt, own=is_own)
    if wait_s > 0:
        return Again(min(wait_s, visit.backoff.poll_s()))
    # With anything remembered, more operations than the attempt's may be found to have landed.
    keys = () if row.remembered else (row.receipt_key, *payload_of(attempt))
    observed = see(visit, row, keys)
    if isinstance(observed, Observation):
        return conclude(visit, row, observed)
    if isinstance(observed, Again):
        visit.backoff.postpone(observed.after_s)
    return observed


def _look_without_receipt(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """The weaker promise: without a receipt key a lost Set is repeated, and a lost delta has an unknown outcome."""
    is_own = visit.own_call(attempt) is not None
    if is_own and attempt.mode is not Mode.SET:
        return _unknown(visit, row, attempt)
    wait_s = visit.backoff.before_look_s(attempt, own=is_own)
    if wait_s > 0:
        return Again(min(wait_s, visit.backoff.poll_s()))
    heard = visit.heard(row)
    reply = visit.calls.read(tuple(payload_of(attempt)))
    if _is_dead(visit, attempt, ReceiptReading(0, certain(heard, reply.date, visit.calls.took_s))):
        # A Set is repeated only after its death, so that the older value can never overwrite a newer one.
        is_set = attempt.mode is Mode.SET
        return visit.put(transitions.not_landed(row)) if is_set else _unknown(visit, row, attempt)
    if isinstance(reply, Refused) and reply.fault is not Fault.OPERATION:
        return visit.setback(reply)
    return Again(visit.backoff.after_look_s(attempt))


def _unknown(visit: Visit, row: Row, attempt: Attempt) -> Next:
    answer = Unknown("the reply was lost, and without a receipt key the outcome cannot be determined")
    # A payment of ours is no better than a caller's operation: it is not repeated either.
    row = transitions.debt_forgiven(row, attempt.correction)
    change = transitions.answered(row, answer, visit.instance.api_clock.now())
    return visit.put(change, Notice.UNKNOWN, **of_attempt(attempt))


def see(visit: Visit, row: Row, keys: Sequence[str]) -> Observation | Next:
    """Read counters, the receipt among them. A reply that proves nothing says what to do next."""
    heard = visit.heard(row)
    reply = visit.calls.read(keys, fresh=visit.doubts)
    asked_after = certain(heard, reply.date, visit.calls.took_s)
    if isinstance(reply, Refused):
        return _read_refused(visit, row, reply, asked_after)
    if not isinstance(reply, Counted):
        return Again(visit.backoff.retry_s())
    value = reply.values.get(row.receipt_key)
    visit.in_a_row.refusals = visit.in_a_row.other_codes = visit.in_a_row.forbidden = 0
    visit.in_a_row.absences = visit.in_a_row.absences + 1 if value is None else 0
    if 0 < visit.in_a_row.absences < TIMES_BELIEVED:
        return Again()
    counters = CounterReading(reply.values, later=True, at=visit.instance.api_clock.now())
    return Observation(ReceiptReading(value or 0, asked_after), counters, is_second=visit.doubts)


def _read_refused(visit: Visit, row: Row, refusal: Refused, asked_after: int | None) -> Next:
    """A read that is refused like the attempt confirms the attempt's refusal; else it is a refusal of its own."""
    own = _own_refusal(visit, row)
    if refusal.code in GROUP_GONE:
        visit.in_a_row.refusals += 1
    if own and own.fault is refusal.fault is Fault.OPERATION and own.code != refusal.code:
        visit.in_a_row.other_codes += 1
        if visit.in_a_row.other_codes < OTHER_CODES_BELIEVED:
            return Again()
    if own and row.attempt and own.fault is refusal.fault:
        blame = blamed(visit, row, {own.code, refusal.code}, can_read=False)
        return confirmed(visit, row, row.attempt, _for_callers(own, refusal), blame=blame)
    if refusal.fault is not Fault.OPERATION:
        return visit.setback(refusal)
    blame = blamed(visit, row, {refusal.code}, can_read=False)
    if blame is Blame.APP:
        return visit.setback(dataclasses.replace(refusal, fault=Fault.APP))
    visit.in_a_row.forbidden += blame is Blame.OPERATION and refusal.code not in GROUP_GONE
    if visit.group_is_gone and row.attempt and _is_dead(visit, row.attempt, ReceiptReading(0, asked_after)):
        # The group is gone and the attempt dead: the next attempt gets that refusal, and its operations with it.
        return _expired(visit, row, row.attempt)
    return Again(visit.backoff.retry_s())


def _for_callers(own: Refused, read: Refused) -> Refused:
    """Of two refusals that confirm each other the one for callers: that the group does not exist (R6)."""
    return read if read.code in GROUP_GONE and own.fault is Fault.OPERATION else own


def _is_dead(visit: Visit, attempt: Attempt, receipt: ReceiptReading) -> bool:
    return receipt.is_after(death(attempt, visit.instance.rules.bound_of(attempt)))


def _own_refusal(visit: Visit, row: Row) -> Refused | None:
    own = visit.own_call(row.attempt)
    return own.reply if own is not None and isinstance(own.reply, Refused) else None


def conclude(visit: Visit, row: Row, observed: Observation) -> Next:
    """Do what the observation allows: settle, wait, go on with a new attempt, or freeze."""
    rules, receipt = visit.instance.rules, observed.receipt
    if receipt.value == row.base and not row.debt:
        # Where something is owed back, memory counts how often a payment was refused (R6).
        row = transitions.forgotten(row, receipt.asked_after, rules.bound_of, rules.forget_s)
    verdict = judge(row, receipt, rules.bound_of(row.attempt) if row.attempt else 0)
    if isinstance(verdict, Unexplained) and not observed.is_second:
        # R4 e: one odd reply judges nothing. The row is read again, then the receipt over a new connection.
        visit.doubts = True
        return Again()
    visit.doubts = False
    if isinstance(verdict, Landed):
        return _landed(visit, row, verdict, observed)
    if isinstance(verdict, Unexplained):
        reason = f"the receipt shows {verdict.value}, {row.base} is known, and no attempt explains the difference"
        return visit.freeze(row, reason)
    if row.attempt is None:
        return row
    refusal = _own_refusal(visit, row)
    if refusal:
        blame = blamed(visit, row, {refusal.code}, can_read=True)
        return confirmed(visit, row, row.attempt, refusal, blame=blame)
    if isinstance(verdict, TooEarly):
        ahead = why_too_far_ahead(visit, row, receipt)
        return visit.freeze(row, ahead) if ahead else Again(visit.backoff.after_look_s(row.attempt))
    return _expired(visit, row, row.attempt)


def _landed(visit: Visit, row: Row, landed: Landed, observed: Observation) -> Next:
    """Settle what landed, once all counters of its operations are known (R5)."""
    if not observed.counters.later and transitions.lacks_values(row, landed.times, observed.counters):
        # The reply shows its own call's counters, and others have landed too: each is answered with its own.
        whole = see(visit, row, keys=())
        return conclude(visit, row, whole) if isinstance(whole, Observation) else whole
    refusal = _own_refusal(visit, row)
    if refusal and row.attempt and row.attempt.id in landed.times:
        # The API has refused a request that it had carried out.
        visit.report(Notice.REFUSAL_DISPROVED, code=refusal.code, **of_attempt(row.attempt))
    return settle(visit, row, landed.times, receipt=observed.receipt, counters=observed.counters)


def _expired(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """R6: the attempt is dead and has not landed, and what it owed goes out again (R11)."""
    change = transitions.not_landed(row)
    # Unless this visit has met a call that failed, it tells of another visit's.
    trouble = Trouble("a call did not land", visit.instance.api_clock.now())
    change = replace(change, row=replace(change.row, trouble=trouble))
    lost = len(lost_in_a_row(change.row))
    follows = visit.put(change, Notice.ATTEMPT_EXPIRED, in_a_row=lost, **of_attempt(attempt))
    if isinstance(follows, Row) and lost >= ALARMING:
        visit.report(Notice.CALLS_KEEP_FAILING, in_a_row=lost, **of_attempt(attempt))
    return follows
