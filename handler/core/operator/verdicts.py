"""What an operator decides about a frozen group, as pure functions on its row.

A receipt that nothing explains proves nothing any more about what was under way. Once all of that is dead on the API's
clock, the operator's word stands in for the proof, and the receipt as it is now becomes the base.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum

import msgspec
from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.lift import why_not_counted
from handler.core.model.outcome import Applied
from handler.core.model.row import Attempt, Debt, Remembered, Row
from handler.core.ports.ledger import Generation
from handler.core.runtime.api_clock import NEAR_S
from handler.core.runtime.instance import Rules
from handler.core.state.losses import giving_way, remembering
from handler.core.state.merge import overwritten_by, own_values, with_excess, without_keys
from handler.core.state.receipts import Landed, ReceiptReading, death, judge, past_s
from handler.core.state.transitions import Change, CounterReading, forgotten, landed, record_of


class OperatorVerdict(str, Enum):
    """What became of an operation, or of a correction."""

    LANDED = "landed"
    NOT_LANDED = "not-landed"


class Decision(msgspec.Struct, frozen=True):
    """The operator's word: by id of an operation, and by id of the attempt for a correction.

    `drops_debt` gives up what is owed back to counters that are gone, as after a group was deleted and made again.
    `receipt` is the value that the operator saw when judging: with another one the verdicts are out of date. `queued`
    is the verdict on the unnamed rest of a restored row's queue, which grows because callers go on asking.
    """

    verdicts: Mapping[str, OperatorVerdict] = {}
    drops_debt: bool = False
    receipt: int | None = None
    queued: OperatorVerdict | None = None

    def landed(self, named: str) -> bool:
        """Whether the operator says that this landed."""
        return self.verdicts.get(named) is OperatorVerdict.LANDED


def to_be_judged(row: Row, generation: int) -> tuple[str, ...]:
    """The ids that need a verdict: what the open attempt carries.

    An operation that another landing has settled needs one too, because this attempt may have counted it again. A row
    of an older generation lacks what happened since, so only an operator can know whether its queue was sent.
    """
    attempt = row.attempt
    carried = tuple(entry.id for entry in attempt.entries) if attempt else ()
    correction = (attempt.id,) if attempt and attempt.correction else ()
    queued = tuple(entry.id for entry in row.queue) if row.generation < generation else ()
    return carried + correction + queued


def never_carried(row: Row, generation: int) -> tuple[str, ...]:
    """The ids that cannot have landed: they wait in the queue, and no attempt that the row knows carries them.

    A row of an older generation may lack the attempt that carried one.
    """
    if row.generation < generation:
        return ()
    carried = {entry.id for past in row.remembered for entry in past.attempt.entries}
    carried |= {entry.id for entry in row.attempt.entries} if row.attempt else set()
    return tuple(entry.id for entry in row.queue if entry.id not in carried)


def completed(row: Row, decision: Decision, generation: int) -> Decision:
    """The decision with a verdict on everything. Raises BadInput if it leaves something open or names a foreign id.

    A typing error must not count anything twice, and a verdict on what was never sent would lose it.
    """
    queued = {entry.id for entry in row.queue}
    needed = to_be_judged(row, generation)
    unnamed = [entry.id for entry in row.queue if entry.id not in decision.verdicts] if decision.queued else []
    if unnamed and row.generation >= generation:
        raise BadInput(
            "queued", f"is for a restored group's queue, and this one's is sent as it is: {', '.join(unnamed)}"
        )
    verdicts = {**decision.verdicts, **dict.fromkeys(unnamed, decision.queued or OperatorVerdict.NOT_LANDED)}
    missing = [named for named in needed if named not in verdicts]
    if missing:
        raise BadInput("verdicts", f"lacks one for each of: {', '.join(missing)}")
    unsent = [named for named in never_carried(row, generation) if named in verdicts]
    if unsent:
        raise BadInput("verdicts", f"judges what was never sent and cannot have landed, leave out: {', '.join(unsent)}")
    unknown = len(verdicts.keys() - queued.union(needed))
    if unknown:
        raise BadInput("verdicts", f"has {unknown} of what this group does not owe; `inspect` lists the ids")
    return replace(decision, verdicts=verdicts)


def all_dead_at(row: Row, first_seen_at: int, generation: Generation, *, rules: Rules, now: float) -> float:
    """The API time from which nothing of the group's past can land any more.

    An attempt that the row knows dies at its own time, unless a wrong clock has put that ahead of `now`. Such an
    attempt, and one that the row does not know, was signed before the operator first looked at the group, on any host's
    clock (R9, R12). Instances may have gone on with an older generation for as long as they cache it (R10).
    """
    attempts = [past.attempt for past in row.remembered] + ([row.attempt] if row.attempt else [])
    known = [death(each, rules.bound_of(each)) for each in attempts if each.signed_at <= now + rules.guard_s + 1]
    signed_before_s = past_s(max(rules.bound_s, *map(rules.bound_of, attempts), 0.0), rules.guard_s)
    # One that has not started yet was raised before the look all the same.
    raised = generation.started or first_seen_at
    restored = raised + rules.cache_s if row.generation < generation.number else 0.0
    return max(*known, first_seen_at + signed_before_s, restored + signed_before_s)


def unfrozen(
    row: Row,
    decision: Decision,
    *,
    receipt: ReceiptReading,
    counters: CounterReading,
    generation: int,
    rules: Rules,
) -> Change:
    """The row that stands on the receipt as it is now, judged by the operator, and no longer frozen.

    What past attempts have moved on top of the verdicts is settled or owed back as usual (R7). They stay remembered: a
    landing later than now moves the new base by its weight, as it would have moved the old one. A landing that came
    before now and was overwritten is for the operator to name.
    """
    if decision.receipt not in {None, receipt.value}:
        raise BadInput("receipt", f"is {receipt.value} by now: inspect the group and judge again")
    outside = why_not_counted(row.receipt_key, receipt.value)
    if outside is not None:
        raise BadInput("GroupId", outside)
    change = _judged(row, decision, counters)
    past = judge(change.row, receipt, bound_s=0)
    times = past.times if isinstance(past, Landed) else {}
    if row.attempt is not None and row.attempt.id in times and not row.attempt.is_lift:
        raise BadInput("verdicts", "say not-landed of an attempt that the receipt shows to have landed")
    after = landed(change.row, receipt.value, times, counters)
    kept = forgotten(after.row, receipt.asked_after, rules.bound_of, rules.forget_s).remembered
    # The attempt that was judged is the newest: without it memory was no fuller than it may be.
    dropped = giving_way(kept[:-1])
    kept = remembering(kept[:-1], kept[-1]) if dropped else kept
    debt = () if decision.drops_debt else after.row.debt
    judged = replace(
        after.row, remembered=kept, debt=debt, frozen=None, frozen_at=0, first_seen_at=None, generation=generation
    )
    return replace(Change.of(row, judged, {**change.records, **after.records}), dropped=dropped)


def _judged(row: Row, decision: Decision, counters: CounterReading) -> Change:
    """The row without its open attempt. What landed gets its record, and what did not waits in the queue again."""
    owed = [entry for entry in row.owed if decision.landed(entry.id)]
    applied = {entry.id: Applied(own_values(entry, counters.values), observed_later=True) for entry in owed}
    records = {entry.id: record_of(entry, applied[entry.id], counters.at) for entry in owed}
    rest = tuple(entry for entry in row.owed if entry.id not in records)
    if row.attempt is None:
        return Change(replace(row, queue=rest), records)
    attempt = row.attempt
    told_landed = {named for named in _carried(attempt) if decision.landed(named)}
    judged = replace(row, attempt=None, queue=rest, debt=_debt_after(row, attempt, told_landed))
    if told_landed:
        judged = replace(judged, base=(row.base or 0) + attempt.shift(row.base or 0))
    if told_landed != _carried(attempt) or attempt.is_lift:
        # An attempt that was signed by a wrong clock would be remembered until the time that the clock showed.
        is_ahead = row.first_seen_at is not None and attempt.signed_at > row.first_seen_at + NEAR_S
        signed_at = row.first_seen_at if is_ahead and row.first_seen_at is not None else attempt.signed_at
        judged = replace(judged, remembered=(*row.remembered, Remembered(replace(attempt, signed_at=signed_at))))
    return Change(judged, records)


def _carried(attempt: Attempt) -> set[str]:
    return {entry.id for entry in attempt.entries} | ({attempt.id} if attempt.correction else set())


def _debt_after(row: Row, attempt: Attempt, told_landed: Collection[str]) -> Debt:
    """What is owed back: a landed correction is paid, an operation settled before has landed once too often."""
    counted = [entry for entry in attempt.entries if entry.id in told_landed]
    debt = without_keys(row.debt, overwritten_by(counted))
    if attempt.id in told_landed:
        debt = with_excess(debt, attempt.mode, attempt.correction, 1)
    for entry in counted:
        debt = with_excess(debt, entry.mode, entry.counters, int(entry.id in attempt.settled))
    return debt
