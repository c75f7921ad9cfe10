"""The secret's JSON: `{"sdkappid", "identifier", "key", "callers": […], "sources": {…}}`.

A caller has a `name`, a `token` or its `token_sha256`, and its rights: `may`, `read`, `calls_per_second`, `not_after`.
A source has `callers`, the names that its payloads may give, and `may`. Each right that is left out allows everything,
so none may be null, and a grant has no empty list.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from handler.core.errors import SettingsError
from handler.core.model.operation import INT64_MAX, Mode
from handler.core.model.payload import StrictModel, first_problem
from handler.core.model.rights import Grant, Grants, Rights, SourceRights
from handler.core.ports.vault import Caller, Secret

VARIABLE = "CHAT_SECRET"

# The vendor's UserIDs: up to 32 bytes of these (trtc.io/document/34385).
IDENTIFIER = r"^[a-zA-Z0-9_-]{1,32}$"

# Keys and tokens travel in headers or are pasted by hand: a space or a line end in one is a slip, and shows up as a
# wrong signature or an unknown caller only.
VISIBLE = r"^[\x21-\x7e]+$"

# 22 characters of base64 hold 131 bits, which no attempt over a network guesses.
TOKEN_CHARACTERS = 22

# Fields that errors may show, each part of their path a name of at most 24 characters. Another name may be the key
# itself, put there by mistake.
_SHOWABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,23}(\[[0-9]+\])*(\.[A-Za-z_][A-Za-z0-9_]{0,23}(\[[0-9]+\])*)*")

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse(text: str, *, by_name: bool = False) -> Secret:
    """Read the secret; raises SettingsError that names the wrong field and shows no value, not even of broken JSON.

    `by_name`: callers are known by their names alone, so an entry needs nothing else.
    """
    _check_shape(text)
    try:
        fields = _Secret.model_validate_json(text)
    except ValidationError as error:
        problem = first_problem(error)
        raise _wrong(problem.field, problem.problem) from None
    callers = tuple(caller.read(index, by_name=by_name) for index, caller in enumerate(fields.callers))
    _check_tokens(callers)
    sources = {name: _source(index, content) for index, (name, content) in enumerate(fields.sources.items())}
    return Secret(fields.sdkappid, fields.identifier, fields.key, callers, sources)


def _given(value: object) -> object:
    """Refuse null: a right that is left out allows everything, and null could be meant for nothing, or be a slip."""
    if value is None:
        raise PydanticCustomError("null", "must not be null")
    return value


def _moment(time: object) -> float:
    """A time of RFC 3339 in seconds since 1970."""
    if isinstance(time, str) and _RFC_3339.fullmatch(time):
        with suppress(msgspec.ValidationError):
            return msgspec.convert(time, datetime).timestamp()
    raise PydanticCustomError(
        "time", "must be a time of RFC 3339 with Z or an offset, such as 2027-01-01T00:00:00Z, and no leap second"
    )


_Value = TypeVar("_Value")

_Optional: TypeAlias = Annotated[_Value | None, BeforeValidator(_given)]

_Pattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=256)]

_ModeName: TypeAlias = Literal["Set", "Increase", "Decrease"]


class _Grant(StrictModel):
    modes: _Optional[Annotated[list[_ModeName], Field(min_length=1)]] = None
    groups: _Optional[Annotated[list[_Pattern], Field(min_length=1)]] = None
    keys: _Optional[Annotated[list[_Pattern], Field(min_length=1)]] = None
    at_most: _Optional[Annotated[int, Field(ge=0, le=INT64_MAX)]] = None

    def read(self) -> Grant:
        return Grant(
            modes=None if self.modes is None else frozenset(map(Mode, self.modes)),
            groups=None if self.groups is None else tuple(self.groups),
            keys=None if self.keys is None else tuple(self.keys),
            at_most=self.at_most,
        )


class _Caller(StrictModel):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    token: Annotated[str | None, BeforeValidator(_given), Field(pattern=VISIBLE, repr=False)] = None
    token_sha256: Annotated[str | None, BeforeValidator(_given), Field(pattern=r"^[0-9a-fA-F]{64}$", repr=False)] = None
    may: _Optional[list[_Grant]] = None
    read_patterns: _Optional[list[_Pattern]] = Field(default=None, alias="read")
    calls_per_second: _Optional[Annotated[float, Field(ge=0.01, le=10_000)]] = None
    not_after: Annotated[float | None, BeforeValidator(_moment)] = None

    def read(self, index: int, *, by_name: bool) -> Caller:
        """The caller, known by its token's digest, or by its name alone where that has rights."""
        if not self.name.isprintable():
            raise _wrong(f"callers[{index}].name", "holds a character that cannot be printed")
        if self.token is not None and self.token_sha256 is not None:
            raise _wrong(f"callers[{index}]", "needs either token or token_sha256")
        if not by_name and not self.model_fields_set - {"name"}:
            raise _wrong(f"callers[{index}]", "needs either token or token_sha256, or rights for those who are named")
        if self.token is not None and len(self.token) < TOKEN_CHARACTERS:
            raise _wrong(f"callers[{index}].token", f"that of {self.name} has less than {TOKEN_CHARACTERS} characters")
        digest = bytes.fromhex(self.token_sha256 or "")
        if self.token is not None:
            digest = hashlib.sha256(self.token.encode()).digest()
        rights = Rights(
            may=_grants(self.may),
            read=None if self.read_patterns is None else tuple(self.read_patterns),
            calls_per_second=self.calls_per_second,
        )
        return Caller(self.name, digest, self.token, rights, self.not_after)


class _Source(StrictModel):
    callers: _Optional[list[Annotated[str, Field(min_length=1, max_length=256)]]] = None
    may: _Optional[list[_Grant]] = None


class _Secret(StrictModel):
    sdkappid: Annotated[int, Field(ge=1, le=INT64_MAX)]
    identifier: Annotated[str, Field(pattern=IDENTIFIER)]
    key: Annotated[str, Field(pattern=VISIBLE, repr=False)]
    callers: list[_Caller] = Field(default_factory=list)
    sources: dict[str, object] = Field(default_factory=dict)


def _source(index: int, content: object) -> SourceRights:
    """The rights of the source at this place in `sources`, by which errors name it: its name is not theirs to show."""
    try:
        fields = _Source.model_validate(content)
    except ValidationError as error:
        problem = first_problem(error, f"sources[{index}]")
        raise _wrong(problem.field, problem.problem) from None
    callers = None if fields.callers is None else frozenset(fields.callers)
    return SourceRights(callers=callers, may=_grants(fields.may))


def _grants(grants: list[_Grant] | None) -> Grants | None:
    return None if grants is None else tuple(grant.read() for grant in grants)


def _check_shape(text: str) -> None:
    """Refuse what is no JSON object, and names that stand twice, of which the model would see only the last."""
    try:
        text.encode()
        document: object = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise _wrong("content", f"is not JSON at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise _wrong("content", "is not usable JSON") from None
    if not isinstance(document, dict):
        raise _wrong("content", "must be a JSON object")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document: dict[str, object] = {}
    for name, value in pairs:
        if name in document:
            raise _wrong(name, "stands twice")
        document[name] = value
    return document


def _check_tokens(callers: tuple[Caller, ...]) -> None:
    """Several callers may share a name while a token rotates; two names for one token would be a guess."""
    names: dict[bytes, str] = {}
    for index, caller in enumerate(callers):
        if caller.token_sha256 and names.setdefault(caller.token_sha256, caller.name) != caller.name:
            raise _wrong(f"callers[{index}]", "has the token of a caller with another name")


def _wrong(field: str, problem: str) -> SettingsError:
    shown = field if _SHOWABLE.fullmatch(field) else "a field"
    return SettingsError(VARIABLE, f"{shown} of the secret: {problem}")
