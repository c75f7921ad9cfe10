"""What an operator is shown of a group, and the look at its counters that every decision begins with."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from handler.core.errors import AppRefused, BadInput, NotAccepted, TooManyCalls
from handler.core.model.row import Row
from handler.core.ports.ledger import Generation
from handler.core.protocol import conclude
from handler.core.protocol.conclude import Observation
from handler.core.protocol.visit import CONTENTION_S, Stop, Visit
from handler.core.protocol.waiting import waiting
from handler.core.recovery.verdicts import all_dead_at, to_be_judged
from handler.core.runtime.api_clock import NEAR_S
from handler.core.runtime.memory import CallFailure
from handler.core.state.merge import Values
from handler.core.state.receipts import ReceiptReading, ReceiptVerdict, certain, judge
from handler.core.state.transitions import CounterReading

# How often a lost compare-and-swap is tried again: callers may go on asking for operations of a frozen group.
SWAPS_MAX = 30


class Inspection(msgspec.Struct, frozen=True):
    """A row, the group's counters upstream or why there are none, and what the receipt proves about the row.

    `waits_for` says in words what a group that is not frozen waits for, and `ready_in_s` how long at least. Of a group
    that is frozen, or that an operator may release, `ready_in_s` is how long something of its past may still land: no
    verdict is worth anything before. `last_failure` is the last failed call of the instance that looked, in any group.
    """

    row: Row
    generation: Generation
    to_be_judged: tuple[str, ...]
    ready_in_s: float = 0.0
    waits_for: str | None = None
    values: Values = {}
    missing: str | None = None
    verdict: ReceiptVerdict | None = None
    last_failure: CallFailure | None = None


def inspect(visit: Visit) -> Inspection:
    """Look, and change nothing, but that the first look at a group that needs an operator is noted in its row."""
    row, generation = stored(visit), visit.instance.generation.current()
    needed = to_be_judged(row, generation.number)
    try:
        see(visit, row)
        # Judged by the second look, because the first one may be the first to hear the API's clock (R4 b).
        observed, gone = see(visit, row)
    except NotAccepted as error:
        failure = visit.instance.failures.last
        return Inspection(row, generation, needed, *_ready(visit, row), missing=error.problem, last_failure=failure)
    rules = visit.instance.rules
    row = sighted(visit, row)
    verdict = judge(row, observed.receipt, rules.bound_of(row.attempt) if row.attempt else 0)
    missing = "the group does not exist" if gone else None
    shown = Inspection(row, generation, needed, *_ready(visit, row), observed.counters.values, missing, verdict)
    return replace(shown, last_failure=visit.instance.failures.last)


def _ready(visit: Visit, row: Row) -> tuple[float, str | None]:
    """How long a verdict, or the group, has to wait at least, and what for."""
    found = waiting(visit, row) if row.frozen is None else None
    for_what = found.for_what if found else None
    if not may_be_released(visit, row):
        return (found.left_s if found else 0.0), for_what
    return max(decidable_at(visit, row) - visit.instance.api_clock.now(), 0.0), for_what


def decidable_at(visit: Visit, row: Row) -> float:
    """The API time from which an operator's verdict on the group is worth something."""
    instance = visit.instance
    generation, now = generation_of(visit, row), instance.api_clock.now()
    return all_dead_at(row, first_look(visit, row), generation, instance.rules, now)


def may_be_released(visit: Visit, row: Row) -> bool:
    """Whether an operator may decide: of a frozen group, and of one that may wait for a `Date` or a time for ever."""
    if row.frozen is not None:
        return True
    found = waiting(visit, row)
    return found is not None and found.lasts


def first_look(visit: Visit, row: Row) -> int:
    """The API's time of the first look at a group that needs an operator: now, if there was none (R12)."""
    now = visit.heard(row) or visit.instance.api_clock.now()
    is_noted = row.frozen is not None or row.first_seen_generation == visit.instance.generation.current().number
    seen_at = row.first_seen_at if is_noted else None
    return seen_at if seen_at is not None and seen_at <= now + NEAR_S else now


def generation_of(visit: Visit, row: Row) -> Generation:
    """The store's generation, with its start where a `Date` was heard since it was known."""
    generation, heard = visit.instance.generation.current(), visit.heard(row)
    if generation.number == 1 or heard is None:
        return generation
    return visit.instance.generation.started(generation, heard)


def sighted(visit: Visit, row: Row) -> Row:
    """The row, with the API's time of the first look at it since it needs an operator.

    What the row does not know was signed before that look, if it was at all (R9). Callers go on asking meanwhile, so
    the row may have grown.
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
    """The counters now, and whether the group is gone, and all that was in it: then its receipt is as one never made.

    Without its attempt the row is only read by: a frozen row must not move by what is seen here.
    """
    settled = replace(row, attempt=None)
    while visit.may_call():
        heard = visit.heard(row)
        follows = conclude.see(visit, settled, keys=())
        if isinstance(follows, Observation):
            return replace(follows, receipt=_of_all(follows.receipt, heard)), False
        if visit.group_is_gone:
            return Observation(
                ReceiptReading(0, heard), CounterReading({}, later=True, at=visit.instance.api_clock.now())
            ), True
        if isinstance(follows, Row | Stop) or not visit.pause(follows.after_s):
            break
    raise unreadable(visit)


def _of_all(sight: ReceiptReading, heard: int | None) -> ReceiptReading:
    """The sight as one that judges the attempt as well, without which it was had."""
    return ReceiptReading(sight.value, certain(heard, sight.asked_after, 0))


def unreadable(visit: Visit) -> NotAccepted:
    """Why no look was had: the vendor's refusal of the app, or too little time."""
    refusal = visit.instance.breaker.refusal()
    if refusal is not None:
        return AppRefused(refusal.code, refusal.info, visit.instance.breaker.retry_after_s())
    return NotAccepted("the group's counters could not be read in the time that there is")
