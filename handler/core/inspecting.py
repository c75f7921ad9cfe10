"""What an operator is shown of a group, and the look at its counters that every decision begins with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from handler.core import judging
from handler.core.decisions import all_dead_at, to_be_judged
from handler.core.errors import AppRefused, BadInput, NotAccepted, TooManyCalls
from handler.core.instance import CallFailure
from handler.core.judging import Evidence
from handler.core.ledger import Generation
from handler.core.receipts import Sight, Verdict, judge
from handler.core.rows import Row
from handler.core.runs import Values
from handler.core.transitions import Seen
from handler.core.visit import CONTENTION_S, Stop, Visit

# How often a lost compare-and-swap is tried again: callers may go on asking for operations of a frozen group.
SWAPS_MAX = 30


@dataclass(frozen=True, slots=True)
class Inspection:
    """A row, the group's counters upstream or why there are none, and what the receipt proves about the row.

    `ready_in_s` is how long something may still land of a frozen group's past: no verdict is worth anything before.
    `last_failure` is that of the instance which looked, whatever the group.
    """

    row: Row
    generation: Generation
    to_be_judged: tuple[str, ...]
    values: Values = field(default_factory=dict)
    missing: str | None = None
    verdict: Verdict | None = None
    ready_in_s: float = 0.0
    last_failure: CallFailure | None = None


def inspect(visit: Visit) -> Inspection:
    """Look, and change nothing, but that the first look at a frozen group is noted in its row."""
    row, generation = stored(visit), visit.instance.generation.current()
    needed = to_be_judged(row, generation.number)
    try:
        see(visit, row)
        # Judged by the second look, because the first one may be the first to hear the API's clock (R4 b).
        evidence, gone = see(visit, row)
    except NotAccepted as error:
        failure = visit.instance.failures.last
        return Inspection(row, generation, needed, missing=error.problem, last_failure=failure)
    rules, api_clock = visit.instance.rules, visit.instance.api_clock
    row = sighted(visit, row)
    verdict = judge(row, evidence.sight, rules.bound_of(row.attempt) if row.attempt else 0)
    missing = "the group does not exist" if gone else None
    left_s = 0.0 if row.sighted is None else all_dead_at(row, row.sighted, generation, rules) - api_clock.now()
    shown = Inspection(row, generation, needed, evidence.seen.values, missing, verdict, max(left_s, 0.0))
    return replace(shown, last_failure=visit.instance.failures.last)


def sighted(visit: Visit, row: Row) -> Row:
    """The row, with the API's time of the first look at it since it froze.

    What the row does not know was signed before that look, if it was at all (R9). Callers go on asking meanwhile, so
    the row may have grown.
    """
    for _ in range(SWAPS_MAX):
        if row.frozen is None or row.sighted is not None:
            return row
        marked = visit.fitted(row.changed(sighted=visit.instance.api_clock.now()))
        if visit.instance.ledger.swap(visit.group, marked, {}):
            return marked
        visit.instance.clock.sleep(visit.waits.jittered(CONTENTION_S))
        row = stored(visit)
    raise TooManyCalls("too many others change this group at once")


def stored(visit: Visit) -> Row:
    """The group's row; BadInput where there is none."""
    row = visit.instance.ledger.load(visit.group)
    if row is None:
        raise BadInput("GroupId", "is not known: nothing was ever accepted for this group")
    return row


def see(visit: Visit, row: Row) -> tuple[Evidence, bool]:
    """The counters now, and whether the group is gone, and all that was in it: then its receipt is as one never made.

    Without its attempt the row is only read by: a frozen row must not move by what is seen here.
    """
    settled = replace(row, attempt=None)
    while visit.may_call():
        asked_after = visit.instance.api_clock.latest
        follows = judging.see(visit, settled, keys=())
        if isinstance(follows, Evidence):
            return follows, False
        if visit.group_is_gone:
            return Evidence(Sight(0, asked_after), Seen({}, later=True, at=visit.instance.clock.now())), True
        if isinstance(follows, Row | Stop) or not visit.pause(follows.after_s):
            break
    raise unreadable(visit)


def unreadable(visit: Visit) -> NotAccepted:
    """Why no look was had: the vendor's refusal of the app, or too little time."""
    refusal = visit.instance.gate.refusal()
    if refusal is not None:
        return AppRefused(refusal.code, refusal.info, visit.instance.gate.retry_after_s())
    return NotAccepted("the group's counters could not be read in the time that there is")
