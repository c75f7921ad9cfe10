"""Finish what was accepted and not finished, and look after what may still land late (R8, R11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handler.core import judging, transitions
from handler.core.driving import drive
from handler.core.errors import LedgerUnavailable, OutcomeUnknown
from handler.core.instance import Instance, Patience
from handler.core.notices import Notice
from handler.core.rows import Group, Row
from handler.core.visit import Next, Stop, Visit

# Groups asked for at a time.
PAGE = 100

# A round that had to leave something waiting is followed by another one after this long.
ROUND_S = 0.25

# Late landings are looked for at intervals that double from this one.
WATCH_MIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Swept:
    """How many groups a sweep met, and how many of them it had to leave unfinished."""

    groups: int
    left: int


def sweep(instance: Instance, app: int, deadline: float) -> Swept:
    """Visit every unfinished group, then, round after round, those that still wait, until the deadline is near.

    No visit waits by itself: a group whose attempt is not dead yet is met again in the next round.
    """
    patience = Patience(until=deadline, deadline=deadline, pause_max_s=0.0)
    visits = [Visit(instance, Group(app, group_id), patience) for group_id in _unfinished(instance, app)]
    waiting = [visit for visit in visits if not _tend(visit)]
    while waiting and instance.clock.monotonic() + ROUND_S + instance.call_s < deadline:
        instance.clock.sleep(ROUND_S)
        waiting = [visit for visit in waiting if not _tend(visit)]
    return Swept(len(visits), len(waiting) + sum(visit.stopped is not None for visit in visits))


def _unfinished(instance: Instance, app: int) -> Iterator[str]:
    page = instance.ledger.unfinished(app, PAGE)
    while page:
        yield from page
        page = instance.ledger.unfinished(app, PAGE, after=page[-1])


def _tend(visit: Visit) -> bool:
    """Take one group as far as it goes without waiting; True when this sweep need not come again."""
    try:
        return _go_on(visit)
    except (LedgerUnavailable, OutcomeUnknown) as error:
        # One group that cannot be reached does not hold up the others; the next sweep meets it again.
        visit.instance.reporter.report(Notice.UNFINISHED, group=visit.group.id, reason=str(error))
        visit.stopped = Stop()
        return True


def _go_on(visit: Visit) -> bool:
    drive(visit, None)
    if visit.frozen or visit.stopped:
        return True
    row = visit.instance.ledger.load(visit.group)
    if row is None or not row.is_settled:
        return row is None
    if not row.remembered or not visit.may_call() or visit.instance.api_clock.now() < next_watch(row):
        return True
    follows = watch(visit, row)
    return isinstance(follows, Stop) or (isinstance(follows, Row) and follows.is_settled)


def next_watch(row: Row) -> float:
    """The API time of the next look for late landings: at first when all are dead, then at growing intervals."""
    last_death = max(past.attempt.time + past.attempt.life for past in row.remembered)
    if row.looked <= last_death:
        return last_death
    return row.looked + max(WATCH_MIN_S, row.looked - last_death)


def watch(visit: Visit, row: Row) -> Next:
    """R11: read the receipt of a settled group once more; forget what can no longer land, correct what did."""
    rules, api_clock = visit.instance.rules, visit.instance.api_clock
    evidence = judging.see(visit, row, keys=())
    if isinstance(evidence, judging.Evidence):
        if evidence.sight.value != row.base:
            return judging.conclude(visit, row, evidence)
        row = transitions.forgotten(row, evidence.sight.asked_after, rules.bound_of, rules.forget_s)
    elif visit.group_is_gone:
        # The group is gone, and nothing can land in it: no more than the death of the attempts is waited for.
        row = transitions.forgotten(row, api_clock.latest, rules.bound_of, forget_s=0)
    else:
        return evidence
    return visit.put(row.changed(looked=api_clock.now()))
