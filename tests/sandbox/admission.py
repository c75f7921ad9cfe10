"""Whether the API lets a call in: URL, signature, caller's rights, rate limit and body, checked in this order."""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from tests.sandbox import commands, signatures
from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import Command, Name
from tests.sandbox.signatures import Signature
from tests.sandbox.violations import Violations

_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_MOST_RANDOM: Final = 2**32 - 1

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it comes from the network: the command that its path names, its query string and its body."""

    name: Name
    query: str = field(repr=False)
    body: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may call: the app's SDKAppID, the keys valid now (several while one is being replaced) and its admins."""

    sdkappid: int
    keys: tuple[str, ...] = field(repr=False)
    admins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a call says, before anything is judged. A part that cannot be read is the refusal that it deserves."""

    name: Name
    parameters: Mapping[str, str] | RefusalError = field(repr=False)
    signature: Signature | RefusalError
    fields: Mapping[str, object] | RefusalError
    command: Command | RefusalError

    @property
    def group(self) -> str | None:
        """The GroupId, if the body names one, even a wrong one."""
        named = None if isinstance(self.fields, RefusalError) else self.fields.get("GroupId")
        return named if isinstance(named, str) else None

    @property
    def random(self) -> int | None:
        """The URL's `random`, if it is a number."""
        text = "" if isinstance(self.parameters, RefusalError) else self.parameters.get("random", "")
        return int(text) if _DIGITS.fullmatch(text) else None


def read(call: Call) -> Reading:
    parameters = _attempt(lambda: _parameters(call.query))
    fields = _attempt(lambda: commands.fields_of(call.body))
    return Reading(
        name=call.name,
        parameters=parameters,
        signature=_attempt(lambda: signatures.decode(_readable(parameters).get("usersig", ""))),
        fields=fields,
        command=_attempt(lambda: commands.parse(call.name, _readable(fields))),
    )


class RateLimit:
    """At most so many calls of one command in any second; `None` is no limit. A refused call is not counted.

    The vendor's figure is 200 a second for each API (cloud.tencent.com/document/product/269/85952); that it holds per
    command and app is likely and not documented.
    """

    def __init__(self, calls_per_second: int | None) -> None:
        self.calls_per_second = calls_per_second
        self._taken: dict[Name, deque[float]] = {}

    def take(self, name: Name, now: float) -> None:
        """Count one call; `RefusalError` 60007 when the last second is full."""
        if self.calls_per_second is None:
            return
        taken = self._taken.setdefault(name, deque())
        # A call that lies ahead was counted before the clock was set back, and must not fill the seconds until then.
        while taken and not now - 1 < taken[0] <= now:
            taken.popleft()
        if len(taken) >= self.calls_per_second:
            raise RefusalError(60007)
        taken.append(now)


def admit(
    reading: Reading, credentials: Credentials, limit: RateLimit, now: float, violations: Violations | None = None
) -> tuple[Signature, Command]:
    """The signature and the command of a call that the API lets in; `RefusalError` for every other."""
    parameters = _readable(reading.parameters)
    _check_url(parameters, credentials.sdkappid)
    signature = _readable(reading.signature)
    identifier = parameters["identifier"]
    checked_at = now if violations is None else violations.checked_at(signature, now)
    app, keys = credentials.sdkappid, credentials.keys
    signatures.check(signature, sdkappid=app, identifier=identifier, keys=keys, now=checked_at)
    if identifier not in credentials.admins:
        raise RefusalError(60010)
    limit.take(reading.name, now)
    if isinstance(reading.command, RefusalError):
        raise reading.command
    if violations is not None:
        violations.accept(signature)
    return signature, reading.command


def _check_url(parameters: Mapping[str, str], sdkappid: int) -> None:
    if not parameters.get("sdkappid"):
        raise RefusalError(60012)
    if not _DIGITS.fullmatch(parameters["sdkappid"]):
        raise RefusalError(60006)
    if parameters.get("contenttype") != "json":
        raise RefusalError(60025, "contenttype must be json")
    random = parameters.get("random", "")
    if not _DIGITS.fullmatch(random) or int(random) > _MOST_RANDOM:
        raise RefusalError(60002, f"random must be an integer from 0 to {_MOST_RANDOM}")
    if not parameters.get("identifier"):
        raise RefusalError(60004)
    if int(parameters["sdkappid"]) != sdkappid:
        raise RefusalError(70020)


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError:
        raise RefusalError(60002) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise RefusalError(60002, "a parameter is given twice")
    return parameters


def _attempt(part: Callable[[], _Part]) -> _Part | RefusalError:
    try:
        return part()
    except RefusalError as refusal:
        return refusal


def _readable(part: _Part | RefusalError) -> _Part:
    if isinstance(part, RefusalError):
        raise part
    return part
