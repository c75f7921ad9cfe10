"""Add up what records of a stream ask for, before it is accepted (R13).

A stretch is consecutive records of one Mode and one part of a source. It becomes one entry of the row, which is known
by the position of its last record; the entry keeps the distinct contents with their counts, so that it can be taken
apart if it is refused. It is added up anew at each try to accept it, from what no watermark has passed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import lt

import msgspec

from handler.core.model.operation import INT64_MAX, Mode, Origin, Position, Watermarks, operation_id
from handler.core.model.outcome import UNRECORDED_S
from handler.core.model.placed import Content, Part, Place, Placed, added_up, tail_of
from handler.core.model.row import Entry, Row

# So much of a row the parts of one entry may take: a stretch of many different contents becomes several entries, which
# go out in one call all the same.
PARTS_BYTES = 1024

# So many records are tried at once when a stretch goes on; a power of four.
FEW = 16

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
            items = (*keyed.values(), *_in_order(items))
            bounds = _bounds(items)
        return cls(_joined(items), key_limit, accepted_at, keyed, bounds or {})

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
                continue
            records = item[bisect_right(item.sequences, passed.get(item.place.partition, "")) :]
            while records:
                if stretch is None:
                    stretch = _Stretch(item.place, item.mode, self.key_limit)
                    made.append(stretch)
                records = stretch.take(records)
                stretch = None if records else stretch
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
    bounds: dict[str, tuple[str, str]] = {}
    for item in items:
        if isinstance(item, Placed):
            sequences, partition = item.sequences, item.place.partition
            first, last = bounds.get(partition, (sequences[0], ""))
            if sequences[0] <= last or not all(map(lt, sequences, sequences[1:])):
                return None
            bounds[partition] = first, sequences[-1]
    return bounds


def _in_order(items: Iterable[Entry | Placed]) -> Iterable[Placed]:
    """The records one by one, each once, in the order of their source."""
    once: dict[tuple[str, str], Placed] = {}
    for item in items:
        if isinstance(item, Placed):
            for at, sequence in enumerate(item.sequences):
                once.setdefault((item.place.partition, sequence), item[at : at + 1])
    return [record for _, record in sorted(once.items())]


def _joined(items: Sequence[Entry | Placed]) -> Sequence[Entry | Placed]:
    """The same, but records of one Mode that follow one another in a place stand together."""
    if len(items) == 1:
        return items
    joined: list[Entry | Placed] = []
    for where, group in groupby(items, lambda item: (item.place, item.mode) if isinstance(item, Placed) else None):
        if where is None:
            joined += group
            continue
        records = [item for item in group if isinstance(item, Placed)]
        contents = [content for item in records for content in item.contents]
        joined.append(Placed(where[0], contents, [sequence for item in records for sequence in item.sequences]))
    return joined


class _Stretch:
    """Records that are being added up."""

    def __init__(self, place: Place, mode: Mode, key_limit: int) -> None:
        self.mode = mode
        self._place = place
        self._key_limit = key_limit
        self._times: Counter[Content] = Counter()
        self._firsts: dict[Content, str] = {}
        self._lasts: dict[Content, str] = {}
        self._end = ""
        """Where the last of them stands."""
        self._keys: set[str] = set()
        self._bytes = 0
        self._amount = 0

    def take(self, records: Placed) -> Placed:
        """Add records that go on where the stretch ends, as many as there is room for, and return the others."""
        if (
            records.sequences[0] <= self._end
            or records.mode is not self.mode
            or records.place.partition != self._place.partition
        ):
            return records
        taken, count, growth = 0, FEW, 4
        # More each time as long as all of them find room; then fewer, down to one.
        while count and taken < len(records):
            if self._adds(records[taken : taken + count]):
                taken, count = taken + count, growth * count
            else:
                count, growth = count // 4, 1
        return records[taken:]

    def _adds(self, records: Placed) -> bool:
        """Add all of these if there is room; the first record of a stretch always has some."""
        contents, sequences = records.contents, records.sequences
        times = Counter(contents)
        fresh = [content for content in times if content not in self._times]
        amount = self._amount + sum([number * self._most(content) for content, number in times.items()])
        is_first = not self._times and len(records) == 1
        if not is_first and not (amount <= INT64_MAX and self._has_room(fresh, sequences)):
            return False
        firsts = dict(zip(reversed(contents), reversed(sequences), strict=True)) if fresh else {}
        for content in fresh:
            self._firsts[content] = firsts[content]
            self._keys.update([key for key, _ in content.counters])
            self._bytes += _bytes_of(content)
        self._times.update(times)
        self._lasts.update(zip(contents, sequences, strict=True))
        self._amount, self._end = amount, sequences[-1]
        return True

    def entry(self, accepted_at: int) -> Entry:
        """The entry of the row that all of them become."""
        place = self._place
        firsts, lasts = self._firsts, self._lasts
        parts = tuple([Part(one.counters, times, firsts[one], lasts[one]) for one, times in self._times.items()])
        position = Position(place.partition, self._end)
        origin = Origin(source=place.source, place=place.name, caller=place.source, key=place.name)
        return Entry(
            id=operation_id(place.partition, f"{parts[0].first}-{self._end}"),
            fingerprint="",
            mode=self.mode,
            counters=added_up(self.mode, parts),
            window_s=UNRECORDED_S,
            position=position,
            origin=origin if place.source else None,
            accepted_at=accepted_at,
            parts=parts,
        )

    def _has_room(self, fresh: Sequence[Content], sequences: Sequence[str]) -> bool:
        """Whether other contents can be kept beside those that are there, and their keys be sent with theirs."""
        if not fresh:
            return True
        digits = len(tail_of(next(iter(self._firsts.values()), sequences[0]), sequences[-1]))
        size = self._bytes + sum(map(_bytes_of, fresh)) + 2 * digits * (len(self._times) + len(fresh))
        keys = self._keys.union([key for content in fresh for key, _ in content.counters])
        return size <= PARTS_BYTES and len(keys) <= self._key_limit

    def _most(self, content: Content) -> int:
        """By how much a record moves any counter, whichever way; a Set adds nothing.

        So no part of the stretch alone can leave int64 either.
        """
        return 0 if self.mode is Mode.SET else max([abs(value) for _, value in content.counters], default=0)


def _bytes_of(content: Content) -> int:
    return PART_BYTES_BARE + sum([PAIR_BYTES_BARE + len(key.encode()) for key, _ in content.counters])
