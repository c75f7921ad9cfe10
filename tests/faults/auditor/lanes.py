"""The order of a stream: a Set has its effect behind the records before it, and before those behind it (R13)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from tests.faults.auditor.counting import count, is_countable
from tests.faults.auditor.evidence import Asked, Facts
from tests.faults.world.vendor import Landing


def audit_order(log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """None of two records, one of which sets and one of which adds, lands before one that was taken before it.

    Among records that add the order makes no difference, and Sets of small worlds have counters of their own.
    """
    if facts.broken or facts.restored or facts.dismissed:
        return
    digits = Counter(one.index for lane in facts.in_order for one in lane)
    for lane in facts.in_order:
        # Twins cannot be told apart.
        alone = [one for one in lane if one.acknowledged and is_countable(one) and digits[one.index] == 1]
        landed = [(one, at) for one in alone if (at := _landed(one, log)) is not None]
        for (earlier, first), (later, second) in combinations(landed, 2):
            if (earlier.mode == "Set") != (later.mode == "Set") and second < first:
                yield f"{later.name} landed before {earlier.name}, which its source had before it"


def _landed(one: Asked, log: Sequence[Landing]) -> int | None:
    """The line of the log that first carried it."""
    return next((at for at, line in enumerate(log) if count(one, line)), None)
