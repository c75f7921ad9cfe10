"""How an operator stops the calls, and lets them go on: of one group by its row, of all by the generation (R15)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from handler.core.errors import AnswerLost, TooManyCalls
from handler.core.model.row import Pause, Row
from handler.core.operator.inspect import SWAPS_MAX
from handler.core.protocol.visit import CONTENTION_S, Visit
from handler.core.runtime.instance import Instance
from handler.core.state.transitions import is_void


class Paused(msgspec.Struct, frozen=True):
    """The pause that is in force now, if any, and whether the task has `changed` that."""

    pause: Pause | None
    changed: bool


def pause_all(instance: Instance, reason: str) -> Paused:
    """Accept what comes for any group, and send nothing, from now on. A pause that stands takes the new reason."""
    standing = instance.generation.read().paused
    pause = _in_place_of(standing, reason, instance)
    if pause is None:
        return Paused(standing, changed=False)
    return Paused(instance.generation.pause(pause).paused, changed=True)


def resume_all(instance: Instance) -> Paused:
    """Send again what is owed to all groups that have no pause of their own."""
    if instance.generation.read().paused is None:
        return Paused(None, changed=False)
    return Paused(instance.generation.pause(None).paused, changed=True)


def _in_place_of(standing: Pause | None, reason: str, instance: Instance) -> Pause | None:
    """The pause to write: it began when the one that stands did. None if that has the same reason."""
    if standing is None:
        return Pause(instance.api_clock.now(), reason)
    return None if standing.reason == reason else Pause(standing.since, reason)


def pause_group(visit: Visit, reason: str) -> Paused:
    """Accept what comes for the group, and send nothing, from now on. A pause that stands takes the new reason."""

    def paused(row: Row | None) -> Row | None:
        pause = _in_place_of(row.paused if row is not None else None, reason, visit.instance)
        if pause is None:
            return None
        return row.changed(paused=pause) if row is not None else replace(visit.new_row(()), paused=pause)

    return _changed(visit, paused)


def resume_group(visit: Visit) -> Paused:
    """Send again what is owed to the group, from now on."""

    def resumed(row: Row | None) -> Row | None:
        return None if row is None or row.paused is None else row.changed(paused=None)

    return _changed(visit, resumed)


def _changed(visit: Visit, change: Callable[[Row | None], Row | None]) -> Paused:
    """Write what `change` makes of the row, round after round: callers may go on asking for the group meanwhile."""
    was_lost = False
    for _ in range(SWAPS_MAX):
        row = visit.instance.ledger.load(visit.group)
        after = change(row)
        if after is None:
            return Paused(row.paused if row is not None else None, changed=was_lost)
        try:
            if _written(visit, row, after):
                return Paused(after.paused, changed=True)
        except AnswerLost:
            was_lost = True  # the row shows whether it was written
        visit.instance.clock.sleep(visit.backoff.jittered(CONTENTION_S))
    raise TooManyCalls("too many others change this group at once")


def _written(visit: Visit, before: Row | None, after: Row) -> bool:
    """Write the row, or delete it where nothing is left in it but what a pause has made."""
    ledger = visit.instance.ledger
    if before is None:
        return ledger.create(visit.group, after)
    if after.base is None and after.first_seen_at is None and is_void(after):
        return ledger.delete(visit.group, before.version)
    return ledger.swap(visit.group, visit.fitted(after), {})
