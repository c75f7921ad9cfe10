"""What a timer event says: a sweep, or operations on many groups, each with a key of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.core.errors import BadInput
from handler.core.model.operation import GROUP_ID_BYTES, Operation, operation_id
from handler.core.model.payload import first_problem
from handler.core.runtime.windows import Horizon
from handler.triggers.event_kind import Event
from handler.triggers.parsing import Moment, check_text, read_json, read_time
from handler.triggers.timer.entries import Asked, Entry, read_asked, read_entry, read_source

# Whose keys a timer's are: the schedule is the function's own. Every other caller's name can be printed, so no token,
# record or identity of a platform is this one.
CALLER = "\x00schedule"

NAME_CHARACTERS = 256

# Which groups a source has is settled by the tick's own time, so that the tick has the same ones when it comes again.
# Only those count that had been known for a while by then: others may not be listed yet when it comes first.
KNOWN_FOR_S = 10

# The scheduler's clock may be that much ahead.
SKEW_S = 2.0

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Finish what is unfinished, from the group after that id on: a sweep that ran out of time names it."""

    after: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All groups in which an operation on `key` had landed by the second `by` since 1970, as the ledger knows it.

    They are the same ones whenever somebody asks.
    """

    key: str
    by: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Operations on groups: for each group its places in `asked`, in the order of the event and each of them once.

    Where the groups are those of a source, which is `known`, none are listed, and each of them has every place.
    """

    name: str
    time: Moment
    asked: tuple[Asked, ...]
    groups: Mapping[str, tuple[int, ...]]
    window_s: float
    known: Known | None = None

    def operations(self, group_id: str) -> tuple[Operation, ...]:
        """What is asked of a group: the key is scoped to it, and the same whoever comes with it."""
        return tuple(
            Operation(group_id, asked.mode, asked.counters, CALLER, f"{self.key}/{asked.index}", self.window_s)
            for asked in (self.asked[place] for place in self.places(group_id))
        )

    def places(self, group_id: str) -> Iterable[int]:
        """Where in `asked` is what is asked of a group."""
        return range(len(self.asked)) if self.known else self.groups[group_id]

    def has_more_than(self, groups: int) -> bool:
        """Whether it has more groups than that, which nobody knows of a source before it is listed."""
        return self.known is not None or len(self.groups) > groups

    @property
    def every(self) -> tuple[Operation, ...]:
        """All operations, group by group."""
        return tuple(operation for group_id in self.groups for operation in self.operations(group_id))

    @property
    def key(self) -> str:
        """What the keys of its operations begin with."""
        return _key(self.name, self.time)


def read_tick(event: Event, receipt_key: str, window_s: float, now: float) -> Tick | Sweep:
    """Read a timer event whole before anything is accepted; BadInput names the first wrong field.

    `now` is in seconds since 1970. Whether a tick is too old is for `check_age` to say.
    """
    name, time = read_name(event.get("TriggerName")), read_time(event.get("Time"), "Time")
    message = _message(event.get("Message"))
    if message.operations is None:
        return Sweep(message.after)
    source = read_source(message.operations[0].group_ids, "Message.operations[0].GroupIds", receipt_key)
    if source is None:
        asked = [
            read_entry(entry, index, receipt_key, f"Message.operations[{index}]")
            for index, entry in enumerate(message.operations)
        ]
        return tick_of(name, time, asked, window_s)
    every = [
        read_asked(entry, index, source, receipt_key, f"Message.operations[{index}]")
        for index, entry in enumerate(message.operations)
    ]
    if time.seconds > now + SKEW_S:
        raise BadInput("Time", "is still to come, so nobody knows yet which groups there will be")
    return Tick(name, time, tuple(every), {}, window_s, Known(source, time.seconds - KNOWN_FOR_S))


def read_name(name: object) -> str:
    """The name of a trigger, which is part of every key."""
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise BadInput("TriggerName", f"must be 1 to {NAME_CHARACTERS} printable characters")
    return name


def id_of(name: str, time: Moment, index: int) -> str:
    """What the ledger knows one of a tick's operations by."""
    return operation_id(CALLER, f"{_key(name, time)}/{index}")


def _key(name: str, time: Moment) -> str:
    return f"{name}/{time.text}"


def check_age(tick: Tick, horizon: Horizon) -> None:
    """Refuse a tick whose answers may be forgotten: nobody could tell whether it ran before (R11)."""
    if horizon.has_passed(tick.time.seconds):
        raise BadInput("Time", "is longer ago than DEDUPE_WINDOW_S, so nobody can tell whether this ran before")


def tick_of(name: str, time: Moment, asked: Iterable[tuple[Asked, Iterable[str]]], window_s: float) -> Tick:
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
