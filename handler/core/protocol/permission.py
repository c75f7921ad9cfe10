"""Whose fault a refusal by 10007 is: the vendor gives it for one group, and for an account that is no admin any more.

In the first case the operation is refused for good, in the second the whole app is, and every operation stays owed.
Only a call in another group tells the two apart (R6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Counted, Refused
from handler.core.protocol.visit import NOT_PERMITTED, Visit
from handler.core.runtime.instance import Instance
from handler.core.runtime.memory import LANDINGS_ASKED

# The ledger's note of the groups in which calls have succeeded last, for the instances that have made none yet.
NOTE = "landings"
NOTE_EVERY_S = 600.0


class Blame(Enum):
    """Whom a refusal by 10007 blames."""

    OPERATION = "operation"
    APP = "app"
    UNKNOWN = "unknown"


def blame(visit: Visit, row: Row, *, can_read: bool) -> Blame:
    """Ask whether the account may still call at all, in the groups where a call has succeeded last.

    `can_read`: the group itself could be read after the refusal.
    """
    landings, asked_at = visit.instance.landings, visit.forbidden_at
    if landings.since(asked_at, visit.group):
        return Blame.OPERATION
    others = landings.latest(visit.group) or _noted(visit)
    if not others:
        # A group in which no call has ever succeeded may be of another type; one that has worked was not.
        return (Blame.UNKNOWN if can_read else Blame.APP) if row.keys else Blame.OPERATION
    replies = []
    for group in others:
        reply = visit.read_of(group, (row.receipt_key,) if row.receipt_key else ())
        if isinstance(reply, Counted):
            return Blame.OPERATION
        replies.append(reply)
    forbidden = all(isinstance(reply, Refused) and reply.code == NOT_PERMITTED for reply in replies)
    return Blame.APP if forbidden else Blame.UNKNOWN


def note_landings(instance: Instance, app: int, deadline: float) -> None:
    """Tell the other instances in which groups calls of this one have succeeded, every so often and if there is time.

    What fails is tried again after the next landing: until then, an instance that has made no call yet knows less.
    """
    landings, now = instance.landings, instance.clock.monotonic()
    latest = landings.latest_of(app)
    if not latest or now < landings.noted_until or now + 2 * instance.ledger.timeout_s > deadline:
        return
    try:
        older = [group for group in _read(instance, app) if group not in latest]
        groups = [group.id for group in [*latest, *older]]
        instance.shelf.note(app, NOTE, json.dumps(groups[: LANDINGS_ASKED + 1]))
    except (NotAccepted, OutcomeUnknown):
        return
    landings.noted_until = now + NOTE_EVERY_S


def _noted(visit: Visit) -> Sequence[Group]:
    groups = _read(visit.instance, visit.group.app)
    return [group for group in groups if group != visit.group][:LANDINGS_ASKED]


def _read(instance: Instance, app: int) -> Sequence[Group]:
    return [Group(app, name) for name in json.loads(instance.shelf.noted(app, NOTE) or "[]")]
