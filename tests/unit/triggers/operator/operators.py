"""Sending operator events to a stage."""

import json
from collections.abc import Mapping

from handler.triggers.event_kind import Event
from handler.triggers.operator import handler as operator
from tests.unit.triggers.stage import Stage, invocation


def event(task: str, **fields: object) -> Event:
    return {"Type": "Operator", "task": task, **fields}


def tell(stage: Stage, task: str, **fields: object) -> Event:
    """What the function returns, through JSON as a platform returns it; each event is an invocation of its own."""
    now = stage.clock.monotonic()
    told: Event = json.loads(json.dumps(operator.run(event(task, **fields), invocation(now, now + 29), stage.context)))
    return told


def part(told: object, name: str) -> Event:
    assert isinstance(told, Mapping)
    inner = told[name]
    assert isinstance(inner, dict)
    return inner


def attention(told: Event) -> list[Event]:
    """The groups that `status` shows."""
    groups = told["attention"]
    assert isinstance(groups, list)
    return groups
