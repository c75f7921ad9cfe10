"""What the core needs from outside: a ledger, the counter API, a clock, chance, and somebody to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from handler.core.commands import Mode
from handler.core.notices import Reporter
from handler.core.receipts import WeightSource
from handler.core.rows import Attempt, Group, Records, Row, Settlement


@dataclass(frozen=True, slots=True)
class Generation:
    """Which life of the store this is (R10): raised when it is restored or fails over. `started` is the API's time."""

    number: int
    started: int


class Ledger(Protocol):
    """One durable row per group and one record per finished operation.

    Every method raises LedgerUnavailable when the ledger cannot be used and nothing was written; the three that write
    raise AnswerLost when a write may have taken effect without an answer.
    """

    timeout_s: float
    """How long one call usually takes at most, in seconds: no send begins without two of them in hand (R3)."""

    def load(self, group: Group) -> Row | None:
        """The row, read strongly."""
        ...

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """The records that exist, read strongly, expired ones included while they physically exist."""
        ...

    def begin(self, group: Group, attempt: Attempt, receipt_key: str, generation: int) -> Row | None:
        """The fast path of R1: accept and open the attempt's operations in one atomic step.

        Only if no record of theirs exists and `Row.is_idle(receipt_key, generation)`; None where that does not hold.
        """
        ...

    def swap(self, group: Group, row: Row, records: Records) -> bool:
        """Write `row` with the records, atomically, if the stored version is `row.version - 1` (absent for 1)."""
        ...

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5: records before or with the row, the queue untouched; False if it does not hold."""
        ...

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups whose row is unfinished, in order of id, those after `after`, at most `limit`."""
        ...

    def generation(self) -> Generation:
        """The store's current generation."""
        ...


class Fault(Enum):
    """Whose fault a definite refusal is (R6)."""

    OPERATION = "operation"
    APP = "app"
    RATE = "rate"
    SIGNATURE = "signature"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Counted:
    """The API did it, or told: the values of the keys, and its `Date` in whole seconds."""

    values: Mapping[str, int]
    date: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite refusal of this very request: it had no effect. `code` and `info` are the vendor's."""

    code: int
    info: str
    fault: Fault
    date: int | None


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer that tells: the request may have had its effect, may still have it, or never will."""

    reason: str
    date: int | None = None


@dataclass(frozen=True, slots=True)
class Unsent:
    """The request never left: no connection could be made."""

    reason: str
    date: int | None = None


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

    def update(self, call: Call) -> Reply:
        """Send one update."""
        ...

    def read(self, group: Group, keys: Sequence[str], now: int) -> Reply:
        """Read these counters, all of them if `keys` is empty; signed at `now`, on the API's clock."""
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

    def bound_of(self, attempt: Attempt) -> float:
        """How long after its time `attempt` is presumed dead: the row says what it was signed for, by whomever."""
        if self.bound_s < self.life_s + self.guard_s:
            return self.bound_s
        return max(self.bound_s, attempt.life + self.guard_s)
