"""Whose fault a refusal by 10007 is: the vendor gives it for one group, and for an account that is no admin any more.

In the first case the operation is refused for good, in the second the whole app is, and every operation stays owed.
Only a call in another group tells the two apart (R6).
"""

from __future__ import annotations

from enum import Enum

from handler.core.ports import Counted, Refused
from handler.core.rows import Row
from handler.core.visit import NOT_PERMITTED, Visit


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
    others = landings.latest(visit.group)
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
