"""What a timer event says: a sweep, or operations on many groups, each with a key of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.core.commands import GROUP_ID_BYTES, Operation, first_problem, read_payload
from handler.core.errors import BadInput
from handler.triggers.documents import check_text, read_json
from handler.triggers.kinds import Event
from handler.triggers.moments import read_moment

# Whose keys a timer's are: the schedule is the function's own.
CALLER = "timer"

NAME_CHARACTERS = 256

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Finish what is unfinished, from the group after that id on: a sweep that ran out of time names it."""

    after: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Operations by group, in the order of the event; an operation stands under each of its groups once."""

    operations: Mapping[str, tuple[Operation, ...]]


def read_tick(event: Event, receipt_key: str, window_s: float, now: float) -> Tick | Sweep:
    """Read a timer event whole before anything is accepted; BadInput names the first wrong field.

    `now` is in seconds since 1970. An event older than `window_s` is refused: the answers of its first delivery may be
    forgotten, so nobody could tell whether it ran (R11).
    """
    name, time = _name(event.get("TriggerName")), event.get("Time")
    moment = read_moment(time, "Time")
    message = _message(event.get("Message"))
    if message.operations is None:
        return Sweep(message.after)
    if now - moment > window_s:
        raise BadInput("Time", "is longer ago than DEDUPE_WINDOW_S, so nobody can tell whether this ran before")
    by_group: dict[str, dict[str, Operation]] = {}
    for index, operation in enumerate(message.operations):
        for made in _operations(operation, index, f"{name}/{time}/{index}", receipt_key, window_s):
            by_group.setdefault(made.group_id, {})[made.key] = made
    return Tick({group_id: tuple(operations.values()) for group_id, operations in by_group.items()})


class _Operation(BaseModel):
    model_config = _STRICT

    group_ids: Annotated[list[str], Field(alias="GroupIds", min_length=1)]
    group_counter: Annotated[object, Field(alias="GroupCounter")]
    mode: Annotated[object, Field(alias="Mode")]


class _Message(BaseModel):
    model_config = _STRICT

    operations: Annotated[list[_Operation], Field(min_length=1)] | None = None
    task: Literal["sweep"] | None = None
    after: Annotated[str, Field(max_length=GROUP_ID_BYTES)] | None = None


def _operations(operation: _Operation, index: int, key: str, receipt_key: str, window_s: float) -> Iterator[Operation]:
    """One operation for each group, each checked as if it had come over HTTP."""
    within = f"Message.operations[{index}]"
    for number, group_id in enumerate(operation.group_ids):
        document = {"GroupId": group_id, "GroupCounter": operation.group_counter, "Mode": operation.mode}
        try:
            payload = read_payload(document, receipt_key, within)
        except BadInput as error:
            if error.field == f"{within}.GroupId":
                raise BadInput(f"{within}.GroupIds[{number}]", error.problem) from None
            raise
        yield Operation(payload.group_id, payload.mode, payload.counters, CALLER, key, window_s)


def _message(message: object) -> _Message:
    if message is None:
        raise BadInput("Message", "is missing")
    if isinstance(message, str):
        message = read_json(message, "Message")
    check_text(message, "Message")
    try:
        read = _Message.model_validate(message)
    except ValidationError as error:
        raise first_problem(error, "Message") from None
    if (read.operations is None) is (read.task is None):
        raise BadInput("Message", "must have either operations or a task")
    if read.after is not None and read.task is None:
        raise BadInput("Message.after", "goes with the task sweep")
    return read


def _name(name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise BadInput("TriggerName", f"must be 1 to {NAME_CHARACTERS} printable characters")
    return name
