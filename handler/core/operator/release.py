"""How an operator brings a frozen group back: by its upstream value, or by a verdict on what was under way.

The operator's word takes the place of a proof; the steps are the protocol's. Wait until nothing of the group's past
can land any more (R4 b, R9), read the receipt after that, and move the row by compare-and-swap together with the
records of what landed (R5). `verdicts` has the rules of the decision.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from handler.core.errors import BadInput, TooManyCalls
from handler.core.model.row import Row
from handler.core.operator.inspect import (
    SWAPS_MAX,
    decidable_at,
    may_be_released,
    note_first_look,
    see,
    stored,
    unreadable,
)
from handler.core.operator.verdicts import Decision, completed, to_be_judged, unfrozen
from handler.core.ports.system import Notice, naming
from handler.core.protocol import sweep
from handler.core.protocol.calls import of_attempt
from handler.core.protocol.visit import CONTENTION_S, Stop, Visit
from handler.core.protocol.waiting import waiting
from handler.core.state.losses import told

# A moment is proven to have passed by the next `Date`, which comes in whole seconds.
LATER_MIN_S = 1.0


class Later(msgspec.Struct, frozen=True):
    """Nothing was decided, because something may still land: repeat the event after `retry_after_s`."""

    retry_after_s: float


class Resolved(msgspec.Struct, frozen=True):
    """The row in force, how many operations the decision has settled, and whether it `changed` the row."""

    row: Row
    settled: int = 0
    changed: bool = True


class Preview(msgspec.Struct, frozen=True):
    """What a release would make of the row as it and the receipt are now; `ready_in_s` is when it may be done."""

    row: Row
    settled: tuple[str, ...]
    ready_in_s: float


def adopt(visit: Visit, decision: Decision) -> Resolved | Later:
    """Stand on the receipt as it is, for a group with nothing under way; what waits in its queue is still owed.

    Waits until nothing of the group's past can land, if the visit is long enough for that.
    """
    row = stored(visit)
    if to_be_judged(row, visit.instance.generation.current().number):
        if not may_be_released(visit, row):
            raise BadInput("GroupId", "is not frozen: the receipt will tell what of its operations has landed")
        raise BadInput("GroupId", "has operations that may have landed: inspect it, and release it with verdicts")
    if row.frozen is None:
        row = _looked_after(visit, row)
    if row.frozen is None:
        return Resolved(row, changed=False)
    return _resolve(visit, row, decision, notice=Notice.GROUP_ADOPTED, wait=_until)


def release(visit: Visit, decision: Decision) -> Resolved | Later:
    """Unfreeze with a verdict on everything that was under way, or end the wait for a `Date` or a time (R12).

    Never waits: a verdict that was made while something could still land is worth nothing once it has landed.
    """
    row = _releasable(visit)
    completed(row, decision, visit.instance.generation.current().number)
    return _resolve(visit, row, decision, notice=Notice.GROUP_RELEASED, wait=_left_s)


def preview(visit: Visit, decision: Decision) -> Preview:
    """Show what `release` would do by the same rules, and change nothing.

    Raises BadInput for what would be refused. Until nothing of the group's past can land it may come otherwise.
    """
    row = _releasable(visit)
    observed, _ = see(visit, row)
    generation = visit.instance.generation.current().number
    change = unfrozen(
        row,
        completed(row, decision, generation),
        receipt=observed.receipt,
        counters=observed.counters,
        generation=generation,
        rules=visit.instance.rules,
    )
    return Preview(change.row, tuple(change.records), _left_s(visit, row, decidable_at(visit, row)))


def _releasable(visit: Visit) -> Row:
    """The row of a group that is frozen, or waits for what may never come; BadInput for any other."""
    row = stored(visit)
    if row.frozen is None and waiting(visit, row) is not None:
        # Only once the API's clock has been heard can it be known to last.
        see(visit, row)
    if not may_be_released(visit, row):
        raise BadInput("GroupId", "is not frozen: there is nothing to release")
    return row


def _resolve(
    visit: Visit, row: Row, decision: Decision, *, notice: Notice, wait: Callable[[Visit, Row, float], float]
) -> Resolved | Later:
    """Wait for the end of the group's past, read the receipt, and write the row that stands on it."""
    instance = visit.instance
    see(visit, row)  # lets a cold instance hear the API's clock
    row, generation = note_first_look(visit, row), instance.generation.current()
    dead_at = decidable_at(visit, row)
    left_s = wait(visit, row, dead_at)
    if left_s:
        return Later(left_s)
    observed, _ = see(visit, row)
    if visit.calls.is_dated and not observed.receipt.is_after(dead_at):
        return Later(LATER_MIN_S)
    for _ in range(SWAPS_MAX):
        # Only the queue of a frozen row moves; a row that has moved otherwise was decided by another operator.
        grown = stored(visit)
        if (grown.frozen, grown.first_seen_at, grown.attempt) != (row.frozen, row.first_seen_at, row.attempt):
            raise BadInput("GroupId", "has changed: another operator has decided meanwhile")
        judged = completed(grown, decision, generation.number)
        change = unfrozen(
            grown,
            judged,
            receipt=observed.receipt,
            counters=observed.counters,
            generation=generation.number,
            rules=instance.rules,
        )
        becomes = visit.fitted(change.row)
        if instance.ledger.swap(visit.group, becomes, visit.lasting(change.records), change.watermarks):
            settled = len(change.records)
            visit.report(notice, base=becomes.base, **naming(change.records))
            if change.dropped:
                visit.report(Notice.ATTEMPT_DROPPED, **of_attempt(change.dropped.attempt) | told(change.dropped))
            return Resolved(becomes, settled)
        instance.clock.sleep(visit.backoff.jittered(CONTENTION_S))
    raise TooManyCalls("too many others change this group at once")


def _looked_after(visit: Visit, row: Row) -> Row:
    """Look at a group that is not frozen as the sweep does (R11): an unexplained receipt freezes it here."""
    if row.base is None or row.receipt_key != visit.instance.rules.receipt_key or not row.receipt_key:
        raise BadInput("GroupId", "has no receipt in use yet: its first operation begins one")
    while visit.may_call():
        follows = sweep.watch(visit, row)
        if isinstance(follows, Row):
            return follows
        if isinstance(follows, Stop) or not visit.wait(follows.after_s):
            break
        row = stored(visit)
    raise unreadable(visit)


def _until(visit: Visit, row: Row, moment: float) -> float:
    """Wait until a `Date` proves that the API's clock has passed `moment`; the seconds left if it is too far off."""
    while left_s := _left_s(visit, row, moment):
        if left_s + visit.instance.call_s > visit.budget.until - visit.instance.clock.monotonic():
            return left_s
        visit.wait(left_s)
        visit.calls.read(())
    return 0.0


def _left_s(visit: Visit, row: Row, moment: float) -> float:
    """Seconds until a `Date` can prove that, 0 once one does. Where there is no `Date`, the clock has to do (R12)."""
    heard = visit.heard(row)
    if heard is not None and heard >= moment:
        return 0.0
    left_s = visit.instance.api_clock.left_s(moment)
    return max(left_s, LATER_MIN_S) if visit.calls.is_dated else left_s
