"""What can become of an operation.

Answer   final, stored for the window:  Applied, Rejected, Unknown (only without receipts)
Waiting  accepted and owed:             Pending, Stalled (the app is refused), Frozen (the group is)
KeyReused                               nothing was done: the key belongs to other content
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from handler.core.model.operation import Counters
from handler.core.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Applied:
    """It took effect, once. `counters` are the group's values after its share, in the caller's order of keys.

    `observed_later`: the reply was lost, so the values are those seen when the receipt was read.
    """

    counters: Counters
    observed_later: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The vendor refused this very operation for good; `code` and `info` are its ErrorCode and ErrorInfo."""

    code: int
    info: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Without receipts, an increase or decrease whose reply was lost: it is never repeated."""

    reason: str
    replayed: bool = False


Answer: TypeAlias = Applied | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted and owed; it will be applied exactly once or refused for good."""

    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Stalled:
    """Accepted and owed, while the vendor refuses the whole app with `code`."""

    code: int
    info: str
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """Accepted, but the receipt shows what nothing explains: only an operator can move the group on."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The idempotency key is known with other content; nothing was accepted."""


Outcome: TypeAlias = Answer | Pending | Stalled | Frozen | KeyReused
