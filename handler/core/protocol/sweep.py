"""Finish what was accepted and not finished, and look after what may still land late (R8, R11)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.row import Group, Row
from handler.core.ports.schedules import Hold, Schedule
from handler.core.ports.system import Notice, group_failed, naming
from handler.core.protocol import conclude
from handler.core.protocol.drive import drive
from handler.core.protocol.expire import expire, long_gone
from handler.core.protocol.visit import Again, Next, Stop, Visit
from handler.core.protocol.waiting import waiting
from handler.core.runtime.api_clock import NEAR_S
from handler.core.runtime.instance import Instance, TimeBudget
from handler.core.state import transitions

# Groups asked for at a time.
PAGE = 100

# After a round that leaves groups waiting, the next one follows this much later.
ROUND_S = 0.25

# Late landings are looked for at intervals that double from this one.
WATCH_MIN_S = 60.0

# This many groups that wait for something are visited again in the same sweep, the others in the next one.
WAITING_MAX = 1000

# A round through all groups that takes longer than this is behind: until it has caught up, nothing is accepted that
# another worker would have to call. Each sweep renews the hold, and without a sweep it ends.
BEHIND_S = 120.0
HELD_S = 90.0


# What ends no sweep at its last look at a group: no answer of the ledger, or a row that cannot be read.
_NEXT_TIME = (NotAccepted, OutcomeUnknown, ValueError)


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """How many groups a sweep visited, and how many of them it left unfinished.

    `after` is the id to go on from, if the time was up before all were visited, or their list failed; then a group that
    was not visited may have waited for its call for as long as `oldest_s`.
    """

    groups: int
    left: int
    after: str | None = None
    failure: Exception | None = None
    oldest_s: float = 0.0


SideBySide: TypeAlias = Callable[[Iterable[Visit], Callable[[Visit], None]], None]
"""Tends every visit, perhaps several at a time, and takes each one only when it gets to it."""


def one_by_one(visits: Iterable[Visit], tend: Callable[[Visit], None]) -> None:
    """Tend one visit after the other, without threads."""
    for visit in visits:
        tend(visit)


def sweep(instance: Instance, app: int, deadline: float, after: str, side_by_side: SideBySide = one_by_one) -> Swept:
    """Visit the unfinished groups page by page, then, round after round, those that still wait, until the deadline.

    It begins after the id given, and goes round once. A visit waits only for its turn: a group whose attempt is not yet
    dead, or may not open yet, is visited again in the first round in which it is.
    """
    course = _Course(instance, app, deadline)
    if instance.swept_to.since is None:
        instance.swept_to.since = instance.api_clock.moment()
    side_by_side(course.visits(after), course.tend)
    side_by_side(long_gone(instance, app, deadline), expire)
    while course.waiting and _has_time(instance, deadline, ROUND_S):
        instance.clock.sleep(ROUND_S)
        if due := course.due():
            side_by_side(due, course.tend)
    for visit in course.waiting:
        with suppress(*_NEXT_TIME):
            _report_what_lasts(visit)
    if failed := [visit for visit in (*course.left, *course.waiting) if visit.calls.trouble is not None]:
        side_by_side(failed, _keep_trouble)
    left = len(course.left) + len(course.waiting)
    behind_s = _behind_s(instance, app, is_over=course.reached is None)
    return Swept(groups=course.met, left=left, after=course.reached, failure=course.failure, oldest_s=behind_s)


def _behind_s(instance: Instance, app: int, *, is_over: bool) -> float:
    """How long the round through all groups has lasted so far. One that lasts too long holds acceptances up (R14)."""
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
    """One sweep's way through the groups, which several workers share, each with one visit at a time."""

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
        budget = TimeBudget(until=self._deadline, deadline=self._deadline, wait_max_s=0.0)
        self.reached = after
        pages = _Pages(self._instance, self._app, after)
        for page in pages:
            for group_id in page:
                if not _has_time(self._instance, self._deadline):
                    # The next sweep goes on from here.
                    return
                self.met, self.reached = self.met + 1, group_id
                yield Visit(self._instance, Group(self._app, group_id), budget)
        self.failure = pages.failure
        self.reached = self.reached if pages.failure else None

    def due(self) -> list[Visit]:
        """The visits whose wait is over."""
        now = self._instance.clock.monotonic()
        waited, self.waiting = self.waiting, deque(visit for visit in self.waiting if visit.resumes_at > now)
        return [visit for visit in waited if visit.resumes_at <= now]

    def tend(self, visit: Visit) -> None:
        """Move a group on as far as possible, and keep it for another round if that is worth it."""
        is_over = _tend(visit)
        if not is_over and len(self.waiting) < WAITING_MAX:
            self.waiting.append(visit)
        elif not is_over or visit.stopped:
            self.left.append(visit)


class _Pages:
    """Pages of unfinished groups. A failure of their list is kept for later, so that the listed groups go on."""

    def __init__(self, instance: Instance, app: int, after: str) -> None:
        self.failure: Exception | None = None
        self._listed = _listed(instance, app, after)

    def __iter__(self) -> Iterator[Sequence[str]]:
        try:
            yield from self._listed
        except Exception as error:  # noqa: BLE001  # raised once the listed groups are tended
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
    """Move one group on as far as possible without waiting; True if this sweep need not visit it again."""
    visit.cannot_park = False
    try:
        return _go_on(visit)
    except (NotAccepted, OutcomeUnknown) as error:
        # One group that cannot be reached does not hold up the others; the next sweep visits it again.
        visit.report(Notice.UNFINISHED, reason=str(error))
    except Exception as error:  # noqa: BLE001  # an unforeseen error stays with its group
        group_failed(visit.instance.reporter, error, group=visit.group.id)
    visit.stopped = Stop()
    return True


def _report_what_lasts(visit: Visit) -> None:
    """Report a group that may wait for ever (R12)."""
    row = visit.instance.ledger.load(visit.group)
    found = waiting(visit, row) if row is not None and row.frozen is None else None
    if row is not None and found is not None and found.lasts:
        visit.report(Notice.WAITING, waits_for=found.for_what, **naming(entry.id for entry in row.owed))


def _keep_trouble(visit: Visit) -> None:
    """Keep the call that failed with a group that has no account of one yet: operators ask another instance.

    Where an attempt was opened, the writes around it have done so.
    """
    with suppress(*_NEXT_TIME):
        row = visit.instance.ledger.load(visit.group)
        if row is not None and row.has_work and (row.trouble is None or row.trouble.at < row.since):
            visit.put(row.changed())


def _go_on(visit: Visit) -> bool:
    try:
        row = drive(visit, None)
        if visit.frozen or visit.stopped:
            return True
        if row is None:
            return visit.instance.ledger.load(visit.group) is None
        if row.notes:
            # Parking has failed; the next sweep parks what is noted.
            visit.stopped = Stop()
            return True
        # Its attempts are met now, so that one look is enough when it is due.
        visit.heard(row)
        now = visit.instance.api_clock.now()
        if not row.remembered or not visit.may_call() or visit.is_paused(row) or now < next_watch(row, now):
            return True
        follows = watch(visit, row)
        if isinstance(follows, Again) and visit.in_a_row.forbidden:
            # A group that is not to be read keeps what it has in mind, and is asked again at growing intervals.
            follows = _looked_at(visit, row)
    finally:
        visit.turns.end()
    return isinstance(follows, Stop) or (isinstance(follows, Row) and follows.is_settled)


def next_watch(row: Row, now: float) -> float:
    """The API time of the next look for late landings: at first when all are dead, then at growing intervals."""
    last_death = max(past.attempt.signed_at + past.attempt.life_s for past in row.remembered)
    # Only a wrong clock can have noted a look far ahead.
    if row.last_checked_at <= last_death or row.last_checked_at > now + NEAR_S:
        return last_death
    return row.last_checked_at + max(WATCH_MIN_S, row.last_checked_at - last_death)


def watch(visit: Visit, row: Row) -> Next:
    """R11: read the receipt of a settled group again; forget what can no longer land, and correct what did."""
    rules = visit.instance.rules
    observed = conclude.see(visit, row, keys=())
    if isinstance(observed, conclude.Observation) and observed.receipt.asked_after is None:
        # An attempt that this instance has met only now is judged by the next look (R4 b).
        observed = conclude.see(visit, row, keys=())
    if isinstance(observed, conclude.Observation):
        if observed.receipt.value != row.base:
            return conclude.conclude(visit, row, observed)
        row = transitions.forgotten(row, observed.receipt.asked_after, rules.bound_of, rules.forget_s)
    elif visit.group_is_gone:
        # Nothing can land in a group that is gone: only the death of its attempts is waited for.
        row = transitions.forgotten(row, visit.heard(row), rules.bound_of, forget_s=0)
        if transitions.is_void(row) and visit.instance.ledger.delete(visit.group, row.version):
            return Stop()
    else:
        return observed
    return _looked_at(visit, row)


def _looked_at(visit: Visit, row: Row) -> Next:
    return visit.put(row.changed(last_checked_at=visit.heard(row) or row.last_checked_at))
