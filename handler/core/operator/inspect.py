"""The operator's view of a group, and the look at its counters that precedes every decision."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from handler.core.errors import AppRefused, BadInput, NotAccepted, TooManyCalls
from handler.core.model.row import Row
from handler.core.operator.verdicts import all_dead_at, to_be_judged
from handler.core.ports.ledger import Generation
from handler.core.protocol import conclude
from handler.core.protocol.conclude import Observation
from handler.core.protocol.visit import CONTENTION_S, Stop, Visit
from handler.core.protocol.waiting import waiting
from handler.core.runtime.api_clock import NEAR_S
from handler.core.runtime.memory import CallFailure
from handler.core.state.merge import Values
from handler.core.state.receipts import ReceiptReading, ReceiptVerdict, certain, judge
from handler.core.state.transitions import CounterReading

# How often a lost compare-and-swap is tried again: callers may go on asking for operations of a frozen group.
SWAPS_MAX = 30


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A row, the group's counters upstream or why there are none, and what the receipt proves about the row.

    `waits_for` says in words what a group that is not frozen waits for, and `ready_in_s` how long at least. Of a group
    that is frozen, or that an operator may release, `ready_in_s` is how long something of its past may still land: a
    verdict before that is worth nothing. `last_failure` is the last failed call of the instance that looked, in any
    group. `last_values` are those of the last update of the group that this instance has made.
    """

    row: Row
    generation: Generation
    to_be_judged: tuple[str, ...]
    ready_in_s: float = 0.0
    waits_for: str | None = None
    values: Values = {}
    last_values: Values = {}
    missing: str | None = None
    verdict: ReceiptVerdict | None = None
    last_failure: CallFailure | None = None


def inspect(visit: Visit) -> Inspection:
    """Look at a group. Only one thing changes: the row of a group that needs an operator notes the first look."""
    row, generation = stored(visit), visit.instance.generation.current()
    needed = to_be_judged(row, generation.number)
    try:
        see(visit, row)
        # Judged by the second look, because the first one may be the first to hear the API's clock (R4 b).
        observed, gone = see(visit, row)
    except NotAccepted as error:
        unseen = Inspection(row=row, generation=generation, to_be_judged=needed, missing=error.problem)
        return _waiting(visit, unseen)
    rules = visit.instance.rules
    row = note_first_look(visit, row)
    shown = Inspection(
        row=row,
        generation=generation,
        to_be_judged=needed,
        values=observed.counters.values,
        missing="the group does not exist" if gone else None,
        verdict=judge(row, observed.receipt, rules.bound_of(row.attempt) if row.attempt else 0),
    )
    return _waiting(visit, shown)


def _waiting(visit: Visit, shown: Inspection) -> Inspection:
    """Add how long a verdict, or the group, has to wait at least, what for, and which call failed last."""
    row, failure = shown.row, visit.instance.failures.last
    found = waiting(visit, row) if row.frozen is None else None
    if may_be_released(visit, row):
        ready_in_s = visit.instance.api_clock.left_s(decidable_at(visit, row))
    else:
        ready_in_s = found.left_s if found else 0.0
    return replace(
        shown,
        ready_in_s=ready_in_s,
        waits_for=found.for_what if found else None,
        last_failure=failure,
        last_values=visit.instance.values_cache.of(visit.group),
    )


def decidable_at(visit: Visit, row: Row) -> float:
    """The API time from which nothing of the group's past can land, so that an operator's verdict holds."""
    instance = visit.instance
    generation, now = generation_of(visit, row), instance.api_clock.now()
    return all_dead_at(row, first_look(visit, row), generation, rules=instance.rules, now=now)


def may_be_released(visit: Visit, row: Row) -> bool:
    """Whether an operator may decide on the group: it is frozen, or may wait for a `Date` or a time for ever."""
    if row.frozen is not None:
        return True
    found = waiting(visit, row)
    return found is not None and found.lasts


def first_look(visit: Visit, row: Row) -> int:
    """The API's time of the first look at a group that needs an operator; now, if there was none before (R12).

    Where no second `Date` bears out the first one, the later of this clock and the local one is now.
    """
    api_clock = visit.instance.api_clock
    now = visit.heard(row) or api_clock.now()
    if not api_clock.is_borne_out:
        now = max(now, int(visit.instance.clock.now()))
    is_noted = row.frozen is not None or row.first_seen_generation == visit.instance.generation.current().number
    seen_at = row.first_seen_at if is_noted else None
    return seen_at if seen_at is not None and seen_at <= now + NEAR_S else now


def generation_of(visit: Visit, row: Row) -> Generation:
    """The store's generation, with its start if a `Date` was heard since this instance knows it."""
    generation, heard = visit.instance.generation.current(), visit.heard(row)
    if generation.number == 1 or heard is None or not visit.instance.api_clock.is_borne_out:
        return generation
    return visit.instance.generation.started(generation, heard)


def note_first_look(visit: Visit, row: Row) -> Row:
    """Note in the row the API's time of the first look at it since it needs an operator, and return the row.

    A call that the row does not know of was signed before that look (R9). Callers go on asking meanwhile, so the row
    may have grown.
    """
    for _ in range(SWAPS_MAX):
        noted_at = first_look(visit, row)
        if not may_be_released(visit, row) or row.first_seen_at == noted_at:
            return row
        generation = visit.instance.generation.current().number
        marked = visit.fitted(row.changed(first_seen_at=noted_at, first_seen_generation=generation))
        if visit.instance.ledger.swap(visit.group, marked, {}):
            return marked
        visit.instance.clock.sleep(visit.backoff.jittered(CONTENTION_S))
        row = stored(visit)
    raise TooManyCalls("too many others change this group at once")


def stored(visit: Visit) -> Row:
    """The group's row; BadInput where there is none."""
    row = visit.instance.ledger.load(visit.group)
    if row is None:
        raise BadInput("GroupId", "is not known: nothing was ever accepted for this group")
    return row


def see(visit: Visit, row: Row) -> tuple[Observation, bool]:
    """The counters now, and whether the group is gone; then its receipt reads like one that was never made.

    The row goes in without its attempt, so that this look cannot move a frozen row.
    """
    settled = replace(row, attempt=None)
    while visit.may_call():
        heard = visit.heard(row)
        follows = conclude.see(visit, settled, keys=())
        if isinstance(follows, Observation):
            if visit.calls.is_dated and not visit.instance.api_clock.is_borne_out:
                # What is first seen now is stamped by a second `Date` (R12).
                continue
            return replace(follows, receipt=_of_all(follows.receipt, heard)), False
        if visit.group_is_gone:
            nothing = CounterReading({}, later=True, at=visit.instance.api_clock.now())
            return Observation(ReceiptReading(0, heard), nothing), True
        if isinstance(follows, Row | Stop) or not visit.wait(follows.after_s):
            break
    raise unreadable(visit)


def _of_all(receipt: ReceiptReading, heard: int | None) -> ReceiptReading:
    """The reading as evidence on the attempt too: the look was made without it."""
    return ReceiptReading(receipt.value, certain(heard, receipt.asked_after, 0))


def unreadable(visit: Visit) -> NotAccepted:
    """Why the counters could not be read: the vendor refuses the app, or the time was too short."""
    refusal = visit.instance.breaker.refusal()
    if refusal is not None:
        return AppRefused(refusal.code, refusal.info, visit.instance.breaker.retry_after_s())
    return NotAccepted("the group's counters could not be read in the time that there is")
