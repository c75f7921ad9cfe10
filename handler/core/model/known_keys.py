"""The counter keys on which operations of a group have landed, and since when (`Row.keys`).

A group that is gone has none. Its row knows `GONE` in their place, so that the index of keys finds it (R11).
"""

from __future__ import annotations

from collections.abc import Iterable

from handler.core.model.operation import KEY_BYTES, Counters

# A group has twenty keys at a time; of more, which have come and gone, the newest are kept.
KEYS_KNOWN_MAX = 40

# No operation and no tick can name it: it is a byte longer than a counter's key.
GONE = "gone".ljust(KEY_BYTES + 1, "-")


def knowing(known: Counters, keys: Iterable[str], now: float) -> Counters:
    """The keys that a row knows once operations on `keys` have landed: `known` itself where none is new."""
    new = set(keys).difference(key for key, _ in known)
    return newest_first([*of_counters(known), *((key, int(now)) for key in new)])[:KEYS_KNOWN_MAX] if new else known


def of_counters(known: Counters) -> Counters:
    """Without the mark of a group that is gone."""
    return tuple(pair for pair in known if pair[0] != GONE)


def refused(known: Counters, now: float, *, is_gone: bool) -> Counters:
    """The keys that a row knows once an operation is rejected: those of a group that is gone are gone with it."""
    return ((GONE, int(now)),) if is_gone else of_counters(known)


def gone_since(known: Counters) -> int | None:
    """When an operation was last rejected because the group is gone, if nothing has landed since."""
    return known[0][1] if [key for key, _ in known] == [GONE] else None


def newest_first(keys: Iterable[tuple[str, int]]) -> Counters:
    """The order in which a row has the keys that it knows."""
    return tuple(sorted(keys, key=lambda pair: (-pair[1], pair[0])))
