"""Delete the rows of groups that are gone, once no answer of theirs is kept any more (R11).

A rejection by a group that is gone marks its row (`GONE`). When the record of it has ended, the vendor is asked once
more: the row is deleted if the group is still gone, and loses the mark if it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.known_keys import GONE, gone_since, of_counters
from handler.core.model.row import Group, Row
from handler.core.ports.system import group_failed
from handler.core.protocol.first_use import refused_before
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from handler.core.state.transitions import is_blank

# So many groups are looked at in a sweep, most of them by three reads.
LOOKED_AT_MAX = 50

# Once all have been looked at, they are listed again so much later, or sooner where answers are kept for hours alone.
EVERY_S = 3600.0
TIMES_A_WINDOW = 10


def long_gone(instance: Instance, app: int, deadline: float) -> Iterator[Visit]:
    """A visit to each group of a page of those that have been gone for long enough, while calls may be made."""
    budget = TimeBudget(until=deadline, deadline=deadline, wait_max_s=0.0)
    for group_id in _page(instance, app):
        if not instance.may_call(budget, 0.0) or instance.breaker.refusal() is not None:
            return
        instance.swept_to.gone_to = group_id
        yield Visit(instance, Group(app, group_id), budget)


def _page(instance: Instance, app: int) -> Sequence[str]:
    swept_to, now = instance.swept_to, instance.clock.monotonic()
    if now < swept_to.gone_at:
        return ()
    try:
        kept_s = _kept_s(instance, app)
        by = int(instance.api_clock.now() - kept_s)
        page = instance.ledger.groups_with_key(app, GONE, by, LOOKED_AT_MAX, after=swept_to.gone_to)
    except (NotAccepted, OutcomeUnknown):
        # The next sweep asks again.
        return ()
    if not page:
        swept_to.gone_to, swept_to.gone_at = "", now + min(EVERY_S, kept_s / TIMES_A_WINDOW)
    return page


def _kept_s(instance: Instance, app: int) -> float:
    """How long a group has to have been gone: until its last record has ended, and no less than a memory is kept.

    A second and the guard come on top, as wherever it matters that a record has ended by every clock.
    """
    return max(instance.windows.longest(app), instance.rules.forget_s) + instance.rules.guard_s + 1


def expire(visit: Visit) -> None:
    """Delete the group's row if it may be deleted. What cannot be found out now, a later sweep finds out."""
    try:
        row = visit.instance.ledger.load(visit.group)
        if row is not None and _may_expire(visit, row):
            _look(visit, row)
    except (NotAccepted, OutcomeUnknown):
        return
    except Exception as error:  # noqa: BLE001  # an unforeseen error stays with its group
        group_failed(visit.instance.reporter, error, group=visit.group.id)


def _may_expire(visit: Visit, row: Row) -> bool:
    """Whether the row says no more than that its group is gone, and this life of the ledger has written it (R10)."""
    is_current = row.generation == visit.instance.generation.current().number
    return is_blank(row) and is_current and gone_since(row.keys) is not None and not visit.is_paused(None)


def _look(visit: Visit, row: Row) -> None:
    """Delete the row in this very version if the group is still gone, by the `Date` of the reply that says so (R12)."""
    ended_at = (gone_since(row.keys) or 0) + _kept_s(visit.instance, visit.group.app)
    refusal = refused_before(visit)
    if refusal is not None and refusal.date is not None and ended_at <= refusal.date:
        visit.instance.ledger.delete(visit.group, row.version)
    elif visit.first_look is not None:
        visit.put(row.changed(keys=of_counters(row.keys)))
