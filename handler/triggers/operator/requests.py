"""The models of operator events: one for each task, and for each action on parked records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError

from handler.core.errors import BadInput
from handler.core.model.operation import GROUP_ID_BYTES, operation_id
from handler.core.model.payload import StrictModel, check_group_id, first_problem
from handler.core.model.row_size import REASON_BYTES
from handler.core.operator.verdicts import Decision, OperatorVerdict
from handler.triggers.event_kind import Event
from handler.triggers.idempotency_key import read_key
from handler.triggers.parsing import check_text, read_time
from handler.triggers.timer.tick import id_of, read_name

# The number of parked records on a page: by default, and at most.
PAGE = 20
PAGE_MAX = 100

# The number of groups on a page of `status`: by default, and at most.
STATUS_PAGE = 20
STATUS_PAGE_MAX = 100

# The longest reason of a pause; written as JSON it has to fit the room that a row keeps for it.
REASON_CHARACTERS = 256

# Stands in a request that names no group; no group has this id.
EVERY_GROUP = ""

# Longer than any cursor of `status`.
CURSOR_CHARACTERS = 4096

# Longer than any id of a parked record.
ID_CHARACTERS = 4096

_Verdict: TypeAlias = Literal["landed", "not-landed"]
_GroupId: TypeAlias = Annotated[str, Field(alias="GroupId", min_length=1, max_length=GROUP_ID_BYTES)]
_Reason: TypeAlias = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS)]
_Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=ID_CHARACTERS)]


class Inspect(StrictModel):
    """Show a group."""

    group_id: _GroupId


class Status(StrictModel):
    """Show the numbers, and a page of the groups that are held or owe something: those after a cursor."""

    after: Annotated[str | None, Field(max_length=CURSOR_CHARACTERS)] = None
    limit: Annotated[int, Field(ge=1, le=STATUS_PAGE_MAX)] = STATUS_PAGE


class AskOperation(StrictModel):
    """Show what became of an operation of a caller."""

    group_id: _GroupId
    caller: Annotated[str, Field(alias="Caller", min_length=1)]
    key: Annotated[str, Field(alias="IdempotencyKey")]

    @property
    def operation_id(self) -> str:
        """The id by which the ledger knows the operation. Raises BadInput for an invalid key."""
        return operation_id(self.caller, read_key(self.key, "IdempotencyKey"))


class PauseCalls(StrictModel):
    """Accept everything and send nothing, for one group or for all."""

    reason: _Reason
    group_id: _GroupId = EVERY_GROUP


class ResumeCalls(StrictModel):
    """Send again what is owed, to one group or to all."""

    group_id: _GroupId = EVERY_GROUP


class About(StrictModel):
    """Say which app and which ledger the function works with."""


class Restored(StrictModel):
    """State that the ledger was restored from a copy: every row is checked against the API before its next call."""


class Adopt(StrictModel):
    """Take a group's upstream value as its base."""

    group_id: _GroupId
    debt: Literal["keep", "drop"] = "keep"

    @property
    def decision(self) -> Decision:
        """A decision without verdicts, because no call is under way."""
        return Decision(drops_debt=self.debt == "drop")


class _Named(StrictModel):
    caller: Annotated[str, Field(alias="Caller", min_length=1)]
    key: Annotated[str, Field(alias="IdempotencyKey")]
    verdict: _Verdict

    def operation_id(self, within: str) -> str:
        """The id by which the ledger knows the operation. Raises BadInput for an invalid key."""
        return operation_id(self.caller, read_key(self.key, f"{within}.IdempotencyKey"))


class _OfTick(StrictModel):
    """An operation by its place in a tick, because the schedule's name cannot be written as a caller's."""

    trigger: Annotated[str, Field(alias="TriggerName")]
    time: Annotated[str, Field(alias="Time")]
    index: Annotated[int, Field(alias="Index", ge=0)]
    verdict: _Verdict

    def operation_id(self, within: str) -> str:
        """The id by which the ledger knows the operation. Raises BadInput for an invalid name or time."""
        return id_of(read_name(self.trigger), read_time(self.time, f"{within}.Time"), self.index)


class Release(StrictModel):
    """Unfreeze a group.

    `verdicts` go by the ids that an inspection shows, `keys` by those of the callers, `ticks` by a place in a tick.
    """

    group_id: _GroupId
    verdicts: dict[str, _Verdict] = Field(default_factory=dict)
    keys: list[_Named] = Field(default_factory=list)
    ticks: list[_OfTick] = Field(default_factory=list)
    receipt: int | None = None
    queued: _Verdict | None = None
    debt: Literal["keep", "drop"] = "keep"
    dry_run: bool = False

    @property
    def decision(self) -> Decision:
        """Every verdict under its id. Raises BadInput for an invalid key, and for verdicts that contradict another."""
        verdicts = {judged: OperatorVerdict(verdict) for judged, verdict in self.verdicts.items()}
        named: list[tuple[str, _Named | _OfTick]] = [(f"keys[{place}]", each) for place, each in enumerate(self.keys)]
        named += [(f"ticks[{place}]", each) for place, each in enumerate(self.ticks)]
        for within, each in named:
            if verdicts.setdefault(each.operation_id(within), OperatorVerdict(each.verdict)).value != each.verdict:
                raise BadInput(f"{within}.verdict", "contradicts another verdict on the same operation")
        queued = OperatorVerdict(self.queued) if self.queued else None
        return Decision(verdicts, self.debt == "drop", self.receipt, queued)


class Forget(StrictModel):
    """Delete all that is kept of a group; `even_remembered` answers that a caller may still ask for as well."""

    group_id: _GroupId
    dry_run: bool = False
    even_remembered: bool = False


class ListParked(StrictModel):
    """Show a page of parked records, those after an id."""

    after: Annotated[str, Field(max_length=ID_CHARACTERS)] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = PAGE


class Replay(StrictModel):
    """Execute a parked record again, under another key if one is given: a refusal is final for the key that met it."""

    id: _Id
    key: Annotated[str | None, Field(alias="IdempotencyKey")] = None


class ReplayAll(StrictModel):
    """Execute all parked records again, those of one source or of every, at most `limit` of them, after an id."""

    all: Literal[True]
    source: Annotated[str | None, Field(min_length=1, max_length=ID_CHARACTERS)] = None
    limit: Annotated[int | None, Field(ge=1)] = None
    after: Annotated[str, Field(max_length=ID_CHARACTERS)] = ""


class Drop(StrictModel):
    """Drop a parked record."""

    id: _Id


ParkedRequest: TypeAlias = ListParked | Replay | ReplayAll | Drop
OperatorRequest: TypeAlias = (
    (About | Status | AskOperation | PauseCalls | ResumeCalls | Inspect | Adopt | Release | Restored)
    | Forget
    | ParkedRequest
)

_TASKS: Mapping[str, type[OperatorRequest]] = {
    "about": About,
    "status": Status,
    "operation": AskOperation,
    "pause": PauseCalls,
    "resume": ResumeCalls,
    "inspect": Inspect,
    "adopt": Adopt,
    "release": Release,
    "restored": Restored,
    "forget": Forget,
}
_ACTIONS: Mapping[str, type[ParkedRequest]] = {"list": ListParked, "replay": Replay, "drop": Drop}
_PARKED = "parked"


# The check of the assumptions has a reader of its own.
VERIFY = "verify"


def read_request(event: Event) -> OperatorRequest:
    """Read an operator event whole before anything is done; BadInput names the first wrong field."""
    check_text(event, "event")
    fields = {name: value for name, value in event.items() if name not in {"Type", "task"}}
    task = event.get("task")
    model: type[OperatorRequest]
    if task == _PARKED:
        model = _ACTIONS[_one_of(_ACTIONS, fields.pop("action", None), "action")]
        model = ReplayAll if model is Replay and "all" in fields else model
    else:
        model = _TASKS[_one_of([*_TASKS, _PARKED, VERIFY], task, "task")]
    try:
        request = model.model_validate(fields)
    except ValidationError as error:
        raise first_problem(error) from None
    if isinstance(request, PauseCalls):
        _check_reason(request.reason)
    if isinstance(request, AskOperation | PauseCalls | ResumeCalls) and request.group_id != EVERY_GROUP:
        check_group_id(request.group_id)
    return request


def _check_reason(reason: str) -> None:
    if reason.isspace():
        raise BadInput("reason", "is blank")
    if not reason.isprintable():
        raise BadInput("reason", "contains a character that is not printable")
    if len(json.dumps(reason, ensure_ascii=False).encode()) > REASON_BYTES:
        raise BadInput("reason", f"longer than {REASON_BYTES} bytes as JSON in UTF-8")


def _one_of(known: Mapping[str, object] | list[str], name: object, field: str) -> str:
    if not isinstance(name, str) or name not in known:
        raise BadInput(field, f"must be one of: {', '.join(known)}")
    return name
