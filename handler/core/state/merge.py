"""What goes out together in one call, and each operation's share of what comes back (R2, R5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from handler.core.model.operation import INT64_MAX, INT64_MIN, Counters, Mode
from handler.core.model.row import Attempt, Debt, Entry

Values = Mapping[str, int]


def next_run(queue: Sequence[Entry], known: Values, key_limit: int) -> tuple[Entry, ...]:
    """The longest head of `queue` that one call may carry.

    Consecutive operations of one Mode, at most `key_limit` distinct keys, whose per-key sums stay in int64, alone and
    added to the last `known` values. The first operation is always taken: a single one is never refused on a guess.
    """
    first = queue[0]
    run, payload, sign = [first], dict(first.counters), first.mode.sign
    if len(queue) == 1 or first.alone or not _fits(payload, first, known, sign):
        return (first,)
    for entry in queue[1:]:
        if entry.alone or entry.mode is not first.mode:
            break
        _add(payload, entry)
        if len(payload) > key_limit or not _fits(payload, entry, known, sign):
            break
        run.append(entry)
    return tuple(run)


def payload_of(attempt: Attempt) -> dict[str, int]:
    """The Values to send for an attempt, per key, without the receipt."""
    if attempt.correction:
        return dict(attempt.correction)
    payload: dict[str, int] = {}
    for entry in attempt.entries:
        _add(payload, entry)
    return payload


def deltas_of(mode: Mode, counters: Counters) -> dict[str, int]:
    """By how much each counter rises when these counters land under `mode`; nothing for a Set."""
    return {key: mode.sign * value for key, value in counters} if mode is not Mode.SET else {}


def shares(attempt: Attempt, values: Values) -> dict[str, Counters]:
    """Each operation's own values: those after the call minus what later operations of the run added to them."""
    if attempt.mode is Mode.SET:
        return {entry.id: entry.counters for entry in attempt.entries}
    after, sign = dict(values), attempt.mode.sign
    answers: dict[str, Counters] = {}
    for entry in reversed(attempt.entries):
        answers[entry.id] = own_values(entry, after)
        for key, value in entry.counters:
            if key in after:
                after[key] -= sign * value
    return answers


def own_values(entry: Entry, values: Values) -> Counters:
    """Of `values`, all that the operation named, in its order. A counter that is not there counts from 0."""
    return tuple([(key, values.get(key, 0)) for key, _ in entry.counters])


def with_excess(debt: Debt, mode: Mode, counters: Counters, times: int) -> Debt:
    """Add to a debt what landed `times` too often; what balances out is owed no more."""
    if not times:
        return debt
    amounts = dict(debt)
    for key, delta in deltas_of(mode, counters).items():
        amounts[key] = amounts.get(key, 0) + times * delta
    return tuple((key, amount) for key, amount in amounts.items() if amount)


def without_keys(debt: Debt, keys: Collection[str]) -> Debt:
    """What is owed back on other keys than these."""
    return tuple((key, amount) for key, amount in debt if key not in keys)


def overwritten_by(entries: Iterable[Entry]) -> set[str]:
    """The keys whose debt ends where these operations land: a Set overwrites what was owed on its keys."""
    return {key for entry in entries if entry.mode is Mode.SET for key, _ in entry.counters}


def correction_of(debt: Debt, key_limit: int) -> tuple[Mode, Counters]:
    """The next payment of a debt: the opposite Mode, so that no negative Value is ever sent on our account (R2)."""
    mode = Mode.DECREASE if debt[0][1] > 0 else Mode.INCREASE
    owed = [(key, abs(amount)) for key, amount in debt if (amount > 0) == (debt[0][1] > 0)]
    return mode, tuple((key, min(amount, INT64_MAX)) for key, amount in owed[:key_limit])


def _add(payload: dict[str, int], entry: Entry) -> None:
    """Let the payload carry one operation more."""
    for key, value in entry.counters:
        payload[key] = value if entry.mode is Mode.SET else payload.get(key, 0) + value


def _fits(payload: Mapping[str, int], entry: Entry, known: Values, sign: int) -> bool:
    """Whether what the payload carries of the keys of `entry`, its last operation, stays in int64.

    The counters move in the direction `sign`; a Set, which has none, moves nothing.
    """
    if not sign:
        return True
    for key, _ in entry.counters:
        value = payload[key]
        if not (INT64_MIN <= value <= INT64_MAX and INT64_MIN <= known.get(key, 0) + sign * value <= INT64_MAX):
            return False
    return True
