"""The counter keys on which operations of a group have landed, and since when (`Row.keys`)."""

from __future__ import annotations

from collections.abc import Iterable

from handler.core.model.operation import Counters

# A group has twenty keys at a time; of more, which have come and gone, the newest are kept.
KEYS_KNOWN_MAX = 40


def knowing(known: Counters, keys: Iterable[str], now: float) -> Counters:
    """The keys that a row knows once operations on `keys` have landed: `known` itself where none is new."""
    new = set(keys).difference(key for key, _ in known)
    return newest_first([*known, *((key, int(now)) for key in new)])[:KEYS_KNOWN_MAX] if new else known


def newest_first(keys: Iterable[tuple[str, int]]) -> Counters:
    """The order in which a row has the keys that it knows."""
    return tuple(sorted(keys, key=lambda pair: (-pair[1], pair[0])))
