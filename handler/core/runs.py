"""What goes out together in one call, and each operation's share of what comes back (R2, R5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handler.core.commands import INT64_MAX, INT64_MIN, Counters, Mode
from handler.core.rows import Attempt, Debt, Entry

Values = Mapping[str, int]


def next_run(queue: Sequence[Entry], known: Values, key_limit: int) -> tuple[Entry, ...]:
    """The longest head of `queue` that one call may carry.

    Consecutive operations of one Mode, at most `key_limit` distinct keys, whose per-key sums stay in int64, alone and
    added to the last `known` values. The first operation is always taken: a single one is never refused on a guess.
    """
    if len(queue) == 1:
        return tuple(queue)
    run = [queue[0]]
    payload = dict(queue[0].counters)
    for entry in queue[1:]:
        if run[0].alone or entry.alone or entry.mode is not run[0].mode:
            break
        merged = dict(payload)
        _add(merged, entry)
        if len(merged) > key_limit or not _fits(merged, entry.mode, known):
            break
        run.append(entry)
        payload = merged
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
    after = dict(values)
    answers: dict[str, Counters] = {}
    for entry in reversed(attempt.entries):
        answers[entry.id] = entry.counters if entry.mode is Mode.SET else own_values(entry, after)
        for key, delta in deltas_of(entry.mode, entry.counters).items():
            after[key] = after.get(key, delta) - delta
    return answers


def own_values(entry: Entry, values: Values) -> Counters:
    """Of `values`, those that the operation named, in its order."""
    return tuple((key, values[key]) for key, _ in entry.counters if key in values)


def with_excess(debt: Debt, mode: Mode, counters: Counters, times: int) -> Debt:
    """Add to a debt what landed `times` too often; what balances out is owed no more."""
    if not times:
        return debt
    amounts = dict(debt)
    for key, delta in deltas_of(mode, counters).items():
        amounts[key] = amounts.get(key, 0) + times * delta
    return tuple((key, amount) for key, amount in amounts.items() if amount)


def correction_of(debt: Debt, key_limit: int) -> tuple[Mode, Counters]:
    """The next payment of a debt: the opposite Mode, so that no negative Value is ever sent on our account (R2)."""
    mode = Mode.DECREASE if debt[0][1] > 0 else Mode.INCREASE
    owed = [(key, abs(amount)) for key, amount in debt if (amount > 0) == (debt[0][1] > 0)]
    return mode, tuple((key, min(amount, INT64_MAX)) for key, amount in owed[:key_limit])


def _add(payload: dict[str, int], entry: Entry) -> None:
    """Let the payload carry one operation more."""
    for key, value in entry.counters:
        payload[key] = value if entry.mode is Mode.SET else payload.get(key, 0) + value


def _fits(payload: Mapping[str, int], mode: Mode, known: Values) -> bool:
    if mode is Mode.SET:
        return True
    return all(
        INT64_MIN <= value <= INT64_MAX and INT64_MIN <= known.get(key, 0) + mode.sign * value <= INT64_MAX
        for key, value in payload.items()
    )
