"""Twins: records of a stream that ask for the same, which the log cannot tell apart. Only their number counts."""

from collections.abc import Collection, Iterator, Sequence

from tests.faults.auditor.counting import HALF, count, is_countable, is_hidden, most
from tests.faults.auditor.evidence import APPLIED, FROZEN, WAITING, Asked, Facts
from tests.faults.world.vendor import Landing

TAKEN = frozenset({APPLIED, FROZEN, WAITING})


def twins_among(asked: Sequence[Asked]) -> list[list[Asked]]:
    """Those that ask for the same as others do, together."""
    digits: dict[int, list[Asked]] = {}
    for one in asked:
        digits.setdefault(one.index, []).append(one)
    return [ones for ones in digits.values() if len(ones) > 1]


def audit_twins(ones: Sequence[Asked], lines: list[Landing], facts: Facts) -> Iterator[str]:
    """As many count, or are parked, as their source was told are taken, and never more than there are."""
    first, counts = ones[0], [count(ones[0], line) for line in lines]
    if not is_countable(first):
        return
    if not facts.broken and most(counts, lines) > len(ones):
        yield f"{first.name} landed more often than {len(ones)} times"
    is_unsure = facts.dismissed or facts.restored or (facts.broken and (facts.tampered or is_hidden(counts, lines)))
    if first.group in facts.frozen or is_unsure:
        return
    net, parked = sum(counts), sum(_times(first, content) for content in _parked(facts))
    taken = sum(one.acknowledged or any(told.kind in TAKEN for told in one.told) for one in ones)
    if not taken <= net + parked <= len(ones):
        yield f"{first.name} counts {net} times and is parked {parked} times; {taken} of {len(ones)} were taken"
    if sum(map(abs, counts)) > len(ones) and not (
        facts.hushed or facts.notices & {"late_landing_corrected", "refusal_disproved"}
    ):
        yield f"{first.name} landed late and nobody was told"


def audit_origins(asked: Sequence[Asked], facts: Facts) -> Iterator[str]:
    """What is parked was asked for, by one record or by twins. All that add nothing ask for the same."""
    places = {one.place for one in asked}
    twins = [*(ones[0] for ones in twins_among(asked)), *(one for one in asked if not is_countable(one))]
    for place, (content, reason) in facts.parked.items():
        if not reason or (place not in places and not any(_times(one, content) for one in twins)):
            yield f"{place} is parked as {content} because of {reason!r}, which nobody asked for"


def _parked(facts: Facts) -> Collection[object]:
    """What was ever parked, each record of the store once."""
    return [*(content for content, _ in facts.parked.values()), *facts.dropped]


def _times(one: Asked, content: object) -> int:
    """How many twins what is parked stands for; 0 if it is of something else."""
    for times in range(1, HALF):
        sums = tuple((name, times * value) for name, value in one.counters)
        if content == (one.mode, sums):
            return times
    return 0
