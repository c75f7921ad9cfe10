"""Operator events: tasks of those who may invoke the function directly. None of them ever comes in over HTTP."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.model.row import Group
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Visit
from handler.core.recovery import inspect, release
from handler.core.recovery.release import Decided, Later
from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import REPLY_MARGIN_S, AppContext
from handler.triggers.event_kind import Event
from handler.triggers.invocation import UNLIMITED_S, Invocation
from handler.triggers.operator import parked, verification
from handler.triggers.operator.inspection import Json, shown
from handler.triggers.operator.requests import (
    VERIFY,
    Adopt,
    Drop,
    Inspect,
    ListParked,
    Order,
    Release,
    Replay,
    Restored,
    read_order,
)

# A look at a group answers by then: where the vendor cannot be reached, that is what an operator has to be shown.
INSPECT_S = 20.0

# What a task is about, in the words of its event.
_SUBJECT = ("task", "action", "GroupId", "id")


def run(event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Do what an operator event asks for, and answer it in its own words.

    Raises BadInput for an event that is wrong or does not fit what it is about, NotAccepted when nothing was changed,
    and OutcomeUnknown when a write's answer was lost: an inspection then shows what became of it.
    """
    if event.get("task") == VERIFY:
        return verification.run(event, invocation, context)
    order = read_order(event)
    context.check_limits(invocation)
    asked = {name: str(event[name]) for name in _SUBJECT if name in event}
    # Before the work, so that what fails or is cut off has left its line as well.
    context.instance.reporter.report(Notice.OPERATOR_TASK, **asked)
    return {**asked, **_answer(order, _patience(invocation), context)}


def _answer(order: Order, patience: TimeBudget, context: AppContext) -> Json:
    if isinstance(order, ListParked):
        return parked.page(order, context)
    if isinstance(order, Replay):
        return parked.replay(order, patience, context)
    if isinstance(order, Drop):
        return parked.drop(order, context)
    if isinstance(order, Restored):
        return _restored(context)
    visit = Visit(context.instance, Group(context.vault.current().sdkappid, order.group_id), patience)
    if isinstance(order, Inspect):
        until = min(patience.until, context.instance.clock.monotonic() + INSPECT_S)
        visit.budget = replace(patience, until=until)
        return shown(inspect.inspect(visit))
    return _decided(_decide(order, visit))


def _restored(context: AppContext) -> Json:
    """R10: a new generation from now on, by the first `Date` that a worker hears once it knows of it."""
    return {"generation": context.instance.generation.begin_anew().number}


def _decide(order: Adopt | Release, visit: Visit) -> Decided | Later:
    if isinstance(order, Adopt):
        return release.adopt(visit, order.decision)
    return release.release(visit, order.decision)


def _decided(result: Decided | Later) -> Json:
    if isinstance(result, Later):
        return {"done": False, "retry_after_s": round(result.retry_after_s, 1)}
    row = result.row
    return {"done": True, "changed": result.changed, "base": row.base, "settled": result.settled, "owed": len(row.owed)}


def _patience(invocation: Invocation) -> TimeBudget:
    deadline = invocation.deadline_or(UNLIMITED_S)
    return TimeBudget(until=deadline - REPLY_MARGIN_S, deadline=deadline)
