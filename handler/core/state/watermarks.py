"""How far each place of a source has been accepted: the watermark is the record of all that stands before it (R13).

The mark of a place is an item of its own beside the row, written like any record: with the settlement, before the row.
So an operation leaves the row only once its mark is there, and who reads the row first and the mark after it misses
neither. A source delivers those of a place in order, and behind one that was not accepted nothing is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from handler.core.model.row import Entry, Row

Marks: TypeAlias = Mapping[str, str]
"""The last position settled, by place."""

NO_MARKS: Marks = MappingProxyType({})

# How long a mark is kept: Kinesis keeps a record for 365 days at most, and a stream may be read again from its start.
MARK_S = 366 * 24 * 3600.0

# So many marks of an older row become records at once: DynamoDB takes 100 items in a transaction, the row among them.
MOVED_AT_ONCE = 64


def places_of(entries: Iterable[Entry]) -> list[str]:
    """The places of those that are known by their position, each once."""
    return list(dict.fromkeys([entry.position.place for entry in entries if entry.position is not None]))


def marks_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The last position in each place."""
    marks: dict[str, str] = {}
    for entry in entries:
        if entry.position is not None:
            marks[entry.position.place] = max(entry.position.last, marks.get(entry.position.place, ""))
    return marks


def firsts_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The first position in each place."""
    firsts: dict[str, str] = {}
    for entry in entries:
        if entry.position is not None:
            firsts[entry.position.place] = min(entry.position.last, firsts.get(entry.position.place, "~"))
    return firsts


def passed(entries: Collection[Entry], row: Row | None, marks: Marks) -> frozenset[str]:
    """Ids of those whose position was accepted before, of operations that are neither owed nor on record.

    `marks` must have been read after `row`: what it owes of a place has passed all before it as well.
    """
    if not any(entry.position for entry in entries):
        return frozenset()
    owed = marks_of(row.owed) if row else {}
    old = dict(row.marks) if row else {}
    return frozenset(
        entry.id
        for entry in entries
        if entry.position
        and entry.position.last <= max(known.get(entry.position.place, "") for known in (marks, owed, old))
    )


def moved(row: Row) -> tuple[Row, Marks]:
    """The next version of a row that holds marks itself, without some of them, and these: they go before or with it."""
    return row.changed(marks=row.marks[MOVED_AT_ONCE:]), dict(row.marks[:MOVED_AT_ONCE])
