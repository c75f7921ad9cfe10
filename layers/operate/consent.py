"""Before something is changed or deleted: what it acts on, what will come of it, and a yes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from layers.confirm import NOT_CONFIRMED, is_confirmed
from layers.operate.arguments import Event
from layers.operate.functions import Function, OperatorError

Consequence: TypeAlias = Callable[[Event], str]

UNKNOWN: Final = "not said by the function"


def consequence_of(event: Event) -> str | None:
    """What the event will change, in words; None for one that only looks."""
    if event.get("dry_run"):
        return None
    task, action = str(event["task"]), event.get("action")
    return told(event) if (told := CONSEQUENCES.get(f"{task} {action}" if action else task)) else None


def check(event: Event, function: Function, *, is_given: bool) -> None:
    """Say what an event that changes something acts on, and get a yes; OperatorError without one."""
    consequence = consequence_of(event)
    if consequence is None:
        return
    for name, fact in facts_of(function).items():
        sys.stderr.write(f"{name:<10}{fact}\n")
    sys.stderr.write(f"{consequence}\n")
    if not is_confirmed(is_given=is_given):
        raise OperatorError(NOT_CONFIRMED)


def facts_of(function: Function) -> dict[str, object]:
    """What the function says that it acts on."""
    about = function.invoke({"Type": "Operator", "task": "about"})
    said: Mapping[str, object] = about if isinstance(about, dict) else {}
    return {"app": said.get("app", UNKNOWN), "ledger": said.get("ledger", UNKNOWN), "function": function.name}


def _of_group(event: Event) -> str:
    return f"the group {event['GroupId']}" if "GroupId" in event else "EVERY group of the ledger"


def _debt(event: Event) -> str:
    return " What is owed back to the group is given up." if event.get("debt") == "drop" else ""


def _release(event: Event) -> str:
    landed = "What is said to have landed is answered as applied and never sent; the rest is sent again."
    wrong = "A wrong verdict counts twice, or not at all."
    return f"This unfreezes {_of_group(event)}. {landed} {wrong}{_debt(event)}"


def _adopt(event: Event) -> str:
    return f"This takes the receipt of {_of_group(event)} as it is, and sends what is queued.{_debt(event)}"


def _forget(event: Event) -> str:
    parts = "its row, its records and watermarks, and its parked records, which are never counted"
    again = (
        " What a caller or a stream repeats after that is counted A SECOND TIME."
        if event.get("even_remembered")
        else ""
    )
    return f"This DELETES all that is kept of {_of_group(event)}: {parts}. It cannot be undone.{again}"


def _restored(_: Event) -> str:
    begun = "This declares that the ledger was restored from a copy. It cannot be undone."
    return f"{begun} Every group is explained before its next call, which waits for up to five minutes."


def _pause(event: Event) -> str:
    return f"This pauses {_of_group(event)}: everything is accepted, and no call is sent until it is resumed."


def _resume(event: Event) -> str:
    return f"This ends the pause of {_of_group(event)}: what was accepted meanwhile is sent."


def _replay(event: Event) -> str:
    of_source = f" of {event['source']}" if "source" in event else ""
    record = f"EVERY parked record{of_source}" if event.get("all") else f"the parked record {event.get('id')}"
    return f"This executes {record} again. Each that is accepted is counted, and dropped from the list."


def _drop(event: Event) -> str:
    return f"This DELETES the parked record {event.get('id')}: what it asked for is never counted."


CONSEQUENCES: Final[Mapping[str, Consequence]] = {
    "release": _release,
    "adopt": _adopt,
    "restored": _restored,
    "forget": _forget,
    "pause": _pause,
    "resume": _resume,
    "parked replay": _replay,
    "parked drop": _drop,
}
"""Every task, and every action on parked records, that changes something."""
