"""What an operator looks over: how many groups are frozen, paused or unfinished, since when, and a page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest
from typing import TypeAlias

import msgspec

from handler.core.errors import LaterVersion
from handler.core.model.row import Group, Pause, Row, Trouble
from handler.core.operator.dead_letters import DeadLetters
from handler.core.ports.system import Measure, Reporter
from handler.core.protocol.visit import Visit
from handler.core.protocol.waiting import waiting
from handler.core.runtime.instance import Instance, TimeBudget

# Groups listed, and rows read, at a time.
PAGE = 500

# An operation that is owed for longer than this is not on its normal way.
LATE_S = 600.0


class State(str, Enum):
    """What keeps a group from being settled."""

    FROZEN = "frozen"
    PAUSED = "paused"
    WAITING = "waiting"


Place: TypeAlias = tuple[int, int, str]
"""Where a group stands among those that are shown: the frozen first, then the oldest, then by id."""


class Standing(msgspec.Struct, frozen=True):
    """A group that is held, or owes something.

    One whose row was written by a later version is unfinished, or else no list would name it; its `row` here is empty.
    """

    group_id: str
    state: State
    row: Row
    is_readable: bool = True

    @property
    def place(self) -> Place:
        """Its place among the others."""
        return (int(self.state is not State.FROZEN), self.row.since, self.group_id)

    @property
    def trouble(self) -> Trouble | None:
        """The last call that failed, unless it is left over from operations that are settled."""
        trouble, since = self.row.trouble, self.row.since
        if trouble is None or not (self.state is State.FROZEN or (self.row.has_work and trouble.at >= since)):
            return None
        return trouble


def standing_of(group_id: str, row: Row) -> Standing | None:
    """What is to be said of a group; None of one that is settled and at most watched for late landings."""
    if row.frozen is not None:
        return Standing(group_id, State.FROZEN, row)
    if row.paused is not None:
        return Standing(group_id, State.PAUSED, row)
    return None if row.is_settled else Standing(group_id, State.WAITING, row)


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of all groups, and a page of them in the order of their places; `more` follow it.

    `oldest` is the API's time since which the oldest operation of a group that is not frozen is owed. Unless it is
    `complete` the time was too short for every group, and the numbers are `at least`.
    """

    frozen: int = 0
    unfinished: int = 0
    dead_letters: DeadLetters = DeadLetters()
    oldest: int | None = None
    standings: tuple[Standing, ...] = ()
    more: bool = False
    complete: bool = True

    def oldest_s(self, now: float) -> float:
        """The age of the oldest unfinished operation, 0 where there is none."""
        return max(0.0, now - self.oldest) if self.oldest is not None else 0.0

    def numbers(self, now: float) -> dict[str, object]:
        """The numbers as answers have them, and a mark where they are `at least`."""
        return {
            "unfinished": self.unfinished,
            "frozen": self.frozen,
            "parked": self.dead_letters.parked,
            "parked_expiring": self.dead_letters.ending,
            "oldest_unfinished_s": round(self.oldest_s(now), 1),
            **({} if self.complete else {"complete": False}),
        }

    def measure(self, reporter: Reporter, now: float) -> None:
        """Write the gauges, those at 0 too: an alarm on them stays red until the cause is gone."""
        reporter.measure(Measure.FROZEN_GROUPS, self.frozen)
        reporter.measure(Measure.UNFINISHED_GROUPS, self.unfinished)
        self.dead_letters.measure(reporter)
        reporter.measure(Measure.OLDEST_UNFINISHED_S, round(self.oldest_s(now), 1))


@dataclass(slots=True)
class _Tally:
    """Counts groups one after the other, and keeps no more of them than a page."""

    limit: int
    after: Place | None
    is_shown: Callable[[Standing], bool]
    frozen: int = 0
    unfinished: int = 0
    oldest: int | None = None
    next: list[Standing] = field(default_factory=list)

    def take(self, standings: Sequence[Standing]) -> None:
        """Count these groups, and keep those that come first after `after`."""
        for standing in standings:
            self._count(standing)
        shown = filter(self.is_shown, standings)
        coming = [one for one in shown if self.after is None or one.place > self.after]
        self.next = nsmallest(self.limit + 1, [*self.next, *coming], key=lambda one: one.place)

    def _count(self, standing: Standing) -> None:
        if standing.state is State.FROZEN:
            self.frozen += 1
        elif not (standing.is_readable and standing.row.is_settled):
            self.unfinished += 1
            owed_since = msgspec.structs.replace(standing.row, paused=None).since
            if owed_since and (self.oldest is None or owed_since < self.oldest):
                self.oldest = owed_since


def look_over(
    instance: Instance,
    app: int,
    until: float,
    *,
    limit: int = 0,
    after: Place | None = None,
    is_shown: Callable[[Standing], bool] = lambda _: True,
) -> Overview:
    """Look at every group that is held or unfinished, as long as the time lasts, and keep a page of `limit` of them.

    `until` is a moment of the monotonic clock. All groups are counted, and the page is of those that are to be shown.
    """
    tally, complete = _Tally(limit, after, is_shown), True
    dead_letters = DeadLetters.of(instance.parked.labels(app), instance.clock.now())
    for ids in _listed(instance, app):
        if instance.clock.monotonic() >= until:
            complete = False
            break
        tally.take(_standings(instance, app, ids))
    return Overview(
        frozen=tally.frozen,
        unfinished=tally.unfinished,
        dead_letters=dead_letters,
        oldest=tally.oldest,
        standings=tuple(tally.next[:limit]),
        more=len(tally.next) > limit > 0,
        complete=complete,
    )


def _standings(instance: Instance, app: int, ids: Sequence[str]) -> list[Standing]:
    """What is to be said of these groups."""
    rows = instance.ledger.rows(app, ids)
    found = [standing_of(group_id, row) for group_id, row in rows.items()]
    found += [_without_row(instance, Group(app, group_id)) for group_id in ids if group_id not in rows]
    return [standing for standing in found if standing is not None]


def _without_row(instance: Instance, group: Group) -> Standing | None:
    """A group of which no row was found: deleted since it was listed, or one whose row cannot be read.

    A later version may have written it, or something is broken that no rule foresees: that stays with its group.
    """
    try:
        row = instance.ledger.load(group)
    except (LaterVersion, ValueError):
        return Standing(group.id, State.WAITING, Row(version=0, generation=0, receipt_key=""), is_readable=False)
    return standing_of(group.id, row) if row is not None else None


def _listed(instance: Instance, app: int) -> Iterator[Sequence[str]]:
    """Pages of the groups that are held, and of those that are unfinished and not held; each group once."""
    met: set[str] = set()
    for listing in (instance.ledger.held, instance.ledger.unfinished):
        after = ""
        while page := listing(app, PAGE, after=after):
            after = page[-1]
            fresh = [group_id for group_id in page if group_id not in met]
            met.update(fresh)
            if fresh:
                yield fresh


def why(instance: Instance, app: int, standing: Standing, of_all: Pause | None) -> str:
    """Why the group is not settled: the reason of its freeze or pause, or what it waits for."""
    row = standing.row
    if not standing.is_readable:
        return "a later version of this function has written its row, and only that can read it"
    if row.frozen is not None:
        return row.frozen
    if row.paused is not None:
        return row.paused.reason
    if not row.has_work:
        return "it waits for its rejections to be parked"
    if of_all is not None:
        return f"it waits for the end of the pause of all groups: {of_all.reason}"
    now = instance.clock.monotonic()
    visit = Visit(instance, Group(app, standing.group_id), TimeBudget(until=now, deadline=now))
    found = waiting(visit, row)
    if found is not None:
        return f"it waits for {found.for_what}"
    if visit.backoff.before_opening_s(row) > 0:
        return "it waits for the end of the interval after calls that were lost"
    if visit.backoff.before_next_call_s(row) > 0:
        return "it waits for the pace of its calls, GROUP_INTERVAL_S"
    return "it waits for the next sweep, or for the next request for this group"


def needs_attention(standing: Standing, now: float) -> bool:
    """Whether a group is held, cannot be read, or owes an operation for so long that something must be wrong."""
    since = standing.row.since
    is_stuck = standing.state is not State.WAITING or not standing.is_readable
    return is_stuck or bool(since and now - since > LATE_S)
