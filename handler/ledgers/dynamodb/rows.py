"""Rows as they are seen and changed in the table, and what an instance remembers of them from call to call."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from handler.core.model.records import Records
from handler.core.model.row import Entry, Group
from handler.core.state.watermarks import Watermarks, partitions_of
from handler.ledgers.dynamodb import records as dynamodb_records
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
from handler.ledgers.dynamodb.memory import Memory
from handler.ledgers.dynamodb.table import Action, Request, Table


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
        items = self._table.get_all([row_key(group), *dynamodb_records.keys(group, ids, partitions)])
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
        records, reached = dynamodb_records.found_and_reached(self._table, group, ids, partitions)
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
        return self._see(group, outcome.item), outcome.held

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
