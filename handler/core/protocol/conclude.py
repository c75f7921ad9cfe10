"""Judge and settle: what a reply or a look at the receipt proves about an attempt, and what follows (R4-R7)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from handler.core.model.known_keys import knowing
from handler.core.model.operation import Counters, Mode, key_limit
from handler.core.model.outcome import Rejected
from handler.core.model.row import Attempt, Row, Settlement
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply, Unsent
from handler.core.ports.system import Notice
from handler.core.protocol import permission, without_receipt
from handler.core.protocol.permission import Blame
from handler.core.protocol.settle import settle_plainly, stamp_anew
from handler.core.protocol.visit import NOT_PERMITTED, TIMES_BELIEVED, Again, Next, Stop, Visit
from handler.core.protocol.waiting import why_too_far_ahead
from handler.core.state import transitions
from handler.core.state.losses import ALARMING, giving_way, lost_in_a_row, told
from handler.core.state.merge import correction_of, payload_of
from handler.core.state.receipts import Landed, ReceiptReading, TooEarly, Unexplained, certain, death, judge
from handler.core.state.transitions import CounterReading

# A correction is owed by us, not by a caller who could be told: it gets more than one chance.
CORRECTIONS_REFUSED_MAX = 2

# A read that names another code than the call confirms its refusal only with a second one: a Set that both had lied
# about could not be taken back, and would freeze its group (R6).
OTHER_CODES_BELIEVED = 2

# Codes that say that the group, and with it every counter, does not exist.
GROUP_GONE = frozenset({10010, 10015})


class Observation(msgspec.Struct, frozen=True):
    """A receipt value with what is known of its age, and the counters shown beside it.

    `is_second`: it was read over a new connection, because the look before had shown what nothing explains.
    """

    sight: ReceiptReading
    seen: CounterReading
    is_second: bool = False


def follow(visit: Visit, row: Row, attempt: Attempt, reply: Reply) -> Next:
    """Do what the reply to this visit's own call says, as often as it takes until the row says it too."""
    if isinstance(reply, Unsent):
        follows = visit.put(transitions.returned(row))
        return follows if isinstance(follows, Again) else visit.failed_to_send()
    if isinstance(reply, Refused) and (visit.is_confirmed or not row.receipt_key):
        whose = Blame.OPERATION if visit.is_confirmed else blamed(visit, row, {reply.code}, can_read=False)
        return confirmed(visit, row, attempt, reply, whose)
    if isinstance(reply, Counted) and not row.receipt_key:
        return settle(
            visit, row, 0, {attempt.id: 1}, CounterReading(reply.values, later=False, at=visit.instance.api_clock.now())
        )
    return look(visit, row, attempt)


def look(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """Read the receipt of an open attempt, when it is time to, and conclude."""
    if not row.receipt_key:
        return without_receipt.look(visit, row, attempt)
    is_own = visit.sent == attempt.id
    refusal = None if is_own else visit.instance.breaker.refusal()
    if refusal is not None:
        return Stop(refusal)
    wait_s = visit.backoff.before_look_s(attempt, own=is_own)
    if wait_s > 0:
        return Again(min(wait_s, visit.backoff.poll_s()))
    # With anything remembered, more operations than the attempt's may be found to have landed.
    keys = () if row.remembered else (row.receipt_key, *payload_of(attempt))
    evidence = see(visit, row, keys)
    if isinstance(evidence, Observation):
        return conclude(visit, row, evidence)
    if isinstance(evidence, Again):
        visit.backoff.postpone(evidence.after_s)
    return evidence


def see(visit: Visit, row: Row, keys: Sequence[str]) -> Observation | Next:
    """Read counters, the receipt among them; what is no evidence says what to do next."""
    heard = visit.heard(row)
    reply = visit.read(keys, fresh=visit.doubts)
    asked_after = certain(heard, reply.date, visit.took_s)
    if isinstance(reply, Refused):
        return _read_refused(visit, row, reply, asked_after)
    if not isinstance(reply, Counted):
        return Again(visit.backoff.retry_s())
    value = reply.values.get(row.receipt_key)
    visit.refusals = visit.other_codes = 0
    visit.absences = visit.absences + 1 if value is None else 0
    if 0 < visit.absences < TIMES_BELIEVED:
        return Again()
    seen = CounterReading(reply.values, later=True, at=visit.instance.api_clock.now())
    return Observation(ReceiptReading(value or 0, asked_after), seen, is_second=visit.doubts)


def _read_refused(visit: Visit, row: Row, refusal: Refused, asked_after: int | None) -> Next:
    """A read that is refused like the attempt confirms the attempt's refusal; else it is a refusal of its own."""
    own = _own_refusal(visit, row)
    if refusal.code in GROUP_GONE:
        visit.refusals += 1
    if own and own.fault is refusal.fault is Fault.OPERATION and own.code != refusal.code:
        visit.other_codes += 1
        if visit.other_codes < OTHER_CODES_BELIEVED:
            return Again()
    if own and row.attempt and own.fault is refusal.fault:
        whose = blamed(visit, row, {own.code, refusal.code}, can_read=False)
        return confirmed(visit, row, row.attempt, _told(own, refusal), whose)
    if refusal.fault is not Fault.OPERATION:
        return visit.setback(refusal)
    if blamed(visit, row, {refusal.code}, can_read=False) is Blame.APP:
        return visit.setback(dataclasses.replace(refusal, fault=Fault.APP))
    if visit.group_is_gone and row.attempt and _is_dead(visit, row.attempt, ReceiptReading(0, asked_after)):
        # The group is gone and the attempt dead: the next attempt will be told so, and its operations with it.
        return _expired(visit, row, row.attempt)
    return Again(visit.backoff.retry_s())


def _told(own: Refused, read: Refused) -> Refused:
    """Of two refusals that confirm each other the one that callers are told: that the group does not exist (R6)."""
    return read if read.code in GROUP_GONE and own.fault is Fault.OPERATION else own


def _is_dead(visit: Visit, attempt: Attempt, sight: ReceiptReading) -> bool:
    return sight.is_after(death(attempt, visit.instance.rules.bound_of(attempt)))


def _own_refusal(visit: Visit, row: Row) -> Refused | None:
    mine = row.attempt is not None and row.attempt.id == visit.sent
    return visit.reply if mine and isinstance(visit.reply, Refused) else None


def conclude(visit: Visit, row: Row, evidence: Observation) -> Next:
    """Do what the evidence allows: settle, wait, go on with a new attempt, or freeze."""
    rules = visit.instance.rules
    if evidence.sight.value == row.base and not row.debt:
        # Where something is owed back, it counts how often a payment was refused (R6).
        row = transitions.forgotten(row, evidence.sight.asked_after, rules.bound_of, rules.forget_s)
    verdict = judge(row, evidence.sight, rules.bound_of(row.attempt) if row.attempt else 0)
    if isinstance(verdict, Unexplained) and not evidence.is_second:
        # R4 e: one odd reply judges nothing. The row is read again, then the receipt over a new connection.
        visit.doubts = True
        return Again()
    visit.doubts = False
    if isinstance(verdict, Landed):
        if not evidence.seen.later and transitions.lacks_values(row, verdict.times, evidence.seen):
            # The reply shows its own call's counters, and others have landed too: each is answered with its own (R5).
            whole = see(visit, row, keys=())
            return conclude(visit, row, whole) if isinstance(whole, Observation) else whole
        _report_lie(visit, row, verdict)
        return settle(visit, row, evidence.sight.value, verdict.times, evidence.seen, evidence.sight.asked_after)
    if isinstance(verdict, Unexplained):
        known = f"the receipt shows {verdict.value}, {row.base} is known, and no attempt explains the difference"
        return visit.put(transitions.frozen(row, known))
    if row.attempt is None:
        return row
    refusal = _own_refusal(visit, row)
    if refusal:
        whose = blamed(visit, row, {refusal.code}, can_read=True)
        return confirmed(visit, row, row.attempt, refusal, whose)
    if isinstance(verdict, TooEarly):
        reason = why_too_far_ahead(visit, row, evidence.sight)
        if reason is not None:
            return visit.put(transitions.frozen(row, reason))
        return Again(visit.backoff.after_look_s(row.attempt))
    return _expired(visit, row, row.attempt)


def _expired(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """R6: the attempt is dead and has not landed, and what it owed goes out again (R11)."""
    follows = _put_with_memory(visit, row, transitions.Change(transitions.not_landed(row)))
    if isinstance(follows, Row):
        lost = len(lost_in_a_row(follows))
        report = visit.instance.reporter.report
        report(Notice.ATTEMPT_EXPIRED, group=visit.group.id, attempt=attempt.id, in_a_row=lost)
        if lost >= ALARMING:
            report(Notice.CALLS_KEEP_FAILING, group=visit.group.id, in_a_row=lost)
    return follows


def _put_with_memory(visit: Visit, before: Row, change: transitions.Change) -> Next:
    """Write a row whose attempt is a remembered one now; what gave way to it is told first: nothing else keeps it."""
    gone = giving_way(before.remembered) if before.receipt_key else None
    if gone is not None:
        visit.instance.reporter.report(Notice.ATTEMPT_DROPPED, group=visit.group.id, **told(gone))
    return visit.put(change.row, change.records, change.watermarks)


def _report_lie(visit: Visit, row: Row, landed: Landed) -> None:
    """Tell that the API has refused a request that it had carried out."""
    refusal = _own_refusal(visit, row)
    if refusal and row.attempt and row.attempt.id in landed.times:
        visit.instance.reporter.report(Notice.REFUSAL_DISPROVED, group=visit.group.id, code=refusal.code)


def settle(
    visit: Visit, row: Row, value: int, times: Mapping[str, int], seen: CounterReading, asked_after: int | None = None
) -> Next:
    """R5: records first or with the row. Where more landed than the open attempt, R7."""
    if row.attempt and row.base is not None and transitions.is_plain(row, times):
        records = transitions.settled_records(row.attempt, seen)
        keys = knowing(row.keys, transitions.landed_keys(row, times), seen.at)
        new_keys = None if keys is row.keys else keys
        settle_plainly(visit, Settlement(row.attempt, row.base, value, visit.lasting(records), new_keys), records)
        return Again()
    change = transitions.landed(row, value, times, seen)
    late = set(times) - {row.attempt.id if row.attempt else ""}
    rules = visit.instance.rules
    kept_in_mind = transitions.forgotten(change.row, asked_after, rules.bound_of, rules.forget_s)
    follows = visit.put(kept_in_mind, change.records, change.watermarks)
    if isinstance(follows, Row) and (late or max(times.values()) > 1):
        landed = ", ".join(f"{attempt_id} x {count}" for attempt_id, count in times.items())
        visit.instance.reporter.report(Notice.LATE_LANDING, group=visit.group.id, landed=landed)
    _report_applied(visit, follows, len(change.records))
    if isinstance(follows, Row) and change.row.keys is not row.keys:
        stamp_anew(visit, change.row.keys)
    return follows


def blamed(visit: Visit, row: Row, codes: Collection[int], *, can_read: bool) -> Blame:
    """Whom the refusals blame: with 10007 among them that has to be found out (R6)."""
    return permission.blame(visit, row, can_read=can_read) if NOT_PERMITTED in codes else Blame.OPERATION


def confirmed(visit: Visit, row: Row, attempt: Attempt, refusal: Refused, whose: Blame = Blame.OPERATION) -> Next:
    """R6: the attempt had no effect. Split it, reject its one operation, or take it back for a later attempt.

    `whose` fault it is that only the operation's code tells; another kind of refusal says so by itself.
    """
    if whose is Blame.UNKNOWN:
        follows = visit.put(transitions.refused(row))
        return follows if isinstance(follows, Again) else visit.failed_to_send()
    if whose is Blame.APP:
        refusal = dataclasses.replace(refusal, fault=Fault.APP)
    visit.reply, visit.is_confirmed = refusal, True
    if refusal.fault is not Fault.OPERATION:
        follows = _put_with_memory(visit, row, transitions.Change(transitions.refused(row)))
        return follows if isinstance(follows, Again) else visit.setback(refusal)
    if attempt.correction:
        return _correction_refused(visit, row, attempt.correction, refusal)
    if attempt.is_lift:
        return _lift_refused(visit, row, refusal)
    if len(attempt.entries) > 1:
        return _put_with_memory(visit, row, transitions.Change(transitions.refused(row, split=True)))
    return _rejected(visit, row, refusal)


def _lift_refused(visit: Visit, row: Row, refusal: Refused) -> Next:
    """R2: what refuses a lift would refuse the Decrease that comes next, so that one is told.

    Where none comes next any more, because a late landing has settled it, the lift is only closed.
    """
    if row.debt:
        mode, correction = correction_of(row.debt, key_limit(row.receipt_key))
        if mode is Mode.DECREASE:
            return _correction_refused(visit, row, correction, refusal)
    elif row.queue and row.queue[0].mode is Mode.DECREASE:
        return _rejected(visit, row, refusal)
    return _put_with_memory(visit, row, transitions.Change(transitions.refused(row)))


def _rejected(visit: Visit, row: Row, refusal: Refused) -> Next:
    """R6: the record of a rejection is written only with the row, and only while the refused attempt is open."""
    rejection, now = Rejected(refusal.code, refusal.info), visit.instance.api_clock.now()
    change = transitions.answered(row, rejection, now, visit.teller)
    if refusal.code in GROUP_GONE:
        # It has no counters any more; it is known again with those that land once it has been made anew.
        change = replace(change, row=replace(change.row, keys=()))
    follows = _put_with_memory(visit, row, change)
    if not isinstance(follows, Again):
        visit.instance.reporter.report(Notice.REJECTED, group=visit.group.id, code=refusal.code)
    return follows


def _correction_refused(visit: Visit, row: Row, correction: Counters, refusal: Refused) -> Next:
    """A payment that is refused for good is tried again, unless the group is gone; an operator ends the third one.

    A group that can still be read is not gone, whatever the code: what is owed to it stays owed.
    """
    if refusal.code in GROUP_GONE and visit.refusals:
        row = transitions.debt_forgiven(row, correction)
    elif sum(past.for_good for past in row.remembered) >= CORRECTIONS_REFUSED_MAX:
        return visit.put(transitions.frozen(row, f"corrections are refused with code {refusal.code}"))
    return _put_with_memory(visit, row, transitions.Change(transitions.refused(row, for_good=True)))


def _report_applied(visit: Visit, follows: Next, operations: int) -> None:
    if isinstance(follows, Row) and operations:
        visit.instance.reporter.report(Notice.APPLIED, group=visit.group.id, operations=operations)
