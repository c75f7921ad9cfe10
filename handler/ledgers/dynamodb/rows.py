"""Rows as they are seen and changed in the table, and what an instance remembers of them from call to call.

The memory saves reads. Nothing trusts it: every write that is based on it has a condition that fails if it is outdated.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from handler.core.errors import AnswerLost, LaterVersion
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Entry, Group
from handler.core.state.watermarks import partitions_of
from handler.ledgers.dynamodb.items import (
    ROW,
    Item,
    Stored,
    records_in,
    row_key,
    stored_row,
    text_of,
    watermarks_in,
)
from handler.ledgers.dynamodb.records import keys_of, read_records_and_watermarks
from handler.ledgers.dynamodb.table import Action, Request, Table

# Groups remembered, the last ones seen: rows are a kilobyte mostly, and never more than 64.
GROUPS_MAX = 256

# Operations of one group of which it is remembered that they have no record.
ABSENT_MAX = 1000


class _Known(msgspec.Struct, frozen=True):
    """A row as last seen, and what was found after a row of its epoch had been seen: ids without record, watermarks.

    The watermark of a partition that has none is empty.
    """

    stored: Stored
    absent: frozenset[str] = frozenset()
    watermarks: Watermarks = {}


class Memory:
    """Rows by group; any number of threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Group, _Known] = OrderedDict()

    def row(self, group: Group) -> Stored | None:
        """The row as last seen."""
        with self._lock:
            known = self._known.get(group)
            return known.stored if known else None

    def see(self, group: Group, stored: Stored | None) -> None:
        """Remember a row; what is known of records stays as long as its epoch does."""
        with self._lock:
            known = self._known.pop(group, None)
            if stored is None:
                return
            same = known is not None and known.stored.epoch == stored.epoch
            self._known[group] = replace(known, stored=stored) if known and same else _Known(stored)
            if len(self._known) > GROUPS_MAX:
                self._known.popitem(last=False)

    def absent(self, group: Group, epoch: int) -> frozenset[str]:
        """Ids that had no record at some moment after this epoch of the row had begun.

        None of them can have got one in the same epoch without being owed by the row until its end.
        """
        with self._lock:
            known = self._known.get(group)
            return known.absent if known and known.stored.epoch == epoch else frozenset()

    def miss(self, group: Group, epoch: int, ids: Iterable[str]) -> None:
        """Remember that these have no record. They must have been looked for after a row of `epoch` had been seen."""
        with self._lock:
            known = self._known.get(group)
            if known and known.stored.epoch == epoch:
                absent = known.absent | frozenset(ids)
                if len(absent) > ABSENT_MAX:
                    absent = frozenset(ids)
                self._known[group] = replace(known, absent=absent)

    def watermarks(self, group: Group, epoch: int) -> Watermarks:
        """Watermarks as they were at some moment after this epoch of the row had begun.

        They rise with a settlement alone: what has been settled since is owed by every row of the epoch, and passed.
        """
        with self._lock:
            known = self._known.get(group)
            return known.watermarks if known and known.stored.epoch == epoch else NO_WATERMARKS

    def reach(self, group: Group, epoch: int, watermarks: Watermarks) -> None:
        """Remember these watermarks, which were read after a row of `epoch` had been seen."""
        with self._lock:
            known = self._known.get(group)
            if known and known.stored.epoch == epoch and watermarks:
                self._known[group] = replace(known, watermarks={**known.watermarks, **watermarks})


class Rows:
    """The rows of `table`. Every row that passes by is remembered, whichever call brought it."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._memory = Memory()

    def remembered(self, group: Group) -> Stored | None:
        """The row as it was last seen, which may be out of date."""
        return self._memory.row(group)

    def load(self, group: Group) -> Stored | None:
        """The row, read strongly."""
        return self._see(group, self._table.get(row_key(group)))

    def look(self, group: Group, ids: Sequence[str], partitions: Collection[str] = ()) -> tuple[Stored | None, Records]:
        """The row, the records and the watermarks of these, in one call for up to 99 of them, read in no order.

        If the row is still of the epoch in which it was remembered, the rest was read after a row of it was seen.
        """
        known = self._memory.row(group)
        items = self._table.get_all([row_key(group), *keys_of(group, ids, partitions)])
        stored = self._see(group, next((item for item in items if text_of(item, "sk") == ROW), None))
        records = records_in(items)
        if known and stored and known.epoch == stored.epoch:
            self._learn(group, stored.epoch, ids, records, dict.fromkeys(partitions, "") | watermarks_in(items))
        return stored, records

    def found_after(self, group: Group, seen: Stored, entries: Sequence[Entry]) -> tuple[Records, Watermarks]:
        """Records and watermarks of these, read after the row was seen, unless they are known in its epoch (R13)."""
        absent, watermarks = self._memory.absent(group, seen.epoch), self._memory.watermarks(group, seen.epoch)
        ids = [entry.id for entry in entries if entry.id not in absent]
        partitions = [partition for partition in partitions_of(entries) if partition not in watermarks]
        records, reached = read_records_and_watermarks(self._table, group, ids, partitions)
        reached = dict.fromkeys(partitions, "") | dict(reached)
        self._learn(group, seen.epoch, ids, records, reached)
        return records, {**watermarks, **reached}

    def change(self, group: Group, request: Request, becomes: Stored | None = None) -> tuple[Stored | None, bool]:
        """Change the row; the row as it is now, and whether that is this change's doing.

        `becomes` is the row after the change where the caller knows it; else the request has it returned.
        """
        outcome = self._table.update(request)
        if outcome.held and becomes:
            self._memory.see(group, becomes)
            return becomes, True
        try:
            return self._see(group, outcome.item), outcome.held
        except LaterVersion:
            if not outcome.held:
                raise
            raise AnswerLost("the row was changed, and holds what a later version has added to it") from None

    def change_with(self, group: Group, request: Request, becomes: Stored, writes: Sequence[Action]) -> bool:
        """Change the row and do these with it, in one transaction; a record or watermark that is there stays."""
        while writes:
            stand = self._table.transact([("Update", request), *writes])
            if not stand:
                self._memory.see(group, becomes)
                return True
            if stand[0] is not None:
                self._see(group, stand[0])
                return False
            writes = [write for write, there in zip(writes, stand[1:], strict=True) if there is None]
        return self.change(group, request, becomes)[1]

    def create(self, group: Group, request: Request, becomes: Stored, checks: Sequence[Action]) -> bool:
        """Write a first row, in one transaction with these checks."""
        if self._table.transact([("Update", request), *checks]):
            return False
        self._memory.see(group, becomes)
        return True

    def delete(self, group: Group, request: Request) -> bool:
        """Delete the row under a condition."""
        self._memory.see(group, None)
        return self._table.remove(request)

    def _learn(self, group: Group, epoch: int, ids: Sequence[str], records: Records, watermarks: Watermarks) -> None:
        self._memory.miss(group, epoch, [name for name in ids if name not in records])
        self._memory.reach(group, epoch, watermarks)

    def _see(self, group: Group, item: Item | None) -> Stored | None:
        stored = stored_row(item) if item else None
        self._memory.see(group, stored)
        return stored
