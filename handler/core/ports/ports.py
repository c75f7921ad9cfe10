"""What the core needs from outside: a ledger, the counter API, a clock, chance, and somebody to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from handler.core.model.codec import ROW_BYTES
from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Group
from handler.core.ports.ledger import Ledger
from handler.core.ports.shelf import Shelf
from handler.core.ports.system import Reporter
from handler.core.state.receipts import WeightSource


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


@dataclass(frozen=True, slots=True)
class Call:
    """One update: `values` holds the receipt too; signed with `time` and `life`, never with the moment of sending."""

    group: Group
    mode: Mode
    values: Mapping[str, int]
    time: int
    life: int


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

    def renew_credentials(self) -> None:
        """Fetch the secret anew, because the vendor says that it is wrong."""
        ...


class Clock(Protocol):
    """Local time."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class Chance(WeightSource, Protocol):
    """Randomness; `random.SystemRandom` and a seeded `random.Random` are ones."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def getrandbits(self, bits: int, /) -> int:
        """Return an integer of that many random bits."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside, as one warm instance has it."""

    ledger: Ledger
    api: CounterApi
    clock: Clock
    chance: Chance
    reporter: Reporter
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that exactness depends on. Times in seconds, those on the API's clock in whole ones."""

    receipt_key: str
    timeout_s: float
    life_s: int
    bound_s: float
    """An attempt is presumed dead this long after its time: life + guard, or the operator's bound."""
    guard_s: float
    calls_per_second: float
    cache_s: float = 300
    """How long an instance may go on with an older generation (R10)."""
    forget_s: float = 24 * 3600
    """A remembered attempt is kept this long after its death (R11)."""
    window_s: float = 15 * 24 * 3600
    """How long answers are kept, and how old what a source delivers may be (R11)."""
    row_bytes: int = ROW_BYTES
    """The longest text of a row (R13)."""

    def bound_of(self, attempt: Attempt) -> float:
        """How long after its time `attempt` is presumed dead: the row says what it was signed for, by whomever."""
        if self.bound_s < self.life_s + self.guard_s:
            return self.bound_s
        return max(self.bound_s, attempt.life + self.guard_s)
