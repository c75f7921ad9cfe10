"""What a receipt value proves: weights, their signed subset sums, and the verdict (R2, R4, R7).

Each attempt moves the group's receipt by a weight of its own. The weights of everything that may still land are
chosen so that every set of landings moves the receipt by a different amount: the amount then names the set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Remembered, Row

# A foreign write passes for a landing with a chance of about 2^-19, and 2^33 operations stay below 2^53, the largest
# whole number that the vendor's Web client shows exactly.
WEIGHT_MIN = 2**19
WEIGHT_MAX = 2**20

# More copies of one request than this are no longer explained as a proxy's repetition.
COPIES_MAX = 8


class WeightSource(Protocol):
    """Where random weights come from; `random.SystemRandom` and a seeded `random.Random` are ones."""

    def randrange(self, start: int, stop: int, /) -> int:
        """Return a number in [start, stop)."""
        ...


class Landed(msgspec.Struct, frozen=True):
    """The receipt moved by exactly these attempts: id -> how often each landed."""

    times: Mapping[str, int]


class NotLanded(msgspec.Struct, frozen=True):
    """The receipt has not moved, and the attempt is dead: it can never land any more (R4 b)."""


class TooEarly(msgspec.Struct, frozen=True):
    """The receipt has not moved yet; nothing may be concluded (R4 d)."""


class Unexplained(msgspec.Struct, frozen=True):
    """The receipt moved by an amount that no set of landings explains (R7)."""

    value: int


ReceiptVerdict: TypeAlias = Landed | NotLanded | TooEarly | Unexplained


class ReceiptReading(msgspec.Struct, frozen=True):
    """A receipt value seen, and the API's time after which it was certainly asked for (`certain`)."""

    value: int
    asked_after: int | None

    def is_after(self, moment: float) -> bool:
        """Whether the API's clock had certainly passed `moment` when the question was sent."""
        return self.asked_after is not None and self.asked_after >= moment


def certain(heard: int | None, own: int | None, took_s: float) -> int | None:
    """The API's time that two `Date`s agree to have passed when a question was sent: one `heard` before, and its own.

    One wrong reply judges nothing (R4 b). What the answer shows may be as old as the question, which took so long.
    """
    return None if heard is None or own is None else min(heard, own - int(took_s))


def death(attempt: Attempt, bound_s: float) -> float:
    """The API time from which `attempt` can no longer land: the 1 is there because both sides count whole seconds.

    `bound_s` is life + guard, or the operator's own bound.
    """
    return attempt.signed_at + bound_s + 1


def past_s(bound_s: float, guard_s: float) -> float:
    """How long after a moment, by whichever host's clock, nothing can land any more that was signed before it (R12)."""
    return bound_s + 1 + guard_s


def judge(row: Row, sight: ReceiptReading, bound_s: float) -> ReceiptVerdict:
    """Say what a receipt value proves about the row's open attempt and about the remembered ones."""
    if sight.value == row.base:
        dead = row.attempt is None or sight.is_after(death(row.attempt, bound_s))
        return NotLanded() if dead else TooEarly()
    times = explain(sight.value - (row.base or 0), _candidates(row), row.base or 0)
    return Unexplained(sight.value) if times is None else Landed(times)


def _candidates(row: Row) -> list[Attempt]:
    remembered = [past.attempt for past in row.remembered if _is_candidate(past, row)]
    return [*remembered, row.attempt] if row.attempt else remembered


def _is_candidate(past: Remembered, row: Row) -> bool:
    """Whether a landing of a past attempt can be told, and settled.

    An expired Set that lands late overwrites, so it shows as unexplained (R7). A refused one that landed all the same
    did so before its reply, and so before any later attempt: as long as the base has not moved since and everything
    that it carried is still owed, it is a landing like any other.
    """
    if past.attempt.mode is not Mode.SET:
        return True
    return past.refused and past.attempt.base == row.base and bool(past.attempt.entries) and not past.folded


def explain(moved: int, candidates: Sequence[Attempt], base: int) -> Mapping[str, int] | None:
    """Find the landings that move a receipt by `moved`: a signed subset sum, or one attempt several times."""
    sums: dict[int, dict[str, int]] = {0: {}}
    for attempt in candidates:
        for total, times in list(sums.items()):
            sums.setdefault(total + attempt.shift(base), {**times, attempt.id: 1})
    if moved in sums:
        return sums[moved]
    for attempt in candidates:
        copies, rest = divmod(moved, attempt.shift(base))
        # A second copy of a Set changes nothing, the receipt included.
        if attempt.mode is not Mode.SET and rest == 0 and 1 < copies <= COPIES_MAX:
            return {attempt.id: copies}
    return None


def choose_weight(shifts: Sequence[int], source: WeightSource, above: int = 0) -> int:
    """Draw a weight for which all signed subset sums of what may still land and of the new attempt differ.

    `shifts` are what the remembered attempts would add to the receipt; the weight is drawn `above` so much. The new
    attempt's own sign makes no difference: two sums that differ by the weight clash in either direction.
    """
    # With nothing remembered there is only the sum of nothing, and every weight will do.
    sums: frozenset[int] = subset_sums(shifts) if shifts else frozenset()
    while True:
        weight = above + source.randrange(WEIGHT_MIN, WEIGHT_MAX)
        if sums.isdisjoint(total + weight for total in sums):
            return weight


def subset_sums(shifts: Sequence[int]) -> frozenset[int]:
    """Every amount that some subset of `shifts` adds up to, the empty one included."""
    sums = {0}
    for shift in shifts:
        sums |= {total + shift for total in sums}
    return frozenset(sums)
