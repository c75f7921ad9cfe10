"""What can go wrong in a small world, and what it excuses: each hazard is drawn once and happens at most once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from handler.core.ports import Rules
from tests.faults.network import Fate, ReadFate
from tests.faults.unreliable import LedgerFault
from tests.faults.vendor import EXPIRED, GONE, WRONG_KEY


@dataclass(frozen=True, slots=True)
class Crash:
    """Whoever takes this step dies, and its instance with it."""

    step: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """Whoever takes this step wakes so much later; its monotonic clock may stand still meanwhile."""

    step: int
    seconds: float
    stands_still: bool


@dataclass(frozen=True, slots=True)
class LedgerFails:
    """One call to the ledger fails, by its number."""

    call: int
    fault: LedgerFault


@dataclass(frozen=True, slots=True)
class Request:
    """One update, by its number, has a fate of its own. `breaks`: it breaks an assumption that the protocol repairs."""

    number: int
    fate: Fate
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """One read, by its number, has a fate of its own."""

    number: int
    fate: ReadFate


@dataclass(frozen=True, slots=True)
class ForeignData:
    """Somebody else moves a counter, as everybody may."""

    at_s: float


@dataclass(frozen=True, slots=True)
class ForeignReceipt:
    """Somebody else writes the receipt, which nobody may."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Dismissed:
    """The group goes away; it may be made anew under the same id."""

    at_s: float
    anew_after_s: float | None


@dataclass(frozen=True, slots=True)
class Restored:
    """The ledger is put back to what it held at an earlier moment; a new generation begins."""

    copied_at_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Rotated:
    """The app gets another key: the vault has it at the first moment, the API wants it from the second one on."""

    at_s: float
    wanted_at_s: float


@dataclass(frozen=True, slots=True)
class ClockJumps:
    """The wall clock of one instance jumps."""

    at_s: float
    place: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No call may name this key: the operations that do are refused for good, whomever they travel with."""

    key: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A call from before the beginning of the world lands: signed before anybody here looked at the group."""

    at_s: float


Hazard: TypeAlias = (
    Crash
    | Freeze
    | LedgerFails
    | Request
    | Read
    | ForeignData
    | ForeignReceipt
    | Dismissed
    | Restored
    | Rotated
    | ClockJumps
    | Forbidden
    | Stray
)

# What shows only to those who come later.
LASTING = ForeignReceipt | Dismissed | Restored

STEPS = 32
LEDGER_CALLS = 12
CODES = (10004, 10004, 10016, GONE, EXPIRED, WRONG_KEY, 60007, 60020)
UNCLEAR = (10002, 60008)


def _crash(chance: random.Random, rules: Rules) -> Hazard:
    return Crash(1 + int(chance.random() * STEPS))


def _freeze(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return Freeze(1 + int(draw() * STEPS), 0.1 + 4 * (rules.bound_s + 1) * draw() * draw(), draw() < 0.3)


def _ledger(chance: random.Random, rules: Rules) -> Hazard:
    return LedgerFails(1 + int(chance.random() * LEDGER_CALLS), chance.choice((*LedgerFault, LedgerFault.LOST)))


def _number(chance: random.Random) -> int:
    return int(2.4 * chance.random() * chance.random())


def _lost(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return Request(_number(chance), Fate(None if draw() < 0.5 else draw() * rules.life_s, replies=False))


def _late(chance: random.Random, rules: Rules) -> Hazard:
    """As late as the signature and the guard allow."""
    draw = chance.random
    at_the_end = 0.9 * draw() if draw() < 0.5 else None
    work_s = rules.guard_s * (0.99 if draw() < 0.5 else draw())
    return Request(_number(chance), Fate(draw() * 1.5 * rules.life_s, draw() < 0.5, at_the_end, work_s, draw()))


def _refused(chance: random.Random, rules: Rules) -> Hazard:
    return Request(_number(chance), Fate(code=chance.choice((*CODES, *UNCLEAR)), replies=chance.random() < 0.9))


def _lied(chance: random.Random, rules: Rules) -> Hazard:
    return Request(_number(chance), Fate(code=chance.choice(CODES), lies=True), breaks=True)


def _unclear(chance: random.Random, rules: Rules) -> Hazard:
    """An answer that proves nothing; the call takes effect all the same, at once or as late as the guard allows."""
    work_s = rules.guard_s * chance.random() if chance.random() < 0.5 else 0.0
    return Request(_number(chance), Fate(code=chance.choice(UNCLEAR), lies=True, lands_after_s=work_s))


def _unsent(chance: random.Random, rules: Rules) -> Hazard:
    return Request(_number(chance), Fate(leaves=False))


def _outlives(chance: random.Random, rules: Rules) -> Hazard:
    """The API works on it until long after the guard."""
    work_s = rules.guard_s + 1 + chance.random() * 3 * (rules.bound_s + 1)
    return Request(_number(chance), Fate(lands_after_s=work_s, replies=False), breaks=True)


def _copied(chance: random.Random, rules: Rules) -> Hazard:
    return Request(
        _number(chance),
        Fate(copies=2, copied_after_s=chance.choice((0.0, 0.3)), replies=chance.random() < 0.7),
        breaks=True,
    )


def _read(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    slow_s = draw() * rules.timeout_s
    fate = chance.choice((ReadFate(replies=False), ReadFate(reply_after_s=slow_s), ReadFate(code=chance.choice(CODES))))
    return Read(int(3 * draw() * draw()), fate)


def _foreign_data(chance: random.Random, rules: Rules) -> Hazard:
    return ForeignData(chance.random() * 2)


def _foreign_receipt(chance: random.Random, rules: Rules) -> Hazard:
    return ForeignReceipt(chance.random() * 2)


def _dismissed(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return Dismissed(draw() * 3 * draw(), draw() * 3 if draw() < 0.6 else None)


def _restored(chance: random.Random, rules: Rules) -> Hazard:
    copied_s = chance.random() * 1.5 * chance.random()
    return Restored(copied_s, copied_s + chance.random() * 3)


def _rotated(chance: random.Random, rules: Rules) -> Hazard:
    at_s = chance.random() * 0.5
    return Rotated(at_s, at_s + chance.choice((0.0, 0.2, 3.0)))


def _jumps(chance: random.Random, rules: Rules) -> Hazard:
    return ClockJumps(chance.random() * 2, int(chance.random() * 3), chance.uniform(-40, 40))


def _forbidden(chance: random.Random, rules: Rules) -> Hazard:
    return Forbidden(chance.choice("ab"))


def _stray(chance: random.Random, rules: Rules) -> Hazard:
    return Stray(chance.random() * rules.bound_s)


HAZARDS: tuple[Callable[[random.Random, Rules], Hazard], ...] = (
    *(_crash, _crash, _crash, _freeze, _freeze, _ledger, _ledger, _ledger),
    *(_lost, _lost, _lost, _late, _late, _late, _refused, _refused, _lied, _unclear, _unsent, _outlives, _outlives),
    *(
        _copied,
        _read,
        _read,
        _foreign_data,
        _foreign_receipt,
        _dismissed,
        _restored,
        _rotated,
        _jumps,
        _forbidden,
        _stray,
    ),
)
"""Drawn from evenly: what stands here more often comes more often."""
