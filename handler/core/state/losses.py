"""The cost of lost calls to a group: how many of them it remembers, and when its next attempt may open (R11).

A lost call never freezes a group, however many there were: dead attempts cannot land any more, and if one does all the
same, the receipt shows what nothing explains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Remembered, Row
from handler.core.state.merge import payload_of

REMEMBERED_MAX = 8

# However many calls in a row were lost, the next attempt does not wait longer than this, or than the bound.
INTERVAL_MAX_S = 60.0

# This many losses in a row raise an alarm.
ALARMING = 8


def giving_way(memory: Sequence[Remembered], most: int = REMEMBERED_MAX) -> Remembered | None:
    """Which past attempt a full memory drops for one more: of those that are worth least, the oldest."""
    return min(memory, key=_worth) if len(memory) >= most else None


def _worth(past: Remembered) -> int:
    """An expired Set is recognised by nothing if it lands late, and a refused attempt hardly ever lands.

    A payment that was refused for good is kept like an expired one: how many there are ends the trying (R6).
    """
    if past.refused:
        return 2 if past.for_good else 1
    return 0 if past.attempt.mode is Mode.SET else 2


def remembering(memory: Sequence[Remembered], past: Remembered, most: int = REMEMBERED_MAX) -> tuple[Remembered, ...]:
    """Memory with one more in it, in the order of age; the newest is always kept."""
    gone = giving_way(memory, most)
    return (*(other for other in memory if other is not gone), past)


def lost_in_a_row(row: Row) -> tuple[Attempt, ...]:
    """The expired attempts, refused ones apart, that have had the same base since: no call has landed between them."""
    return tuple(past.attempt for past in row.remembered if not past.refused and past.attempt.base == row.base)


def opens_at(row: Row, bound_of: Callable[[Attempt], float]) -> float:
    """The API time before which no attempt is opened: at growing intervals where calls are lost one after another."""
    lost = lost_in_a_row(row)
    if not lost:
        return float("-inf")
    bound_s = bound_of(lost[-1])
    doubled_s: float = bound_s * 2 ** (len(lost) - 1)
    return lost[-1].signed_at + max(bound_s, min(INTERVAL_MAX_S, doubled_s))


def told(past: Remembered) -> dict[str, str | float | None]:
    """Evidence for the log line of a dropped attempt: enough to recognise it by, should it land."""
    values = dict(past.folded)
    for key, value in payload_of(past.attempt).items():
        values[key] = value if past.attempt.mode is Mode.SET else values.get(key, 0) + value
    return {
        "attempt": past.attempt.id,
        "weight": past.attempt.weight,
        "mode": past.attempt.mode.value,
        "payload": json.dumps(values, ensure_ascii=False),
    }
