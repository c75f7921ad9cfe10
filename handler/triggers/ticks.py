"""What a timer event says: a sweep, or operations on many groups, each with a key of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.core.commands import (
    GROUP_ID_BYTES,
    Counters,
    Mode,
    Operation,
    check_group_id,
    first_problem,
    read_payload,
)
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
class Asked:
    """What one of a tick's operations does to each of its groups; `index` is its place in the timer's event."""

    index: int
    mode: Mode
    counters: Counters


@dataclass(frozen=True, slots=True)
class Tick:
    """Operations on groups: for each group its places in `asked`, in the order of the event and each of them once."""

    name: str
    time: str
    asked: tuple[Asked, ...]
    groups: Mapping[str, tuple[int, ...]]
    window_s: float

    def operations(self, group_id: str) -> tuple[Operation, ...]:
        """What is asked of a group: the key is scoped to it, and the same whoever comes with it."""
        return tuple(
            Operation(group_id, asked.mode, asked.counters, CALLER, f"{self.key}/{asked.index}", self.window_s)
            for asked in (self.asked[place] for place in self.groups[group_id])
        )

    @property
    def every(self) -> tuple[Operation, ...]:
        """All operations, group by group."""
        return tuple(operation for group_id in self.groups for operation in self.operations(group_id))

    @property
    def key(self) -> str:
        """What the keys of its operations begin with."""
        return f"{self.name}/{self.time}"


class Entry(BaseModel):
    """An operation as an event writes it."""

    model_config = _STRICT

    group_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=GROUP_ID_BYTES)]], Field(alias="GroupIds", min_length=1)
    ]
    group_counter: Annotated[object, Field(alias="GroupCounter")]
    mode: Annotated[object, Field(alias="Mode")]


def read_tick(event: Event, receipt_key: str, window_s: float, now: float) -> Tick | Sweep:
    """Read a timer event whole before anything is accepted; BadInput names the first wrong field.

    `now` is in seconds since 1970. An event older than `window_s` is refused: the answers of its first delivery may be
    forgotten, so nobody could tell whether it ran (R11).
    """
    name, time = read_name(event.get("TriggerName")), event.get("Time")
    moment = read_moment(time, "Time")
    message = _message(event.get("Message"))
    if message.operations is None:
        return Sweep(message.after)
    check_age(moment, window_s, now)
    asked = [
        (read_entry(entry, index, receipt_key, f"Message.operations[{index}]"), entry.group_ids)
        for index, entry in enumerate(message.operations)
    ]
    return tick_of(name, str(time), asked, window_s)


def read_name(name: object) -> str:
    """The name of a trigger, which is part of every key."""
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise BadInput("TriggerName", f"must be 1 to {NAME_CHARACTERS} printable characters")
    return name


def check_age(moment: float, window_s: float, now: float) -> None:
    """Refuse a tick whose answers may be forgotten."""
    if now - moment > window_s:
        raise BadInput("Time", "is longer ago than DEDUPE_WINDOW_S, so nobody can tell whether this ran before")


def read_entry(entry: Entry, index: int, receipt_key: str, within: str) -> Asked:
    """Check an operation as if it had come over HTTP for each of its groups."""
    for number, group_id in enumerate(entry.group_ids):
        try:
            check_group_id(group_id)
        except BadInput as error:
            raise BadInput(f"{within}.GroupIds[{number}]", error.problem) from None
    document = {"GroupId": entry.group_ids[0], "GroupCounter": entry.group_counter, "Mode": entry.mode}
    payload = read_payload(document, receipt_key, within)
    return Asked(index, payload.mode, payload.counters)


def tick_of(name: str, time: str, asked: Iterable[tuple[Asked, Iterable[str]]], window_s: float) -> Tick:
    """A tick from its operations, each with its groups."""
    places: dict[str, tuple[int, ...]] = {}
    every: list[Asked] = []
    for each, group_ids in asked:
        for group_id in dict.fromkeys(group_ids):
            places[group_id] = (*places.get(group_id, ()), len(every))
        every.append(each)
    return Tick(name, time, tuple(every), places, window_s)


class _Message(BaseModel):
    model_config = _STRICT

    operations: Annotated[list[Entry], Field(min_length=1)] | None = None
    task: Literal["sweep"] | None = None
    after: Annotated[str, Field(max_length=GROUP_ID_BYTES)] | None = None


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
