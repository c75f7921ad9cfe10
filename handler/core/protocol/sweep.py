"""Finish what was accepted and not finished, and look after what may still land late (R8, R11)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.row import Group, Row
from handler.core.ports.schedules import Hold, Schedule
from handler.core.ports.system import Notice, group_failed
from handler.core.protocol import conclude
from handler.core.protocol.drive import drive
from handler.core.protocol.visit import Next, Stop, Visit
from handler.core.protocol.waiting import waiting
from handler.core.runtime.api_clock import NEAR_S
from handler.core.runtime.instance import Instance, TimeBudget
from handler.core.state import transitions

# Groups asked for at a time.
PAGE = 100

# A round that had to leave something waiting is followed by another one after this long.
ROUND_S = 0.25

# Late landings are looked for at intervals that double from this one.
WATCH_MIN_S = 60.0


# Groups that wait for something are met again in the same sweep, as far as memory goes; the others in the next one.
WAITING_MAX = 1000

# A round through all groups that has gone on for longer than this is behind: nothing more is accepted that leaves its
# call to the sweep. Each sweep renews that, and without any it ends.
BEHIND_S = 120.0
HELD_S = 90.0


class Swept(msgspec.Struct, frozen=True):
    """How many groups a sweep met, and how many of them it had to leave unfinished.

    `after` is the id to go on from, where the time was up before all were met, or where the list of them failed; then
    one that was not met may have waited for its call for as long as `oldest_s`.
    """

    groups: int
    left: int
    after: str | None = None
    failure: Exception | None = None
    oldest_s: float = 0.0


class SideBySide(Protocol):
    """Does the same for every visit, perhaps several at a time; it takes them as it gets to them."""

    def __call__(self, visits: Iterable[Visit], tend: Callable[[Visit], None], /) -> None:
        """Do it."""
        ...


def one_by_one(visits: Iterable[Visit], tend: Callable[[Visit], None]) -> None:
    """Without any threads."""
    for visit in visits:
        tend(visit)


def sweep(instance: Instance, app: int, deadline: float, after: str, side_by_side: SideBySide = one_by_one) -> Swept:
    """Visit the unfinished groups page by page, then, round after round, those that still wait, until the deadline.

    It begins after the id given, and goes round once. No visit waits but for its turn: a group whose attempt is not
    dead yet, or may not open yet, is met again in the first round in which it is.
    """
    course = _Course(instance, app, deadline)
    if instance.swept_to.since is None:
        instance.swept_to.since = instance.api_clock.moment()
    side_by_side(course.visits(after), course.tend)
    while course.waiting and _has_time(instance, deadline, ROUND_S):
        instance.clock.sleep(ROUND_S)
        if due := course.due():
            side_by_side(due, course.tend)
    for visit in course.waiting:
        _report_what_lasts(visit)
    left = len(course.left) + len(course.waiting)
    behind_s = _behind_s(instance, app, is_over=course.reached is None)
    return Swept(course.met, left, course.reached, course.failure, behind_s)


def _behind_s(instance: Instance, app: int, *, is_over: bool) -> float:
    """How long the round through all groups has gone on without an end; what is too long holds acceptances up (R14)."""
    swept_to, now = instance.swept_to, instance.api_clock.moment()
    behind_s = 0.0 if is_over or swept_to.since is None else now - swept_to.since
    swept_to.since = None if is_over else swept_to.since
    if behind_s > BEHIND_S:
        instance.ledger.hold(Hold(app, Schedule.ACCEPTANCES, now, HELD_S))
    elif swept_to.holds:
        instance.ledger.hold(Hold(app, Schedule.ACCEPTANCES, now, 0.0))
    swept_to.holds = behind_s > BEHIND_S
    return behind_s


class _Course:
    """One sweep's way through the groups: several workers go it together, each a visit at a time."""

    def __init__(self, instance: Instance, app: int, deadline: float) -> None:
        self.met = 0
        self.left: deque[Visit] = deque()
        self.reached: str | None = None
        self.failure: Exception | None = None
        self.waiting: deque[Visit] = deque()
        self._instance = instance
        self._app = app
        self._deadline = deadline

    def visits(self, after: str) -> Iterator[Visit]:
        """A visit to each unfinished group, while there is time."""
        budget = TimeBudget(until=self._deadline, deadline=self._deadline, pause_max_s=0.0)
        self.reached = after
        pages = _Pages(self._instance, self._app, after)
        for page in pages:
            for group_id in page:
                if not _has_time(self._instance, self._deadline):
                    # What is met for the second time need not be handed over.
                    return
                self.met, self.reached = self.met + 1, group_id
                yield Visit(self._instance, Group(self._app, group_id), budget)
        self.failure = pages.failure
        self.reached = self.reached if pages.failure else None

    def due(self) -> list[Visit]:
        """Those that waited and need not wait any longer."""
        now = self._instance.clock.monotonic()
        waited, self.waiting = self.waiting, deque(visit for visit in self.waiting if visit.resumes_at > now)
        return [visit for visit in waited if visit.resumes_at <= now]

    def tend(self, visit: Visit) -> None:
        """Take a group as far as it goes; it is met again if that is worth it."""
        is_over = _tend(visit)
        if not is_over and len(self.waiting) < WAITING_MAX:
            self.waiting.append(visit)
        elif not is_over or visit.stopped:
            self.left.append(visit)


class _Pages:
    """Pages of unfinished groups. A list that fails ends them and is kept: what was met goes on without the rest."""

    def __init__(self, instance: Instance, app: int, after: str) -> None:
        self.failure: Exception | None = None
        self._listed = _listed(instance, app, after)

    def __iter__(self) -> Iterator[Sequence[str]]:
        try:
            yield from self._listed
        except Exception as error:  # noqa: BLE001  # it is raised when the other groups have been tended
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


def _tend(visit: Visit) -> bool:
    """Take one group as far as it goes without waiting; True when this sweep need not come again."""
    visit.cannot_park = False
    try:
        return _go_on(visit)
    except (NotAccepted, OutcomeUnknown) as error:
        # One group that cannot be reached does not hold up the others; the next sweep meets it again.
        visit.instance.reporter.report(Notice.UNFINISHED, group=visit.group.id, reason=str(error))
    except Exception as error:  # noqa: BLE001  # it must not stop the other groups
        group_failed(visit.instance.reporter, error, group=visit.group.id)
    visit.stopped = Stop()
    return True


def _report_what_lasts(visit: Visit) -> None:
    """A group that may wait for ever never does so unseen (R12)."""
    row = visit.instance.ledger.load(visit.group)
    found = waiting(visit, row) if row is not None and row.frozen is None else None
    if found is not None and found.lasts:
        visit.instance.reporter.report(Notice.WAITING, group=visit.group.id, waits_for=found.for_what)


def _go_on(visit: Visit) -> bool:
    try:
        row = drive(visit, None)
        if visit.frozen or visit.stopped:
            return True
        if row is None:
            return visit.instance.ledger.load(visit.group) is None
        if row.notes:
            # The shelf has failed; the next sweep parks what is noted.
            visit.stopped = Stop()
            return True
        # Met now, so that one look is enough when it is due.
        visit.heard(row)
        now = visit.instance.api_clock.now()
        if not row.remembered or not visit.may_call() or now < next_watch(row, now):
            return True
        follows = watch(visit, row)
    finally:
        visit.turns.end()
    return isinstance(follows, Stop) or (isinstance(follows, Row) and follows.is_settled)


def next_watch(row: Row, now: float) -> float:
    """The API time of the next look for late landings: at first when all are dead, then at growing intervals."""
    last_death = max(past.attempt.time + past.attempt.life for past in row.remembered)
    # Only a wrong clock can have noted a look that is far ahead.
    if row.last_checked_at <= last_death or row.last_checked_at > now + NEAR_S:
        return last_death
    return row.last_checked_at + max(WATCH_MIN_S, row.last_checked_at - last_death)


def watch(visit: Visit, row: Row) -> Next:
    """R11: read the receipt of a settled group once more; forget what can no longer land, correct what did."""
    rules = visit.instance.rules
    observed = conclude.see(visit, row, keys=())
    if isinstance(observed, conclude.Observation) and observed.receipt.asked_after is None:
        # What this instance has met only now is judged by the next look (R4 b).
        observed = conclude.see(visit, row, keys=())
    if isinstance(observed, conclude.Observation):
        if observed.receipt.value != row.base:
            return conclude.conclude(visit, row, observed)
        row = transitions.forgotten(row, observed.receipt.asked_after, rules.bound_of, rules.forget_s)
    elif visit.group_is_gone:
        # The group is gone, and nothing can land in it: no more than the death of the attempts is waited for.
        row = transitions.forgotten(row, visit.heard(row), rules.bound_of, forget_s=0)
        if transitions.is_void(row) and visit.instance.ledger.delete(visit.group, row.version):
            return Stop()
    else:
        return observed
    return visit.put(row.changed(last_checked_at=visit.heard(row) or row.last_checked_at))
