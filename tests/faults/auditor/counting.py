"""What the vendor's log says of one operation: how often it landed, and which values were true."""

from collections.abc import Iterator, Mapping
from itertools import product

from tests.faults.auditor.evidence import Asked, Told
from tests.faults.world.vendor import CALL, DISMISSED, Landing

DIGIT_BITS = 6
PLACES = 8
HALF = 1 << (DIGIT_BITS - 1)
OFFSET = sum(HALF << DIGIT_BITS * place for place in range(PLACES))

# A look that comes before a Set, the opening of its attempt and its way to the API take less than this together.
HIDDEN_S = 3.0


def is_countable(one: Asked) -> bool:
    """Whether the log can tell at all: an operation that adds nothing leaves no digit."""
    return any(value for _, value in one.counters)


def lowers(one: Asked) -> bool:
    return any((value > 0) == (one.mode == "Decrease") for _, value in one.counters if value) and one.mode != "Set"


def count(one: Asked, line: Landing) -> int:
    """How often a line of the log carried the operation; negative where it took it back."""
    if line.kind != CALL:
        return 0
    key, value = one.counters[0]
    if one.mode == "Set":
        return int(line.mode == "Set" and line.values.get(key) == value)
    if line.mode == "Set":
        return 0
    times = digit(line.values.get(key, 0), one.index)
    return times * (1 if value > 0 else -1) * (1 if line.mode == one.mode else -1)


def digit(value: int, place: int) -> int:
    """The digit of a number in a place, between -32 and 31."""
    return ((value + OFFSET) >> DIGIT_BITS * place & (2 * HALF - 1)) - HALF


def most(counts: list[int], lines: list[Landing]) -> int:
    """How often it landed in the life of one group."""
    most = life = 0
    for count, line in zip(counts, lines, strict=True):
        life = 0 if line.kind == DISMISSED else life + abs(count)
        most = max(most, life)
    return most


def counts_now(counts: list[int], lines: list[Landing]) -> bool:
    """Whether the group as it is now has it: with a group that was dismissed its counters are gone."""
    ends = [place for place, line in enumerate(lines) if line.kind == DISMISSED]
    return any(counts[ends[-1] + 1 if ends else 0 :])


def is_hidden(counts: list[int], lines: list[Landing]) -> bool:
    """Whether a Set has overwritten the receipt right after the operation landed, before anybody could look."""
    sets = [line.at for line in lines if line.mode == "Set"]
    return any(count and 0 <= at - line.at < HIDDEN_S for count, line in zip(counts, lines, strict=True) for at in sets)


def values_hold(one: Asked, told: Told, counts: list[int], lines: list[Landing]) -> bool:
    """Whether the values that were told of an operation were true when it had landed, or later where it says so."""
    if any(line.kind == DISMISSED for line in lines):
        return True
    if told.values.keys() != {key for key, _ in one.counters}:
        return False
    first = next(place for place, count in enumerate(counts) if count)
    if told.later:
        moments = _moments(dict(one.counters), lines, first)
        return any(moment == told.values for moment in moments)
    return any(
        told.values in _shares(one, told.values, line)
        for line, count in zip(lines[first:], counts[first:], strict=True)
        if count
    )


def _moments(keys: Mapping[str, int], lines: list[Landing], first: int) -> Iterator[dict[str, int]]:
    """The values of these keys after each line, from the first one on."""
    values: dict[str, int] = dict.fromkeys(keys, 0)
    for place, line in enumerate(lines):
        values.update((key, line.after[key]) for key in keys if key in line.after)
        if place >= first:
            yield dict(values)


def _shares(one: Asked, told: Mapping[str, int], line: Landing) -> list[dict[str, int]]:
    """What the operation's counters may have been after its share of a call: whatever the order within the call."""
    keys = dict(one.counters)
    if line.mode == "Set":
        return [keys]
    if line.cut_off:
        # Shares are reckoned back from the end, and what was cut off is not in it.
        return [dict(told)]
    if all(line.values[key] == value for key, value in one.counters):
        return [{key: line.after[key] for key in keys}]
    sign = 1 if line.mode == "Increase" else -1
    # Whatever the order within the call, and however many twins of each operation came before, its own among them.
    places = {place for key in keys for place in range(PLACES) if digit(line.values[key], place)} | {one.index}
    times = {place: max(abs(digit(line.values[key], place)) for key in keys) for place in sorted(places)}
    befores = product(*[range(1 if place == one.index else 0, most + 1) for place, most in times.items()])
    return [
        {
            key: line.before[key]
            + sign * sum(_part(line.values[key], place, most) for place, most in zip(times, before, strict=True))
            for key in keys
        }
        for before in befores
    ]


def _part(value: int, place: int, most: int) -> int:
    """So many times what one operation with this digit adds, if it adds anything to this counter."""
    times = digit(value, place)
    return max(-most, min(most, times)) << DIGIT_BITS * place
