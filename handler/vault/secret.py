"""The secret's JSON: `{"sdkappid", "identifier", "key", "callers": [{"name", "token" or "token_sha256"}]}`."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated

from pydantic import Field, ValidationError

from handler.core.errors import SettingsError
from handler.core.model.operation import INT64_MAX
from handler.core.model.payload import StrictModel, first_problem
from handler.core.ports.vault import Caller, Secret

VARIABLE = "CHAT_SECRET"

# The vendor's UserIDs: up to 32 bytes of these (trtc.io/document/34385).
IDENTIFIER = r"^[a-zA-Z0-9_-]{1,32}$"

# Keys and tokens travel in headers or are pasted by hand: a space or a line end in one is a slip, and shows up as a
# wrong signature or an unknown caller only.
VISIBLE = r"^[\x21-\x7e]+$"

# Names that errors may show. Another name may be the key itself, put there by mistake.
_SHOWABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_\[\].]{0,31}")


def parse(text: str) -> Secret:
    """Read the secret; raises SettingsError that names the wrong field and shows no value, not even of broken JSON."""
    _check_shape(text)
    try:
        fields = _Secret.model_validate_json(text)
    except ValidationError as error:
        problem = first_problem(error)
        raise _wrong(problem.field, problem.problem) from None
    callers = tuple(caller.read(index) for index, caller in enumerate(fields.callers))
    _check_tokens(callers)
    return Secret(fields.sdkappid, fields.identifier, fields.key, callers)


class _Caller(StrictModel):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    token: Annotated[str | None, Field(pattern=VISIBLE, repr=False)] = None
    token_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-fA-F]{64}$", repr=False)] = None

    def read(self, index: int) -> Caller:
        """The caller, known by its token's digest."""
        if not self.name.isprintable():
            raise _wrong(f"callers[{index}].name", "holds a character that cannot be printed")
        if self.token is not None and self.token_sha256 is None:
            return Caller(self.name, hashlib.sha256(self.token.encode()).digest(), self.token)
        if self.token is None and self.token_sha256 is not None:
            return Caller(self.name, bytes.fromhex(self.token_sha256))
        raise _wrong(f"callers[{index}]", "needs either token or token_sha256")


class _Secret(StrictModel):
    sdkappid: Annotated[int, Field(ge=1, le=INT64_MAX)]
    identifier: Annotated[str, Field(pattern=IDENTIFIER)]
    key: Annotated[str, Field(pattern=VISIBLE, repr=False)]
    callers: list[_Caller] = Field(default_factory=list)


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
        if names.setdefault(caller.token_sha256, caller.name) != caller.name:
            raise _wrong(f"callers[{index}]", "has the token of a caller with another name")


def _wrong(field: str, problem: str) -> SettingsError:
    shown = field if _SHOWABLE.fullmatch(field) else "a field"
    return SettingsError(VARIABLE, f"{shown} of the secret: {problem}")
