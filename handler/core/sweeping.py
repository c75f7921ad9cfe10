"""Finish what was accepted and not finished, and look after what may still land late (R8, R11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from handler.core import judging, transitions
from handler.core.driving import drive
from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.instance import Instance, Patience
from handler.core.notices import Notice, group_failed
from handler.core.rows import Group, Row
from handler.core.visit import Next, Stop, Visit

# Groups asked for at a time.
PAGE = 100

# A round that had to leave something waiting is followed by another one after this long.
ROUND_S = 0.25

# Late landings are looked for at intervals that double from this one.
WATCH_MIN_S = 60.0


# Groups that wait for something are met again in the same sweep, as far as memory goes; the others in the next one.
WAITING_MAX = 1000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many groups a sweep met, and how many of them it had to leave unfinished.

    `after` is the id to go on from, where the time was up before all were met, or where the list of them failed.
    """

    groups: int
    left: int
    after: str | None = None
    failure: Exception | None = None


class SideBySide(Protocol):
    """Does the same for every visit, perhaps several at a time; the answers are in the order of the visits."""

    def __call__(self, visits: Sequence[Visit], tend: Callable[[Visit], bool], /) -> list[bool]:
        """Do it."""
        ...


def one_by_one(visits: Sequence[Visit], tend: Callable[[Visit], bool]) -> list[bool]:
    """Without any threads."""
    return [tend(visit) for visit in visits]


def sweep(instance: Instance, app: int, deadline: float, after: str, side_by_side: SideBySide = one_by_one) -> Swept:
    """Visit the unfinished groups page by page, then, round after round, those that still wait, until the deadline.

    It begins after the id given, and goes round once. No visit waits by itself: a group whose attempt is not dead yet,
    or may not open yet, is met again in the first round in which it is.
    """
    patience = Patience(until=deadline, deadline=deadline, pause_max_s=0.0)
    waiting: list[Visit] = []
    met = left = 0
    met_to = after
    pages = _Pages(instance, app, after)
    for page in pages:
        if not _has_time(instance, deadline):
            # What is met for the second time need not be handed over.
            reached: str | None = met_to
            break
        visits = [Visit(instance, Group(app, group_id), patience) for group_id in page]
        waiting += _unsettled(visits, side_by_side)
        left += max(0, len(waiting) - WAITING_MAX) + sum(visit.stopped is not None for visit in visits)
        met, met_to, waiting = met + len(page), page[-1], waiting[:WAITING_MAX]
    else:
        reached = None if pages.failure is None else met_to
    while waiting and _has_time(instance, deadline, ROUND_S):
        instance.clock.sleep(ROUND_S)
        now = instance.clock.monotonic()
        due = [visit for visit in waiting if visit.resumes_at <= now]
        waiting = [visit for visit in waiting if visit.resumes_at > now] + _unsettled(due, side_by_side)
        left += sum(visit.stopped is not None for visit in due)
    return Swept(met, left + len(waiting), reached, pages.failure)


class _Pages:
    """Pages of unfinished groups. A list that fails ends them and is kept: what was met goes on without the rest."""

    def __init__(self, instance: Instance, app: int, after: str) -> None:
        self.failure: Exception | None = None
        self._listed = _listed(instance, app, after)

    def __iter__(self) -> Iterator[Sequence[str]]:
        try:
            yield from self._listed
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised when the others have been tended
            self.failure = error


def _listed(instance: Instance, app: int, after: str) -> Iterator[Sequence[str]]:
    """The groups after an id, then those up to it."""
    last = after
    while page := instance.ledger.unfinished(app, PAGE, after=last):
        yield page
        last = page[-1]
    last = ""
    while after and (page := instance.ledger.unfinished(app, PAGE, after=last)):
        head = [group_id for group_id in page if group_id <= after]
        if head:
            yield head
        if len(head) < len(page):
            return
        last = page[-1]


def _has_time(instance: Instance, deadline: float, more_s: float = 0.0) -> bool:
    return instance.clock.monotonic() + more_s + instance.call_s < deadline


def _unsettled(visits: Sequence[Visit], side_by_side: SideBySide) -> list[Visit]:
    """Tend every group; those that this sweep has to meet again."""
    done = side_by_side(visits, _tend)
    return [visit for visit, is_done in zip(visits, done, strict=True) if not is_done]


def _tend(visit: Visit) -> bool:
    """Take one group as far as it goes without waiting; True when this sweep need not come again."""
    try:
        return _go_on(visit)
    except (NotAccepted, OutcomeUnknown) as error:
        # One group that cannot be reached does not hold up the others; the next sweep meets it again.
        visit.instance.reporter.report(Notice.UNFINISHED, group=visit.group.id, reason=str(error))
    except Exception as error:  # noqa: BLE001  # whatever it is, it stays with its group
        group_failed(visit.instance.reporter, error, group=visit.group.id)
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
