"""The answers to `pause` and `resume`, of one group or of all."""

from __future__ import annotations

from collections.abc import Callable

from handler.core.operator.pausing import Paused, pause_all, pause_group, resume_all, resume_group
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance
from handler.triggers.operator.inspection import Json, pause_as_json
from handler.triggers.operator.requests import EVERY_GROUP, PauseCalls, ResumeCalls


def pause_or_resume(request: PauseCalls | ResumeCalls, instance: Instance, visiting: Callable[[str], Visit]) -> Json:
    """The pause that is in force now, and whether this task has changed it."""
    done = _done(request, instance, visiting)
    return {"paused": pause_as_json(done.pause), "changed": done.changed}


def _done(request: PauseCalls | ResumeCalls, instance: Instance, visiting: Callable[[str], Visit]) -> Paused:
    if isinstance(request, PauseCalls):
        if request.group_id == EVERY_GROUP:
            return pause_all(instance, request.reason)
        return pause_group(visiting(request.group_id), request.reason)
    return resume_all(instance) if request.group_id == EVERY_GROUP else resume_group(visiting(request.group_id))
