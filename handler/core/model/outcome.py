"""What can become of an operation.

Answer   final, stored for the window:  Applied, Rejected, Unknown (only without receipts)
Waiting  accepted and owed:             Pending, Stalled (the app is refused), Frozen (the group is)
KeyReused                               nothing was done: the key belongs to other content
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from handler.core.model.operation import Counters


class Applied(msgspec.Struct, frozen=True):
    """It took effect, once. `counters` are the group's values after its share, in the caller's order of keys.

    `observed_later`: the reply was lost, so the values are those seen when the receipt was read.
    """

    counters: Counters
    observed_later: bool = False
    replayed: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """The vendor refused this very operation for good; `code` and `info` are its ErrorCode and ErrorInfo."""

    code: int
    info: str
    replayed: bool = False


class Unknown(msgspec.Struct, frozen=True):
    """Without receipts, an increase or decrease whose reply was lost: it is never repeated."""

    reason: str
    replayed: bool = False


Answer: TypeAlias = Applied | Rejected | Unknown


class Pending(msgspec.Struct, frozen=True):
    """Accepted and owed; it will be applied exactly once or refused for good."""

    retry_after_s: float


class Stalled(msgspec.Struct, frozen=True):
    """Accepted and owed, while the vendor refuses the whole app with `code`."""

    code: int
    info: str
    retry_after_s: float


class Frozen(msgspec.Struct, frozen=True):
    """Accepted, but the receipt shows what nothing explains: only an operator can move the group on."""

    reason: str


class KeyReused(msgspec.Struct, frozen=True):
    """The idempotency key is known with other content; nothing was accepted."""


Outcome: TypeAlias = Answer | Pending | Stalled | Frozen | KeyReused

_STATES: Mapping[type[Outcome], str] = {
    Applied: "applied",
    Rejected: "rejected",
    Unknown: "unknown",
    Pending: "pending",
    Stalled: "pending",
    Frozen: "frozen",
    KeyReused: "key-reused",
}


def state_of(outcome: Outcome) -> str:
    """The outcome in one word, as replies and reports name it."""
    return _STATES[type(outcome)]
