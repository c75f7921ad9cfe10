"""Records of a stream that are known by their place in it, and what they ask for (R13).

A source delivers the records of a group in the order of their sequence numbers, again and again if need be. What they
ask for is added up before it is accepted (`state.folding`), so none of them has an operation, an id or a hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from handler.core.model.operation import POSITION_DIGITS, Counters, Mode, Operation


class Content(msgspec.Struct, frozen=True, cache_hash=True):
    """What a record asks for; records that ask for the same may share it."""

    mode: Mode
    counters: Counters


class Place(msgspec.Struct, frozen=True):
    """A part of a source in which sequence numbers only grow.

    `partition` is its short name (`Position`). `source` is the source's ARN and `name` the source's own name for the
    part: with them a record is parked. Both are empty where a refusal is not to be parked.
    """

    partition: str
    source: str = ""
    name: str = ""


class Placed(msgspec.Struct, frozen=True):
    """Records of one Mode that follow one another in a place, one at least: what each asks for, and where it stands.

    `sequences` are as wide as that of any `Position`.
    """

    place: Place
    contents: Sequence[Content]
    sequences: Sequence[str]

    @classmethod
    def of(cls, operation: Operation) -> Placed:
        """The one record that an operation with a position was read from."""
        if operation.position is None:
            raise ValueError("an operation without a position has a key")
        origin = operation.origin
        # The source's own name for a record ends with its number.
        names = (origin.source, origin.place.rpartition(":")[0] or origin.place) if origin else ("", "")
        place = Place(operation.position.partition, *names)
        return cls(place, (Content(operation.mode, operation.counters),), (operation.position.sequence,))

    @property
    def mode(self) -> Mode:
        """The Mode of every record."""
        return self.contents[0].mode

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.sequences)

    def __getitem__(self, part: slice) -> Placed:
        """Some of the records."""
        return Placed(self.place, self.contents[part], self.sequences[part])


def count_of(asked: Iterable[Operation | Placed]) -> int:
    """How many these are, each record counted."""
    return sum([1 if isinstance(one, Operation) else len(one) for one in asked])


class Part(msgspec.Struct, frozen=True):
    """One of the contents that were added up: how many records have it, and where the first and the last stand."""

    counters: Counters
    times: int
    first: str
    last: str

    @property
    def number(self) -> str:
        """Where its records stand, as their source writes it: one number, or the first and the last."""
        first, last = number_of(self.first), number_of(self.last)
        return first if first == last else f"{first}-{last}"


def number_of(sequence: str) -> str:
    """A sequence number as its source writes it; a record of an aggregate has its place behind the aggregate's."""
    number, place = sequence[:POSITION_DIGITS].lstrip("0") or "0", sequence[POSITION_DIGITS:]
    return f"{number}/{int(place)}" if place else number


def added_up(mode: Mode, parts: tuple[Part, ...]) -> Counters:
    """What these come to, key by key; of a Set it is the last value of each key, in the order of their last records."""
    sums: dict[str, int] = {}
    for part in sorted(parts, key=lambda part: part.last) if mode is Mode.SET else parts:
        for key, value in part.counters:
            sums[key] = value if mode is Mode.SET else sums.get(key, 0) + part.times * value
    return tuple(sums.items())


def tail_of(sequence: str, other: str) -> str:
    """The digits of a sequence number from the first one on in which it differs from another of the same width."""
    same, digits = 0, len(sequence)
    while same < digits:
        middle = (same + digits + 1) // 2
        if sequence[same:middle] == other[same:middle]:
            same = middle
        else:
            digits = middle - 1
    return sequence[same:]
