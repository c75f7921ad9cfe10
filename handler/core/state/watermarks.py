"""How far each partition of a source has been accepted: its watermark is the record of all that stands before (R13).

A watermark is an item of its own beside the row, written like any record: with the settlement, before the row. So an
operation leaves the row only once its watermark is there, and a reader of first the row and then the watermark misses
neither. A source delivers those of a partition in order, and behind one that was not accepted nothing is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Entry, Row

# How long a watermark is kept: Kinesis keeps a record for 365 days at most, and a stream may be read again from its
# start.
WATERMARK_S = 366 * 24 * 3600.0

# This many watermarks leave an older row at once: DynamoDB takes 100 items in a transaction, the row among them.
MOVED_AT_ONCE = 64


def partitions_of(entries: Iterable[Entry]) -> list[str]:
    """The partitions of those that are known by their position, each once."""
    return list(dict.fromkeys([entry.position.partition for entry in entries if entry.position is not None]))


def watermarks_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The last position in each partition."""
    watermarks: dict[str, str] = {}
    for entry in entries:
        if entry.position is not None:
            watermarks[entry.position.partition] = max(
                entry.position.sequence, watermarks.get(entry.position.partition, "")
            )
    return watermarks


def firsts_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The first position in each partition."""
    firsts: dict[str, str] = {}
    for entry in entries:
        if entry.position is not None:
            firsts[entry.position.partition] = min(entry.first, firsts.get(entry.position.partition, "~"))
    return firsts


def reached(partitions: Iterable[str], row: Row | None, watermarks: Watermarks) -> dict[str, str]:
    """How far each partition has been passed: records up to there were accepted before.

    `watermarks` must have been read after `row`: what it owes of a partition has passed all before it as well.
    """
    owed = watermarks_of(row.owed) if row else {}
    old = dict(row.watermarks) if row else {}
    return {partition: max(known.get(partition, "") for known in (watermarks, owed, old)) for partition in partitions}


def are_new(entries: Collection[Entry], row: Row | None, watermarks: Watermarks) -> bool:
    """Whether no record that these stand for has been passed. `watermarks` must have been read after `row`."""
    partitions = partitions_of(entries)
    if not partitions:
        return True
    known = reached(partitions, row, watermarks)
    return all(entry.first > known[entry.position.partition] for entry in entries if entry.position)


class Sorted(msgspec.Struct, frozen=True):
    """What an append finds: `fresh` is to be appended, and of the ids in `passed` every record was accepted before.

    Where a watermark stands amid the records of one that is neither, `within` says for its partition how far it has
    come, and nothing is appended: the rest has to be added up again from there (R13).
    """

    fresh: tuple[Entry, ...] = ()
    passed: frozenset[str] = frozenset()
    within: Watermarks = NO_WATERMARKS


def sorted_out(entries: Sequence[Entry], row: Row, records: Records, watermarks: Watermarks) -> Sorted:
    """Sort what is to be appended to a row; what it owes or has on record already is known."""
    known = {entry.id for entry in row.owed} | records.keys()
    strange = [entry for entry in entries if entry.id not in known]
    partitions = partitions_of(strange)
    if not partitions:
        return Sorted(tuple(strange))
    passed = reached(partitions, row, watermarks)
    behind = [entry for entry in strange if entry.position and entry.first <= passed[entry.position.partition]]
    within = {
        entry.position.partition: passed[entry.position.partition]
        for entry in behind
        if entry.position and entry.position.sequence > passed[entry.position.partition]
    }
    if within:
        return Sorted(within=within)
    ids = frozenset([entry.id for entry in behind])
    return Sorted(tuple([entry for entry in strange if entry.id not in ids]), ids)


def moved(row: Row) -> tuple[Row, Watermarks]:
    """The next version of an older row, less some of the watermarks in it, and those: they go before or with it."""
    return row.changed(watermarks=row.watermarks[MOVED_AT_ONCE:]), dict(row.watermarks[:MOVED_AT_ONCE])
