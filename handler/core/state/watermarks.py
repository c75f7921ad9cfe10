"""How far each partition of a source has been accepted: its watermark is the record of all that stands before (R13).

A watermark is an item of its own beside the row, written like any record: with the settlement, before the row. So an
operation leaves the row only once its watermark is there, and a reader of first the row and then the watermark misses
neither. A source delivers those of a partition in order, and behind one that was not accepted nothing is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from handler.core.model.operation import Watermarks
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
            firsts[entry.position.partition] = min(entry.position.sequence, firsts.get(entry.position.partition, "~"))
    return firsts


def passed(entries: Collection[Entry], row: Row | None, watermarks: Watermarks) -> frozenset[str]:
    """Ids of those whose position was accepted before, of operations that are neither owed nor on record.

    `watermarks` must have been read after `row`: what it owes of a partition has passed all before it as well.
    """
    if not any(entry.position for entry in entries):
        return frozenset()
    owed = watermarks_of(row.owed) if row else {}
    old = dict(row.watermarks) if row else {}
    return frozenset(
        entry.id
        for entry in entries
        if entry.position
        and entry.position.sequence <= max(known.get(entry.position.partition, "") for known in (watermarks, owed, old))
    )


def sorted_out(
    entries: Sequence[Entry], row: Row, records: Records, watermarks: Watermarks
) -> tuple[list[Entry], frozenset[str]]:
    """Those of `entries` that are to be appended, and the ids of those whose position was accepted before."""
    known = {entry.id for entry in row.owed} | records.keys()
    strange = [entry for entry in entries if entry.id not in known]
    behind = passed(strange, row, watermarks)
    return [entry for entry in strange if entry.id not in behind], behind


def moved(row: Row) -> tuple[Row, Watermarks]:
    """The next version of an older row, less some of the watermarks in it, and those: they go before or with it."""
    return row.changed(watermarks=row.watermarks[MOVED_AT_ONCE:]), dict(row.watermarks[:MOVED_AT_ONCE])
