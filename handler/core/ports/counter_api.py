"""The vendor's group counters: what one call says, what came of it, and the port that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

import msgspec

from handler.core.model.operation import Counters, Mode
from handler.core.model.row import Group


class Fault(Enum):
    """Whose fault a definite refusal is (R6)."""

    OPERATION = "operation"
    APP = "app"
    RATE = "rate"
    SIGNATURE = "signature"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Counted:
    """The API did it, or told: the values of the keys, and its `Date` in whole seconds.

    `connection` tells, here and below, which connection the reply came on: it is a number that no other one has, and
    no part of what was said.
    """

    values: Mapping[str, int]
    date: int | None
    connection: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite refusal of this very request: it had no effect. `code` and `info` are the vendor's."""

    code: int
    info: str
    fault: Fault
    date: int | None
    connection: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer that tells: the request may have had its effect, may still have it, or never will."""

    reason: str
    date: int | None = None
    connection: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unsent:
    """The request never left: no connection could be made."""

    reason: str
    date: int | None = None
    connection: int | None = field(default=None, compare=False)


Reply: TypeAlias = Counted | Refused | Unclear | Unsent


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One update, `values` with the receipt; its signature starts at `signed_at`, not at the moment of sending."""

    group: Group
    mode: Mode
    values: Mapping[str, int]
    signed_at: int
    life_s: int


class CounterApi(Protocol):
    """The vendor's group counters. Every method makes one request, never repeats it, and returns what it learned."""

    host: str
    """Where the requests go, as reports name it: no path, no query."""

    def update(self, call: Call) -> Reply:
        """Send one update."""
        ...

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        """Read these counters, all of them if `keys` is empty; signed at `now`, on the API's clock.

        A `fresh` one goes over a new connection, which may lead to another host of the API.
        """
        ...

    def renew_credentials(self) -> bool:
        """Fetch the secret again, because the vendor says that it is wrong; whether it is another one now."""
        ...


# The vendor advises signatures of a day and more, so two days are long in every app.
LONG_LIFE_S = 2 * 24 * 3600


class ProbeCall(msgspec.Struct, frozen=True, kw_only=True):
    """One update as a test wants it: signed for any time and life, with any `random`, and even with a key twice."""

    group: Group
    mode: Mode
    counters: Counters
    signed_at: int
    life_s: int
    random: int | None = None
    """The URL's number; None draws a fresh one."""


class ProbeApi(Protocol):
    """The vendor's API without the manners of `CounterApi`. Each method makes one request and never repeats it."""

    def update(self, trial: ProbeCall) -> Reply:
        """Send one update."""
        ...

    def read(self, group: Group, signed_at: int, life_s: int, *, fresh: bool = False) -> Reply:
        """Read all counters of the group; a `fresh` read goes over a new connection."""
        ...
