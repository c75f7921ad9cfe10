"""The range of a receipt: no attempt brings it below zero, nor near the end of what a counter holds (R2, R9).

The vendor's page does not say that a counter may be negative. Where a Decrease stops at zero, or is refused there, a
receipt that starts at zero would show nothing of it. So the receipt is lifted far up before the first Decrease.
"""

from __future__ import annotations

from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode

# How far a lift raises the receipt, beside its own weight: enough for some 2^28 Decreases.
LIFT = 2**48

# From here on nothing that is open or remembered, copies included, can bring the receipt below zero.
DECREASE_FROM = 2**32

# A receipt outside this range cannot come from this function, so it is not adopted.
ADOPTED_MIN = -(2**32)
ADOPTED_MAX = 2**62

# An adopted receipt moves on, and rows of earlier versions may stand lower: as far down as one lift still reaches.
COUNTED_MIN = DECREASE_FROM - LIFT
COUNTED_MAX = ADOPTED_MAX + 2**61

_LEAST = {Mode.INCREASE: COUNTED_MIN, Mode.DECREASE: DECREASE_FROM, Mode.SET: 0}


def open_between(receipt_key: str, mode: Mode) -> tuple[int, int]:
    """The least and the greatest base on which an attempt of this Mode may be opened without a look at the receipt."""
    return (_LEAST[mode], COUNTED_MAX) if receipt_key else (INT64_MIN, INT64_MAX)


def needs_lift(receipt_key: str, base: int, mode: Mode) -> bool:
    """Whether a lift goes first: without a receipt there is nothing to lift."""
    return bool(receipt_key) and mode is Mode.DECREASE and base < DECREASE_FROM


def set_above(base: int, mode: Mode) -> int:
    """What is added to the weight of a Set below zero, so that it writes the weight itself into the receipt."""
    return max(-base, 0) if mode is Mode.SET else 0


def why_not_counted(receipt_key: str, base: int) -> str | None:
    """Why nothing is opened on this base, if so: each call would be refused, or would lift it again and again."""
    return None if not receipt_key or COUNTED_MIN <= base <= COUNTED_MAX else _outside(base)


def why_not_adopted(value: int) -> str | None:
    """Why a receipt with this value is not taken over, if so."""
    return None if ADOPTED_MIN <= value <= ADOPTED_MAX else _outside(value)


def _outside(value: int) -> str:
    return f"the receipt shows {value}, too far off to count from: set that counter to 0, then adopt the group"
