"""Forget a group: what is on record of it, then its row, where nothing is owed and nothing may still land (R11)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import islice

import msgspec

from handler.core.errors import BadInput, NotAccepted, TooManyCalls
from handler.core.model.known_keys import of_counters
from handler.core.model.row import Remembered, Row
from handler.core.ports.remains import Remain
from handler.core.protocol.visit import Visit
from handler.core.state.receipts import death

# So many are deleted between two looks at the time.
AT_ONCE = 100

_REMEMBERED = (
    "answers of this group are still kept: an operation that its caller, or its stream, repeats would be counted a "
    "second time. Wait until all have ended, or give even_remembered if no caller repeats any"
)


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What a group leaves behind, or what of it has been deleted.

    Of `remembered`, records and watermarks, the window has not passed; the last one ends at `until`, in seconds since
    1970. `obstacle` says why the group may not be forgotten. What is not `complete` was cut short by the time.
    """

    row: bool
    known_keys: int
    records: int
    watermarks: int
    remembered: int
    until: float
    obstacle: str | None
    complete: bool


@dataclasses.dataclass(slots=True)
class _Tally:
    """Records and watermarks as they are met."""

    records: int = 0
    watermarks: int = 0
    remembered: int = 0
    until: float = 0.0
    complete: bool = True

    def add(self, remain: Remain, *, is_remembered: bool) -> None:
        self.records += not remain.is_watermark
        self.watermarks += remain.is_watermark
        self.remembered += is_remembered
        self.until = max(self.until, remain.expires_at) if is_remembered else self.until

    def told(self, row: Row | None, obstacle: str | None = None) -> Forgotten:
        known_keys = len(of_counters(row.keys)) if row is not None else 0
        return Forgotten(row=row is not None, known_keys=known_keys, obstacle=obstacle, **dataclasses.asdict(self))


def preview(visit: Visit, *, even_remembered: bool) -> Forgotten:
    """Count what forgetting would delete, and say what stands in its way. Nothing is changed."""
    row, tally = visit.instance.ledger.load(visit.group), _Tally()
    for remain in visit.instance.ledger.remains(visit.group).listed():
        if not _has_time(visit):
            tally.complete = False
            break
        tally.add(remain, is_remembered=_is_remembered(visit, remain))
    obstacle = _obstacle(visit, row)
    if obstacle is None and tally.remembered and not even_remembered:
        obstacle = _REMEMBERED
    return tally.told(row, obstacle)


def forget(visit: Visit, *, even_remembered: bool) -> Forgotten:
    """Delete records and watermarks, then the row in the version that was looked at. BadInput where it may not be.

    What is written between the two looks has moved the row, so that it stays.
    """
    ledger = visit.instance.ledger
    row = ledger.load(visit.group)
    obstacle = _obstacle(visit, row)
    if obstacle is not None:
        raise BadInput("GroupId", obstacle)
    if not even_remembered:
        _check_ended(visit)
    tally = _Tally()
    for page in _pages(ledger.remains(visit.group).listed()):
        if not _has_time(visit):
            tally.complete = False
            return tally.told(None)
        # An answer that was given since the check is no one's to forget.
        ending = [remain for remain in page if even_remembered or not _is_remembered(visit, remain)]
        for remain in ending:
            tally.add(remain, is_remembered=_is_remembered(visit, remain))
        ledger.remains(visit.group).forget(ending)
    if row is not None and not ledger.delete(visit.group, row.version):
        raise TooManyCalls("the group was called for meanwhile, and its row stays: stop its callers, and ask again")
    return tally.told(row)


def _check_ended(visit: Visit) -> None:
    for remain in visit.instance.ledger.remains(visit.group).listed():
        if _is_remembered(visit, remain):
            raise BadInput("even_remembered", _REMEMBERED)
        if not _has_time(visit):
            raise NotAccepted("there is too little time to look at all that is on record of the group")


def _pages(remains: Iterator[Remain]) -> Iterator[list[Remain]]:
    while page := list(islice(remains, AT_ONCE)):
        yield page


def _has_time(visit: Visit) -> bool:
    return visit.instance.clock.monotonic() < visit.budget.until


def _is_remembered(visit: Visit, remain: Remain) -> bool:
    """Whether its window has not passed by any clock that tells a source how old an operation is."""
    return remain.expires_at + visit.instance.rules.guard_s + 1 > visit.instance.api_clock.now()


def _obstacle(visit: Visit, row: Row | None) -> str | None:
    """Why the row may not be forgotten, and what to do; None if it may."""
    if row is None:
        return None
    if row.frozen is not None:
        return f"is frozen, because {row.frozen}: release or adopt it first ({len(row.owed)} operations are owed)"
    if row.paused is not None:
        return f"is paused: resume it first, and let the sweep finish what is owed ({len(row.owed)} operations)"
    if row.attempt is not None:
        return "has a call under way, which may still land: wait until the sweep has finished it"
    if row.queue:
        return f"is owed {len(row.queue)} operations: wait until the sweep has finished them"
    if row.debt:
        return "is owed back what has landed in excess: wait until the sweep has paid it"
    if row.notes:
        return f"has {len(row.notes)} rejections that are still to be parked: wait until the sweep has parked them"
    if row.generation < visit.instance.generation.current().number:
        return "has a row from before the ledger was restored: adopt or release it first"
    return _of_memory(visit, row) if row.remembered else None


def _of_memory(visit: Visit, row: Row) -> str:
    rules = visit.instance.rules

    def kept_until(past: Remembered) -> float:
        return death(past.attempt, rules.bound_of(past.attempt)) + (0.0 if past.refused else rules.forget_s)

    left_s = visit.instance.api_clock.left_s(max(map(kept_until, row.remembered)))
    return f"remembers a lost call, which might be seen to land: ask again in {left_s:.0f} s, after the next sweep"
