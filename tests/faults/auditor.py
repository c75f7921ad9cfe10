"""Computes the truth from the vendor's log alone, and compares it with what callers were told.

It shares no code with the core: it knows no rows, no attempts and no weights. Operation number n moves its counters by
one in the n-th digit of base 64, so each line of the log tells by itself how often it carried which operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from tests.faults.vendor import CALL, DISMISSED, Landing

DIGIT_BITS = 6
PLACES = 8
HALF = 1 << (DIGIT_BITS - 1)
OFFSET = sum(HALF << DIGIT_BITS * place for place in range(PLACES))

# A look that comes before a Set, the opening of its attempt and its way to the API take less than this together.
HIDDEN_S = 3.0

# Whoever has opened an attempt before the group froze may still send it, for as long as signatures live.
UNDER_WAY_S = 8.0

APPLIED, REJECTED, REUSED, FROZEN = "applied", "rejected", "reused", "frozen"
NOT_ACCEPTED, DOUBTFUL, WAITING, ABSENT = "not accepted", "doubtful", "waiting", "absent"
FINAL = frozenset({APPLIED, REJECTED, REUSED})


@dataclass(frozen=True, slots=True)
class Told:
    """One reply to a caller.

    `later`: its values were seen later. `lines` is how long the log was `at` that moment. `at_last`: it answers the
    question that is asked when all is over.
    """

    kind: str
    content: object = None
    values: Mapping[str, int] = field(default_factory=dict)
    later: bool = False
    lines: int = 0
    at: float = 0.0
    at_last: bool = False


@dataclass(slots=True)
class Asked:
    """One operation, and everything that anybody was told about it.

    `asks` counts its callers, those included that were cut off.
    """

    name: str
    group: str
    mode: str
    counters: tuple[tuple[str, int], ...]
    index: int
    told: list[Told] = field(default_factory=list)
    asks: int = 0


@dataclass(slots=True)
class Facts:
    """What is known about the world beside the log.

    `broken`: a request outlived its bound, was copied, or its refusal was a lie, which has to be repaired in the end.
    `tampered`: the receipt was moved while no attempt was open, by somebody else or by a copy that came later; nobody
    can notice before the next call. `inexplicable`: something happened after which a group may freeze. `restored` and
    `dismissed` as they say. `hushed`: somebody may have died before a notice was given. `frozen` are the groups that
    are, `receipts` what each ledger row and the API have for the others.
    """

    broken: bool = False
    tampered: bool = False
    inexplicable: bool = False
    restored: bool = False
    dismissed: bool = False
    hushed: bool = False
    refuses: bool = False
    forbidden: str | None = None
    finished: bool = True
    conflicts: bool = False
    frozen: frozenset[str] = frozenset()
    receipts: Mapping[str, tuple[int | None, int]] = field(default_factory=dict)
    notices: frozenset[str] = frozenset()


def audit(asked: Sequence[Asked], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    """Every contradiction, in words."""
    if not facts.finished:
        yield "not everything was finished although the faults had stopped"
    if facts.conflicts and not facts.restored:
        yield "a stored answer was given in two ways"
    if facts.frozen and not facts.inexplicable:
        yield "a group was frozen although everything can be explained"
    if facts.frozen and not facts.hushed and "group_frozen" not in facts.notices:
        yield "a group was frozen without a notice"
    for base, receipt in facts.receipts.values():
        if base != receipt and not (facts.dismissed or facts.tampered or facts.restored):
            yield f"the ledger stands on {base}, the receipt on {receipt}"
    frozen_at = min((told.at for one in asked for told in one.told if told.kind == FROZEN), default=None)
    if (
        frozen_at is not None
        and not facts.hushed
        and any(line.kind == CALL and line.sent > frozen_at + UNDER_WAY_S for line in log)
    ):
        yield "a call was made to a group that was known to be frozen"
    for one in asked:
        yield from _audit_one(one, [line for line in log if line.group == one.group], log, facts)
    yield from _audit_rivals(asked, facts)
    if not facts.broken:
        yield from _audit_shares(asked, log)


def _audit_one(one: Asked, lines: list[Landing], log: Sequence[Landing], facts: Facts) -> Iterator[str]:
    counts = [_count(one, line) for line in lines]
    final = [told for told in one.told if told.kind in FINAL]
    yield from _audit_answers(one, final, facts)
    if not _is_countable(one):
        return
    if not facts.broken and _most(counts, lines) > 1:
        yield f"{one.name} landed twice"
    yield from _audit_promises(one, counts, lines, log, final)
    if one.group in facts.frozen or facts.dismissed or (facts.broken and (facts.tampered or one.mode == "Set")):
        return
    if facts.broken and (facts.restored or _is_hidden(counts, lines)):
        return
    callers = [told.kind for told in one.told if not told.at_last]
    if any(counts) and len(callers) == one.asks and set(callers) == {NOT_ACCEPTED}:
        yield f"{one.name} was called not accepted by everybody, and landed"
    net, want = sum(counts), _wanted(one, final, facts)
    if net not in want:
        yield f"{one.name} counts {net} times in the end, not {' or '.join(map(str, want))}"
    excess = any(abs(count) > 1 for count in counts) or sum(map(abs, counts)) > 1
    if excess and not facts.hushed and not facts.notices & {"late_landing_corrected", "refusal_disproved"}:
        yield f"{one.name} landed late and nobody was told"


def _audit_answers(one: Asked, final: list[Told], facts: Facts) -> Iterator[str]:
    """Each replay is equal to the first answer, and nothing is refused without a reason."""
    named = facts.forbidden in {key for key, _ in one.counters}
    if any(told.kind == REJECTED for told in final) and not (facts.refuses or named):
        yield f"{one.name} was refused for good although nothing is wrong with it"
    kinds = {told.kind for told in one.told}
    if WAITING in kinds and ABSENT in {told.kind for told in one.told if told.at_last} and not facts.restored:
        yield f"{one.name} was accepted, and is gone"
    contents = {(told.kind, None if facts.restored else told.content) for told in final}
    if len(contents) > 1 and not facts.restored:
        yield f"{one.name} was answered in {len(contents)} ways: {sorted(map(str, contents))}"


def _audit_promises(
    one: Asked, counts: list[int], lines: list[Landing], log: Sequence[Landing], final: list[Told]
) -> Iterator[str]:
    """No 200 before it has landed, and only values that were true."""
    for told in {told.content: told for told in reversed(final) if told.kind == APPLIED}.values():
        before = [line for line in log[: told.lines] if line.group == one.group]
        if not any(counts[: len(before)]):
            yield f"{one.name} was called applied before it had landed"
        elif not _values_hold(one, told, counts[: len(before)], before):
            yield f"{one.name} was told {dict(told.values)}, which was never true"


def _values_hold(one: Asked, told: Told, counts: list[int], lines: list[Landing]) -> bool:
    if any(line.kind == DISMISSED for line in lines):
        return True
    if told.values.keys() != {key for key, _ in one.counters}:
        return False
    first = next(place for place, count in enumerate(counts) if count)
    if told.later:
        moments = _moments(dict(one.counters), lines, first)
        return any(moment == told.values for moment in moments)
    return any(
        told.values in _shares(one, line) for line, count in zip(lines[first:], counts[first:], strict=True) if count
    )


def _moments(keys: Mapping[str, int], lines: list[Landing], first: int) -> Iterator[dict[str, int]]:
    """The values of these keys after each line, from the first one on."""
    values: dict[str, int] = dict.fromkeys(keys, 0)
    for place, line in enumerate(lines):
        values.update((key, line.after[key]) for key in keys if key in line.after)
        if place >= first:
            yield dict(values)


def _shares(one: Asked, line: Landing) -> list[dict[str, int]]:
    """What the operation's counters may have been after its share of a call: whatever the order within the call."""
    keys = dict(one.counters)
    if line.mode == "Set":
        return [keys]
    sign = 1 if line.mode == "Increase" else -1
    places = {place for key in keys for place in range(PLACES) if _digit(line.values[key], place)} - {one.index}
    return [
        {
            key: line.before[key] + sign * sum(_part(line.values[key], place) for place in (*before, one.index))
            for key in keys
        }
        for size in range(len(places) + 1)
        for before in combinations(sorted(places), size)
    ]


def _part(value: int, place: int) -> int:
    return _digit(value, place) << DIGIT_BITS * place


def _wanted(one: Asked, final: list[Told], facts: Facts) -> tuple[int, ...]:
    """How often it may count in the end, by what was told. A refusal that a copy has forgotten is no promise."""
    if final and facts.restored and final[-1].kind == REJECTED:
        return (0, 1)
    if final:
        return (1,) if final[-1].kind == APPLIED else (0,)
    return (0, 1)


def _is_hidden(counts: list[int], lines: list[Landing]) -> bool:
    """Whether a Set has overwritten the receipt right after the operation landed, before anybody could look."""
    sets = [line.at for line in lines if line.mode == "Set"]
    return any(count and 0 <= at - line.at < HIDDEN_S for count, line in zip(counts, lines, strict=True) for at in sets)


def _audit_rivals(asked: Sequence[Asked], facts: Facts) -> Iterator[str]:
    """Of several contents under one key only one is executed; a copy may have forgotten that one was refused."""
    executed = {APPLIED} if facts.restored else {APPLIED, REJECTED}
    taken: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        if any(told.kind in executed for told in one.told):
            taken.setdefault((one.group, one.name.partition(" ")[0]), []).append(one)
    for rivals in taken.values():
        if len(rivals) > 1:
            yield f"one key was executed with {len(rivals)} contents"


def _audit_shares(asked: Sequence[Asked], log: Sequence[Landing]) -> Iterator[str]:
    """Of two operations that one call carried, exactly one was told a value with the other's share in it."""
    replied = [(one, told) for one in asked if (told := _replied(one)) is not None]
    for (one, told), (other, other_told) in combinations(replied, 2):
        shared = [key for key in told.values if key in other_told.values]
        for line in (line for line in log if shared and _count(one, line) and _count(other, line)):
            key = shared[0]
            includes = _digit(abs(told.values[key] - line.before[key]), other.index) != 0
            is_included = _digit(abs(other_told.values[key] - line.before[key]), one.index) != 0
            if includes == is_included:
                yield f"{one.name} and {other.name} were told values of no order"


def _replied(one: Asked) -> Told | None:
    """What was told of a landing by its own reply."""
    return next((told for told in one.told if told.kind == APPLIED and not told.later and one.mode != "Set"), None)


def _most(counts: list[int], lines: list[Landing]) -> int:
    """How often it landed in the life of one group."""
    most = life = 0
    for count, line in zip(counts, lines, strict=True):
        life = 0 if line.kind == DISMISSED else life + abs(count)
        most = max(most, life)
    return most


def _is_countable(one: Asked) -> bool:
    return any(value for _, value in one.counters)


def _count(one: Asked, line: Landing) -> int:
    """How often a line of the log carried the operation; negative where it took it back."""
    if line.kind != CALL:
        return 0
    key, value = one.counters[0]
    if one.mode == "Set":
        return int(line.mode == "Set" and line.values.get(key) == value)
    if line.mode == "Set":
        return 0
    digit = _digit(line.values.get(key, 0), one.index)
    return digit * (1 if value > 0 else -1) * (1 if line.mode == one.mode else -1)


def _digit(value: int, place: int) -> int:
    return ((value + OFFSET) >> DIGIT_BITS * place & (2 * HALF - 1)) - HALF
