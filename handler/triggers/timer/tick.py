"""Read a timer event: a sweep, a check, or a tick, whose operations each apply to many groups under a key of their own.

The operations of a tick list the ids of their groups, or all of them name one counter key: `{"Known": "<key>"}` stands
for every group in which an operation on that key has landed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from handler.core.errors import BadInput
from handler.core.model.operation import GROUP_ID_BYTES, KEY_BYTES, Counters, Mode, Operation, operation_id
from handler.core.model.payload import StrictModel, check_group_id, first_problem, read_payload
from handler.core.runtime.windows import Horizon
from handler.triggers.event_kind import Event
from handler.triggers.parsing import Moment, check_text, read_json, read_time

# The caller of a tick's operations. All other names of callers are printable, so no token, record or platform identity
# can claim this one.
CALLER = "\x00schedule"

NAME_CHARACTERS = 256

# The time of a tick settles which groups know a key, so that a repeated tick has the same ones. A group counts only if
# it knew the key this long before: a later one may not be listed yet when the tick first arrives.
KNOWN_FOR_S = 10

# The scheduler's clock may be this much ahead of ours.
SKEW_S = 2.0


class Sweep(msgspec.Struct, frozen=True):
    """Finish what is unfinished in the groups after the id `after`, which the answer of a sweep cut short names."""

    after: str | None = None


class Check(msgspec.Struct, frozen=True):
    """Fail while something needs an operator."""


class TickOperation(msgspec.Struct, frozen=True):
    """What one operation of a tick does to each of its groups; `index` is its place in the timer event."""

    index: int
    mode: Mode
    counters: Counters


class KnownGroups(msgspec.Struct, frozen=True):
    """All groups in which an operation on `key` had landed by the second `by` since 1970, as the ledger knows it.

    The answer is the same at every time of asking.
    """

    key: str
    by: int


class Tick(msgspec.Struct, frozen=True):
    """Operations on groups: for each group the places of its operations in `asked`, in the order of the event.

    A tick on `known` groups lists none: each of those groups has every operation.
    """

    name: str
    time: Moment
    asked: tuple[TickOperation, ...]
    groups: Mapping[str, tuple[int, ...]]
    window_s: float
    known: KnownGroups | None = None

    def operations(self, group_id: str) -> tuple[Operation, ...]:
        """The operations on one group; their keys are scoped to it, and the same in every delivery of the tick."""
        return tuple(
            Operation(
                group_id=group_id,
                mode=asked.mode,
                counters=asked.counters,
                caller=CALLER,
                key=f"{self.key}/{asked.index}",
                window_s=self.window_s,
            )
            for asked in (self.asked[place] for place in self.places(group_id))
        )

    def places(self, group_id: str) -> Iterable[int]:
        """The places in `asked` of the operations on one group."""
        return range(len(self.asked)) if self.known else self.groups[group_id]

    def has_more_than(self, groups: int) -> bool:
        """Whether the tick has more groups than that; known groups count as more, as only the ledger can list them."""
        return self.known is not None or len(self.groups) > groups

    @property
    def every(self) -> tuple[Operation, ...]:
        """All operations, group by group."""
        return tuple(operation for group_id in self.groups for operation in self.operations(group_id))

    @property
    def key(self) -> str:
        """The beginning of every key of its operations."""
        return _key(self.name, self.time)


class WrittenOperation(StrictModel):
    """An operation as a timer event or a page writes it, its fields still to be checked."""

    group_ids: Annotated[object, Field(alias="GroupIds")]
    group_counter: Annotated[object, Field(alias="GroupCounter")]
    mode: Annotated[object, Field(alias="Mode")]


def read_tick(event: Event, receipt_key: str, window_s: float, now: float) -> Tick | Sweep | Check:
    """Read a timer event whole before anything is accepted; BadInput names the first wrong field.

    `now` is in seconds since 1970. `check_age` refuses a tick that is too old.
    """
    name, time = read_name(event.get("TriggerName")), read_time(event.get("Time"), "Time")
    message = _message(event.get("Message"))
    if message.operations is None:
        return Check() if message.task == "check" else Sweep(message.after)
    known_key = _read_known(message.operations[0].group_ids, "Message.operations[0].GroupIds", receipt_key)
    if known_key is None:
        asked = [
            read_listed(written, index, receipt_key, f"Message.operations[{index}]")
            for index, written in enumerate(message.operations)
        ]
        return tick_of(name, time, asked, window_s)
    every = [
        _read_on_known(written, index, known_key, receipt_key, f"Message.operations[{index}]")
        for index, written in enumerate(message.operations)
    ]
    if time.seconds > now + SKEW_S:
        raise BadInput("Time", "is in the future: which groups know a key is settled only once that time has passed")
    return Tick(name, time, tuple(every), {}, window_s, KnownGroups(known_key, time.seconds - KNOWN_FOR_S))


def read_name(name: object) -> str:
    """The name of a trigger, which is part of every key."""
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise BadInput("TriggerName", f"must be 1 to {NAME_CHARACTERS} printable characters")
    return name


def read_listed(
    written: WrittenOperation, index: int, receipt_key: str, within: str
) -> tuple[TickOperation, list[str]]:
    """Check an operation as if it had come over HTTP for each of its groups, which it lists."""
    if isinstance(written.group_ids, dict):
        raise BadInput(f"{within}.GroupIds", _ONE_KEY)
    try:
        group_ids = _GROUP_IDS.validate_python(written.group_ids)
    except ValidationError as error:
        raise first_problem(error, f"{within}.GroupIds") from None
    for number, group_id in enumerate(group_ids):
        try:
            check_group_id(group_id)
        except BadInput as error:
            raise BadInput(f"{within}.GroupIds[{number}]", error.problem) from None
    return _read_operation(written, index, group_ids[0], receipt_key, within), group_ids


def id_of(name: str, time: Moment, index: int) -> str:
    """The id by which the ledger knows one of a tick's operations."""
    return operation_id(CALLER, f"{_key(name, time)}/{index}")


def check_age(tick: Tick, horizon: Horizon) -> None:
    """Refuse a tick whose answers may be forgotten, because a repeat could not be told from a first run (R11)."""
    if horizon.has_passed(tick.time.seconds):
        raise BadInput("Time", "is older than DEDUPE_WINDOW_S, so a repeated tick could not be told from a new one")


def tick_of(name: str, time: Moment, asked: Iterable[tuple[TickOperation, Iterable[str]]], window_s: float) -> Tick:
    """A tick from its operations, each with its groups."""
    places: dict[str, tuple[int, ...]] = {}
    every: list[TickOperation] = []
    for operation, group_ids in asked:
        for group_id in dict.fromkeys(group_ids):
            places[group_id] = (*places.get(group_id, ()), len(every))
        every.append(operation)
    return Tick(name, time, tuple(every), places, window_s)


def _key(name: str, time: Moment) -> str:
    return f"{name}/{time.text}"


def _read_known(written: object, field: str, receipt_key: str) -> str | None:
    """The counter key of `{"Known": "<key>"}`; None for a list of ids. BadInput names the field."""
    if not isinstance(written, dict):
        return None
    try:
        key = _Known.model_validate(written).key
    except ValidationError as error:
        raise first_problem(error, field) from None
    if key == receipt_key:
        raise BadInput(f"{field}.Known", "is the reserved receipt key")
    return key


def _read_on_known(
    written: WrittenOperation, index: int, known_key: str, receipt_key: str, within: str
) -> TickOperation:
    """Check an operation on the groups that know a key, which must be this one."""
    if written.group_ids != {"Known": known_key}:
        raise BadInput(f"{within}.GroupIds", _ONE_KEY)
    return _read_operation(written, index, "any", receipt_key, within)


def _read_operation(
    written: WrittenOperation, index: int, group_id: str, receipt_key: str, within: str
) -> TickOperation:
    document = {"GroupId": group_id, "GroupCounter": written.group_counter, "Mode": written.mode}
    payload = read_payload(document, receipt_key, within)
    return TickOperation(index, payload.mode, payload.counters)


_ONE_KEY = 'must be the same in every operation of a tick of which one has {"Known": "<key>"}'

_GROUP_IDS = TypeAdapter(
    Annotated[list[Annotated[str, Field(min_length=1, max_length=GROUP_ID_BYTES)]], Field(min_length=1)],
    config=ConfigDict(strict=True, hide_input_in_errors=True),
)


class _Known(StrictModel):
    key: Annotated[str, Field(alias="Known", min_length=1, max_length=KEY_BYTES)]


class _Message(StrictModel):
    operations: Annotated[list[WrittenOperation], Field(min_length=1)] | None = None
    task: Literal["sweep", "check"] | None = None
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
    if read.after is not None and read.task != "sweep":
        raise BadInput("Message.after", "goes with the task sweep")
    return read
