"""Add up what records of a stream ask for, before it is accepted (R13).

A stretch is consecutive records of one Mode and one part of a source. It becomes one entry of the row, which is known
by the position of its last record; the entry keeps the distinct contents with their counts, so that it can be taken
apart if it is refused. It is added up anew at each try to accept it, from what no watermark has passed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from handler.core.model.operation import INT64_MAX, Mode, Origin, Position, Watermarks, operation_id
from handler.core.model.outcome import UNRECORDED_S
from handler.core.model.placed import Content, Part, Place, Placed, added_up, tail_of
from handler.core.model.row import Entry, Row

# So much of a row the parts of one entry may take: a stretch of many different contents becomes several entries, which
# go out in one call all the same.
PARTS_BYTES = 1024

# What a part takes beside its keys and numbers.
PART_BYTES_BARE = 16
PAIR_BYTES_BARE = 24


class Asked(msgspec.Struct, frozen=True):
    """What a visit is asked to accept, in the order of its source: operations with keys, each once, and records.

    An entry names no more than `key_limit` keys.
    """

    items: Sequence[Entry | Placed]
    key_limit: int
    accepted_at: int = 0
    keyed: Mapping[str, Entry] = {}
    bounds: Mapping[str, tuple[str, str]] = {}
    """The first and the last sequence number of the records in each partition."""

    @classmethod
    def of(cls, items: Sequence[Entry | Placed], key_limit: int, accepted_at: int = 0) -> Asked:
        """Take these. Of records that come twice at once the first counts; all come in the order of the source."""
        keyed = {item.id: item for item in items if isinstance(item, Entry)}
        if len(keyed) == len(items):
            return cls(items, key_limit, accepted_at, keyed)
        bounds = _bounds(items)
        if bounds is None:
            once = {(item.place.partition, item.sequence): item for item in items if isinstance(item, Placed)}
            items = (*keyed.values(), *[item for _, item in sorted(once.items())])
            bounds = _bounds(items)
        return cls(items, key_limit, accepted_at, keyed, bounds or {})

    @property
    def partitions(self) -> Collection[str]:
        """The partitions of the records among them."""
        return self.bounds

    def beyond(self, passed: Watermarks) -> tuple[Entry, ...]:
        """The entries to accept, in order: the operations with keys, and the records beyond what has been passed."""
        made: list[Entry | _Stretch] = []
        stretch: _Stretch | None = None
        for item in self.items:
            if isinstance(item, Entry):
                made.append(item)
                # A Set orders what stands before and behind it, and so does any other change of the Mode.
                if stretch and (item.mode is Mode.SET or item.mode is not stretch.mode):
                    stretch = None
            elif item.sequence > passed.get(item.place.partition, "") and not (stretch and stretch.takes(item)):
                stretch = _Stretch(item.place, item.content.mode, self.key_limit)
                stretch.takes(item)
                made.append(stretch)
        return tuple([one.entry(self.accepted_at) if isinstance(one, _Stretch) else one for one in made])

    def owed_by(self, row: Row | None) -> list[str]:
        """The ids of what the row owes of these records, whichever visit has added them up."""
        if row is None or not self.bounds:
            return []
        return [entry.id for entry in row.owed if entry.position and self._has(entry, entry.position)]

    def _has(self, entry: Entry, position: Position) -> bool:
        first, last = self.bounds.get(position.partition, ("", ""))
        return entry.first <= last and first <= position.sequence


def _bounds(items: Iterable[Entry | Placed]) -> dict[str, tuple[str, str]] | None:
    """The first and the last record in each partition; None where they do not stand in order, each once."""
    bounds: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, Placed):
            known = bounds.get(item.place.partition)
            if known is None:
                bounds[item.place.partition] = [item.sequence, item.sequence]
            elif item.sequence <= known[1]:
                return None
            else:
                known[1] = item.sequence
    return {partition: (first, last) for partition, (first, last) in bounds.items()}


class _Stretch:
    """Records that are being added up."""

    def __init__(self, place: Place, mode: Mode, key_limit: int) -> None:
        self.mode = mode
        self._place = place
        self._key_limit = key_limit
        self._last = ""
        self._keys: set[str] = set()
        self._parts: dict[Content, _Part] = {}
        self._bytes = 0
        self._amount = 0

    def takes(self, record: Placed) -> bool:
        """Add a record, if it goes on where the stretch ends and there is room for it; the first always has room."""
        content, sequence = record.content, record.sequence
        part = self._parts.get(content)
        if sequence <= self._last or record.place.partition != self._place.partition:
            return False
        if part is None:
            if content.mode is not self.mode or (self._parts and not self._has_room(content, sequence)):
                return False
            part = self._begin(content, sequence)
        elif self._amount + part.most > INT64_MAX:
            return False
        part.times += 1
        part.last = self._last = sequence
        self._amount += part.most
        return True

    def entry(self, accepted_at: int) -> Entry:
        """The entry of the row that all of them become."""
        place = self._place
        parts = tuple([Part(content.counters, one.times, one.first, one.last) for content, one in self._parts.items()])
        position = Position(place.partition, self._last)
        origin = Origin(source=place.source, place=place.name, caller=place.source, key=place.name)
        return Entry(
            id=operation_id(place.partition, f"{parts[0].first}-{self._last}"),
            fingerprint="",
            mode=self.mode,
            counters=added_up(self.mode, parts),
            window_s=UNRECORDED_S,
            position=position,
            origin=origin if place.source else None,
            accepted_at=accepted_at,
            parts=parts,
        )

    def _has_room(self, content: Content, sequence: str) -> bool:
        """Whether another content can be kept beside the others, its keys be sent with theirs, and its Values be added.

        The amounts count, whichever way they go: no part of the stretch alone may leave int64 either.
        """
        digits = len(tail_of(next(iter(self._parts.values())).first, sequence))
        size = self._bytes + _bytes_of(content) + 2 * digits * (1 + len(self._parts))
        keys = self._keys.union([key for key, _ in content.counters])
        fits = self._amount + self._most(content) <= INT64_MAX
        return fits and size <= PARTS_BYTES and len(keys) <= self._key_limit

    def _begin(self, content: Content, sequence: str) -> _Part:
        part = self._parts[content] = _Part(sequence, self._most(content))
        self._keys.update([key for key, _ in content.counters])
        self._bytes += _bytes_of(content)
        return part

    def _most(self, content: Content) -> int:
        """By how much a record moves any counter; a Set adds nothing."""
        return 0 if self.mode is Mode.SET else max([abs(value) for _, value in content.counters], default=0)


class _Part(msgspec.Struct):
    """Of one content so far: where the first and the last of its records stand, and how many there are."""

    first: str
    most: int
    last: str = ""
    times: int = 0


def _bytes_of(content: Content) -> int:
    return PART_BYTES_BARE + sum([PAIR_BYTES_BARE + len(key.encode()) for key, _ in content.counters])
