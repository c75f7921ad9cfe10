"""Operator events: tasks for those who may invoke the function directly. HTTP cannot reach them."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.model.row import Group
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Visit
from handler.core.recovery import inspect, release
from handler.core.recovery.release import Later, Resolved
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
    OperatorRequest,
    Release,
    Replay,
    Restored,
    read_request,
)

# An inspection answers within this time: if the vendor is out of reach, the answer has to say so.
INSPECT_S = 20.0

# The fields of an event that say what its task is about, for the log and the answer.
_SUBJECT = ("task", "action", "GroupId", "id")


def run(event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Execute an operator's task, and answer in the event's own words.

    Raises BadInput for an event that is invalid or does not fit its subject, NotAccepted if nothing was changed, and
    OutcomeUnknown if the answer to a write was lost: an inspection then shows its result.
    """
    if event.get("task") == VERIFY:
        return verification.run(event, invocation, context)
    request = read_request(event)
    context.check_limits(invocation)
    subject = {name: str(event[name]) for name in _SUBJECT if name in event}
    # Logged before the work, so that a task that fails or is cut off leaves its line too.
    context.instance.reporter.report(Notice.OPERATOR_TASK, **subject)
    deadline = invocation.deadline_or(UNLIMITED_S)
    budget = TimeBudget(until=deadline - REPLY_MARGIN_S, deadline=deadline)
    return {**subject, **_answer(request, budget, context)}


def _answer(request: OperatorRequest, budget: TimeBudget, context: AppContext) -> Json:
    if isinstance(request, ListParked):
        return parked.page(request, context)
    if isinstance(request, Replay):
        return parked.replay(request, budget, context)
    if isinstance(request, Drop):
        return parked.drop(request, context)
    if isinstance(request, Restored):
        # R10: the new generation starts with the first `Date` that a worker receives once it knows of it.
        return {"generation": context.instance.generation.begin_next().number}
    visit = Visit(context.instance, Group(context.vault.current().sdkappid, request.group_id), budget)
    if isinstance(request, Inspect):
        until = min(budget.until, context.instance.clock.monotonic() + INSPECT_S)
        visit.budget = replace(budget, until=until)
        return shown(inspect.inspect(visit))
    return _shown(_decide(request, visit))


def _decide(request: Adopt | Release, visit: Visit) -> Resolved | Later:
    if isinstance(request, Adopt):
        return release.adopt(visit, request.decision)
    return release.release(visit, request.decision)


def _shown(result: Resolved | Later) -> Json:
    if isinstance(result, Later):
        return {"done": False, "retry_after_s": round(result.retry_after_s, 1)}
    row = result.row
    return {"done": True, "changed": result.changed, "base": row.base, "settled": result.settled, "owed": len(row.owed)}
