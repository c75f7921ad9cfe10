"""Open and send: the loop that moves one group on, and the two steps that lead to a call (R2, R3).

`conclude` has what a reply or a look at the receipt proves; `first_use` has how a group begins.
"""

from __future__ import annotations

from handler.core.model.lift import LIFT, needs_lift, set_above, why_not_counted
from handler.core.model.operation import Counters, Mode, key_limit
from handler.core.model.row import Attempt, Entry, Row
from handler.core.ports.counter_api import Counted
from handler.core.protocol import conclude, first_use, parking
from handler.core.protocol.visit import Again, Next, Stop, Visit
from handler.core.protocol.waiting import ask_the_time
from handler.core.state import transitions
from handler.core.state.merge import correction_of, next_run
from handler.core.state.receipts import ReceiptReading, certain, choose_weight
from handler.core.state.transitions import Change, CounterReading
from handler.core.state.watermarks import moved

# How often others may get in between when an attempt is taken back; after that its group waits for its death.
TAKE_BACK_MAX = 5


def drive(visit: Visit, row: Row | None) -> Row | None:
    """Take step after step until what the visit came for is settled, or its time is up.

    Returns the row once nothing that the visit came for is left in it.
    """
    while not visit.has_all_answers or (row is not None and (row.debt or visit.has_to_park(row))):
        if row is None:
            row = visit.look()
        if row is None or visit.is_done(row):
            return row
        if row.frozen and not visit.has_to_park(row):
            visit.frozen = row.frozen
            return None
        if visit.is_paused(row) and not (visit.has_to_park(row) or conclude.can_judge(visit, row)):
            # R15: what is not on its way stays here.
            _take_back(visit, row)
            visit.stopped = Stop()
            return None
        if not visit.may_call():
            _take_back(visit, row)
            return None
        follows = parking.write_out(visit, row) if visit.has_to_park(row) else step(visit, row)
        if isinstance(follows, Stop):
            visit.stopped = follows
            return None
        if isinstance(follows, Again) and not visit.wait(follows.after_s, for_turn=follows.for_turn):
            return None
        row = follows if isinstance(follows, Row) else None
    return row


def step(visit: Visit, row: Row) -> Next:
    """Do the one thing that this row needs next."""
    visit.heard(row)
    if row.watermarks:
        smaller, watermarks = moved(row)
        return visit.put(Change(smaller, watermarks=watermarks))
    own = visit.own_call(row.attempt)
    if row.attempt is not None and own is not None and not own.is_sent:
        return send(visit, row, row.attempt)
    if row.attempt is not None and own is not None and own.reply is not None:
        return conclude.follow(visit, row, row.attempt, own.reply)
    if row.generation < visit.instance.generation.current().number:
        return first_use.revalidate(visit, row)
    if row.attempt is not None:
        return conclude.look(visit, row, row.attempt)
    if row.base is None or row.receipt_key != visit.instance.rules.receipt_key:
        return first_use.establish(visit, row)
    return open_next(visit, row)


def open_next(visit: Visit, row: Row) -> Next:
    """R2: open an attempt for a debt, else for the next run of the queue; or lift the receipt for it first."""
    instance, base = visit.instance, row.base or 0
    reason = why_not_counted(row.receipt_key, base)
    if reason is not None:
        return visit.freeze(row, reason)
    held_up = _held_up(visit, row)
    if held_up is not None:
        return held_up
    mode, entries, correction = _next_payload(visit, row)
    # In a group that is gone nothing has landed late, and the vendor will refuse the Set like everything else.
    if mode is Mode.SET and row.remembered and not visit.group_is_gone:
        observed = conclude.see(visit, row, keys=())
        if not isinstance(observed, conclude.Observation):
            return observed
        if observed.receipt.value != row.base:
            return conclude.conclude(visit, row, observed)
    wait_s = visit.turns.wait_s()
    if wait_s:
        # A turn that comes too late for this visit goes to another one, which moves the group on for both.
        return Again(wait_s, for_turn=True) if visit.may_call(wait_s) else Again(visit.backoff.poll_s())
    above = set_above(base, mode) if entries or correction else LIFT
    weight = choose_weight(row.remembered_shifts, instance.chance, above)
    attempt = visit.new_attempt(weight, mode, entries, correction)
    follows = visit.put(row.opened(attempt, row.queue[len(entries) :], instance.pace()))
    if isinstance(follows, Row):
        visit.turns.use()
    return follows


def _held_up(visit: Visit, row: Row) -> Again | Stop | None:
    """Why nothing is opened yet: the app is refused, calls get lost, the pace (R16), or an unknown time (R12)."""
    refusal = visit.instance.breaker.refusal()
    if refusal is not None:
        return Stop(refusal)
    wait_s = visit.backoff.before_opening_s(row)
    if wait_s > 0:
        return visit.rest(wait_s)
    wait_s = visit.backoff.before_next_call_s(row)
    if wait_s > 0:
        # What waits goes out in one call, which the caller of its head opens.
        return visit.rest(wait_s + visit.backoff.poll_s() if _is_left_to_its_caller(visit, row) else wait_s)
    if _is_left_to_its_caller(visit, row):
        return Again(visit.backoff.poll_s())
    return ask_the_time(visit)


def _is_left_to_its_caller(visit: Visit, row: Row) -> bool:
    """Whether to leave the queue's head to the visit that waits for it: for one poll, then any visit opens it.

    Without this all visits try at once whenever a call is settled, and all but one in vain.
    """
    if not visit.wanted or row.debt or not row.queue:
        return False
    head = row.queue[0].id
    return head not in visit.wanted and visit.backoff.leave(head)


def _next_payload(visit: Visit, row: Row) -> tuple[Mode, tuple[Entry, ...], Counters]:
    """What to send next: a payment, else a run, or neither if the receipt has to be lifted before it."""
    limit = key_limit(row.receipt_key)
    mode, correction = correction_of(row.debt, limit) if row.debt else (row.queue[0].mode, ())
    if needs_lift(row.receipt_key, row.base or 0, mode):
        return Mode.INCREASE, (), ()
    if row.debt:
        return mode, (), correction
    return mode, next_run(row.queue, visit.instance.values_cache.of(visit.group), limit), ()


def send(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """R3: make the one call of an attempt that this visit has opened, and judge by its reply."""
    heard = visit.heard(row)
    reply = visit.send(row, attempt)
    if isinstance(reply, Counted) and row.receipt_key:
        counters = CounterReading(reply.values, later=False, at=visit.instance.api_clock.now())
        receipt = ReceiptReading(reply.values[row.receipt_key], certain(heard, reply.date, visit.calls.took_s))
        return conclude.conclude(visit, row, conclude.Observation(receipt, counters))
    return conclude.follow(visit, row, attempt, reply)


def _take_back(visit: Visit, row: Row) -> None:
    """Put an attempt of this visit that there is no time to send back into the queue: no other worker may send it."""
    for _ in range(TAKE_BACK_MAX):
        own = visit.own_call(row.attempt)
        if own is None or own.is_sent or isinstance(visit.put(transitions.returned(row)), Row):
            return
        latest = visit.instance.ledger.load(visit.group)
        if latest is None:
            return
        row = latest
