"""A refused call: whose fault the refusal is, and what follows from it (R6).

The vendor gives 10007 for one group, and for an account that is no admin any more. In the first case the operation is
refused for good, in the second the whole app is, and every operation stays owed. Only a call in another group tells
the two apart.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from enum import Enum

from msgspec.structs import replace

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.known_keys import of_counters, refused
from handler.core.model.operation import Counters, Mode, key_limit
from handler.core.model.outcome import Rejected
from handler.core.model.row import Attempt, Group, Row
from handler.core.ports.counter_api import Counted, Fault, Refused
from handler.core.ports.system import Notice, naming
from handler.core.protocol.calls import NOT_PERMITTED
from handler.core.protocol.visit import Again, Next, Visit
from handler.core.runtime.instance import Instance
from handler.core.runtime.memory import LANDINGS_ASKED
from handler.core.state import transitions
from handler.core.state.merge import correction_of
from handler.core.state.parting import can_be_parted

# Codes that say that the group, and with it every counter, does not exist.
GROUP_GONE = frozenset({10010, 10015})

# Codes that are the same for whatever is asked of the group, and not for some content alone.
OF_THE_GROUP = GROUP_GONE | {NOT_PERMITTED, 10016}

# A correction is owed by us, and no caller can be asked to repeat it: it gets more than one chance.
CORRECTIONS_REFUSED_MAX = 2

# The ledger's note of the groups in which calls have succeeded last, for the instances that have made none yet.
NOTE = "landings"
NOTE_EVERY_S = 600.0


class Blame(Enum):
    """What a refusal is to blame on."""

    OPERATION = "operation"
    APP = "app"
    UNKNOWN = "unknown"


def blamed(visit: Visit, row: Row, codes: Collection[int], *, can_read: bool) -> Blame:
    """What refusals with these codes are to blame on: 10007 among them takes calls in other groups to find out.

    They go to the groups where a call has succeeded last. `can_read`: the group itself could be read after the refusal.
    """
    if NOT_PERMITTED not in codes:
        return Blame.OPERATION
    landings, asked_at = visit.instance.landings, visit.calls.forbidden_at
    if landings.since(asked_at, visit.group):
        return Blame.OPERATION
    others = landings.latest(visit.group) or _noted(visit)
    if not others:
        # A group in which no call has ever succeeded may be of another type; one that has worked was not.
        return (Blame.UNKNOWN if can_read else Blame.APP) if of_counters(row.keys) else Blame.OPERATION
    replies = []
    for group in others:
        reply = visit.calls.read_of(group, (row.receipt_key,) if row.receipt_key else ())
        if isinstance(reply, Counted):
            return Blame.OPERATION
        replies.append(reply)
    forbidden = all(isinstance(reply, Refused) and reply.code == NOT_PERMITTED for reply in replies)
    return Blame.APP if forbidden else Blame.UNKNOWN


def confirmed(visit: Visit, row: Row, attempt: Attempt, refusal: Refused, *, blame: Blame = Blame.OPERATION) -> Next:
    """The attempt had no effect: split it, reject its one operation, or take it back for a later attempt.

    `blame` matters where the code names the operation; a refusal of another kind names its own fault.
    """
    if blame is Blame.UNKNOWN:
        follows = visit.put(transitions.refused(row))
        return follows if isinstance(follows, Again) else visit.failed_to_send()
    if blame is Blame.APP:
        refusal = dataclasses.replace(refusal, fault=Fault.APP)
    visit.confirm(refusal)
    if refusal.fault is not Fault.OPERATION:
        follows = visit.put(transitions.refused(row))
        return follows if isinstance(follows, Again) else visit.setback(refusal)
    if attempt.correction:
        return _correction_refused(visit, row, attempt.correction, refusal)
    if attempt.is_lift:
        return _lift_refused(visit, row, refusal)
    if len(attempt.entries) > 1:
        return visit.put(transitions.refused(row, split=True))
    if refusal.code not in OF_THE_GROUP and any(map(can_be_parted, attempt.owed)):
        return _parted(visit, row, attempt)
    return _rejected(visit, row, refusal)


def _parted(visit: Visit, row: Row, attempt: Attempt) -> Next:
    """Let what was added up go out piece by piece; a visit that waits for it waits for all of them."""
    follows = visit.put(transitions.parted(row))
    if isinstance(follows, Row) and not visit.wanted.isdisjoint([entry.id for entry in attempt.owed]):
        at = attempt.owed[0].position
        visit.wanted |= {entry.id for entry in follows.queue if entry.position == at}
    return follows


def _lift_refused(visit: Visit, row: Row, refusal: Refused) -> Next:
    """R2: what refuses a lift would refuse the Decrease that comes next, so that Decrease gets the answer.

    Where none comes next any more, because a late landing has settled it, the lift is only closed.
    """
    if row.debt:
        mode, correction = correction_of(row.debt, key_limit(row.receipt_key))
        if mode is Mode.DECREASE:
            return _correction_refused(visit, row, correction, refusal)
    elif row.queue and row.queue[0].mode is Mode.DECREASE:
        return _rejected(visit, row, refusal)
    return visit.put(transitions.refused(row))


def _rejected(visit: Visit, row: Row, refusal: Refused) -> Next:
    """Write the record of a rejection only with the row, and only while the refused attempt is open."""
    rejection, now = Rejected(refusal.code, refusal.info), visit.instance.api_clock.now()
    change = transitions.answered(row, rejection, now, visit.teller)
    # Once a group that is gone is made again, its landings make their keys known again.
    keys = refused(row.keys, now, is_gone=refusal.code in GROUP_GONE)
    change = replace(change, row=replace(change.row, keys=keys))
    return visit.put(change, Notice.REJECTED, code=refusal.code, **naming(change.records))


def _correction_refused(visit: Visit, row: Row, correction: Counters, refusal: Refused) -> Next:
    """Try a payment again that is refused for good, unless the group is gone; the third refusal is an operator's.

    A group that can still be read is not gone, whichever code the payment got: what is owed to it stays owed.
    """
    if refusal.code in GROUP_GONE and visit.in_a_row.refusals:
        row = transitions.debt_forgiven(row, correction)
    elif sum(past.for_good for past in row.remembered) >= CORRECTIONS_REFUSED_MAX:
        return visit.freeze(row, f"corrections are refused with code {refusal.code}")
    return visit.put(transitions.refused(row, for_good=True))


def without_void(visit: Visit, follows: Next) -> Next:
    """Delete a row that says no more than a new one would: callers may name groups without an end (R14)."""
    if isinstance(follows, Row) and follows.base is None and transitions.is_void(follows) and not follows.keys:
        visit.instance.ledger.delete(visit.group, follows.version)
        return Again()
    return follows


def note_landings(instance: Instance, app: int, deadline: float) -> None:
    """Note for the other instances in which groups calls of this one have succeeded, now and then and if there is time.

    A note with room takes a further group at once: of a single group that is in question it would say nothing. One that
    fails is tried again after the next landing: until then, an instance that has made no call knows less.
    """
    landings, now = instance.landings, instance.clock.monotonic()
    latest = landings.latest_of(app)
    is_whole = len(landings.noted) > LANDINGS_ASKED or landings.noted >= set(latest)
    if not latest or (now < landings.noted_until and is_whole) or now + 2 * instance.ledger.timeout_s > deadline:
        return
    try:
        older = [group for group in _read(instance, app) if group not in latest]
        groups = [*latest, *older][: LANDINGS_ASKED + 1]
        instance.notes.note(app, NOTE, json.dumps([group.id for group in groups]))
    except (NotAccepted, OutcomeUnknown):
        return
    landings.noted, landings.noted_until = frozenset(groups), now + NOTE_EVERY_S


def _noted(visit: Visit) -> Sequence[Group]:
    groups = _read(visit.instance, visit.group.app)
    return [group for group in groups if group != visit.group][:LANDINGS_ASKED]


def _read(instance: Instance, app: int) -> Sequence[Group]:
    return [Group(app, name) for name in json.loads(instance.notes.noted(app, NOTE) or "[]")]
