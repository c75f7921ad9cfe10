"""Operator events: tasks for those who may invoke the function directly. HTTP cannot reach them."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.model.row import Group
from handler.core.operator import inspect, release
from handler.core.operator.pausing import Paused, pause_all, pause_group, resume_all, resume_group
from handler.core.operator.release import Later, Preview, Resolved
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from handler.triggers.context import REPLY_MARGIN_S, AppContext
from handler.triggers.event_kind import Event
from handler.triggers.invocation import UNLIMITED_S, Invocation
from handler.triggers.operator import forget, operation, parked, status, verification
from handler.triggers.operator.inspection import Json, pause_as_json, shown
from handler.triggers.operator.requests import (
    EVERY_GROUP,
    VERIFY,
    About,
    Adopt,
    AskOperation,
    Drop,
    Forget,
    Inspect,
    ListParked,
    OperatorRequest,
    PauseCalls,
    Release,
    Replay,
    ReplayAll,
    Restored,
    ResumeCalls,
    Status,
    read_request,
)
from handler.version import VERSION

# An inspection answers within this time: if the vendor is out of reach, the answer has to say so.
INSPECT_S = 20.0

# The fields of an event that say what its task is about, for the log and the answer.
_SUBJECT = ("task", "action", "GroupId", "id")

# What the log line has beside that.
_DETAILS = ("Caller", "source", "reason", "dry_run", "even_remembered")


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
    details = {name.lower(): str(event[name]) for name in _DETAILS if name in event}
    context.instance.reporter.report(Notice.OPERATOR_TASK, **subject, **details)
    deadline = invocation.deadline_or(UNLIMITED_S)
    budget = TimeBudget(until=deadline - REPLY_MARGIN_S, deadline=deadline)
    return {**subject, **_answer(request, budget, context)}


def _answer(request: OperatorRequest, budget: TimeBudget, context: AppContext) -> Json:
    if isinstance(request, ListParked | Replay | ReplayAll | Drop):
        return parked.answer(request, budget, context)
    if isinstance(request, About):
        return {"app": context.sdkappid, "ledger": context.ledger_place, "version": VERSION}
    if isinstance(request, Status):
        return status.answer(request, budget, context)
    if isinstance(request, Restored):
        # R10: the new generation starts with the first `Date` that a worker receives once it knows of it.
        return {"generation": context.instance.generation.begin_next().number}
    if isinstance(request, PauseCalls | ResumeCalls) and request.group_id == EVERY_GROUP:
        return _of_every_group(request, context.instance)
    group = Group(context.sdkappid, request.group_id)
    visit = Visit(context.instance, group, budget, by_operator=True)
    return forget.answer(request, visit, context) if isinstance(request, Forget) else _of_group(request, visit)


def _of_every_group(request: PauseCalls | ResumeCalls, instance: Instance) -> Json:
    return _paused(pause_all(instance, request.reason) if isinstance(request, PauseCalls) else resume_all(instance))


def _of_group(request: PauseCalls | ResumeCalls | AskOperation | Inspect | Adopt | Release, visit: Visit) -> Json:
    if isinstance(request, PauseCalls):
        return _paused(pause_group(visit, request.reason))
    if isinstance(request, ResumeCalls):
        return _paused(resume_group(visit))
    if isinstance(request, AskOperation):
        return operation.answer(request, visit)
    if isinstance(request, Inspect):
        until = min(visit.budget.until, visit.instance.clock.monotonic() + INSPECT_S)
        visit.budget = replace(visit.budget, until=until)
        return shown(inspect.inspect(visit))
    if isinstance(request, Adopt):
        return _shown(release.adopt(visit, request.decision))
    if request.dry_run:
        return _previewed(release.preview(visit, request.decision))
    return _shown(release.release(visit, request.decision))


def _paused(paused: Paused) -> Json:
    """The pause that is in force now, and whether this task has changed it."""
    return {"paused": pause_as_json(paused.pause), "changed": paused.changed}


def _shown(result: Resolved | Later) -> Json:
    if isinstance(result, Later):
        return {"done": False, "retry_after_s": round(result.retry_after_s, 1)}
    row = result.row
    return {"done": True, "changed": result.changed, "base": row.base, "settled": result.settled, "owed": len(row.owed)}


def _previewed(preview: Preview) -> Json:
    """What a release would do: the ids that get their record, those that are sent again, and what is owed back."""
    row = preview.row
    return {
        "done": False,
        "dry_run": True,
        "base": row.base,
        "settled": list(preview.settled),
        "sent_again": [entry.id for entry in row.owed],
        "owed_back": dict(row.debt),
        "ready_in_s": round(preview.ready_in_s, 1),
    }
