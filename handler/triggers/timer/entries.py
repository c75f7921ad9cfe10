"""What one of a tick's operations says: what to do, and to which groups, by a list of ids or by a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handler.core.errors import BadInput
from handler.core.model.operation import GROUP_ID_BYTES, KEY_BYTES, Counters, Mode
from handler.core.model.payload import check_group_id, first_problem, read_payload

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one of a tick's operations does to each of its groups; `index` is its place in the timer's event."""

    index: int
    mode: Mode
    counters: Counters


class Entry(BaseModel):
    """An operation as an event writes it."""

    model_config = _STRICT

    group_ids: Annotated[object, Field(alias="GroupIds")]
    group_counter: Annotated[object, Field(alias="GroupCounter")]
    mode: Annotated[object, Field(alias="Mode")]


def read_source(written: object, field: str, receipt_key: str) -> str | None:
    """The counter key of `{"Known": "<key>"}`; None for a list of ids. BadInput names the field."""
    if not isinstance(written, dict):
        return None
    try:
        key = _Source.model_validate(written).key
    except ValidationError as error:
        raise first_problem(error, field) from None
    if key == receipt_key:
        raise BadInput(f"{field}.Known", "is the reserved receipt key")
    return key


def read_entry(entry: Entry, index: int, receipt_key: str, within: str) -> tuple[Asked, list[str]]:
    """Check an operation as if it had come over HTTP for each of its groups, which it lists."""
    if isinstance(entry.group_ids, dict):
        raise BadInput(f"{within}.GroupIds", _ONE_SOURCE)
    try:
        group_ids = _GROUP_IDS.validate_python(entry.group_ids)
    except ValidationError as error:
        raise first_problem(error, f"{within}.GroupIds") from None
    for number, group_id in enumerate(group_ids):
        try:
            check_group_id(group_id)
        except BadInput as error:
            raise BadInput(f"{within}.GroupIds[{number}]", error.problem) from None
    return _asked(entry, index, group_ids[0], receipt_key, within), group_ids


def read_asked(entry: Entry, index: int, source: str, receipt_key: str, within: str) -> Asked:
    """Check an operation on a source, which has to be this one."""
    if entry.group_ids != {"Known": source}:
        raise BadInput(f"{within}.GroupIds", _ONE_SOURCE)
    return _asked(entry, index, "any", receipt_key, within)


def _asked(entry: Entry, index: int, group_id: str, receipt_key: str, within: str) -> Asked:
    document = {"GroupId": group_id, "GroupCounter": entry.group_counter, "Mode": entry.mode}
    payload = read_payload(document, receipt_key, within)
    return Asked(index, payload.mode, payload.counters)


_ONE_SOURCE = "must be the same in every operation of a tick, where one of them names a source"

_GROUP_IDS = TypeAdapter(
    Annotated[list[Annotated[str, Field(min_length=1, max_length=GROUP_ID_BYTES)]], Field(min_length=1)],
    config=ConfigDict(strict=True, hide_input_in_errors=True),
)


class _Source(BaseModel):
    model_config = _STRICT

    key: Annotated[str, Field(alias="Known", min_length=1, max_length=KEY_BYTES)]
