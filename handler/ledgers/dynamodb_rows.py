"""Rows as they are seen and changed in the table, and what an instance remembers of them from call to call."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.records import Records
from handler.core.rows import Group
from handler.ledgers import dynamodb_records
from handler.ledgers.dynamodb_items import (
    ROW,
    Item,
    Stored,
    record_item,
    record_key,
    records_in,
    row_key,
    stored_row,
    text_of,
)
from handler.ledgers.dynamodb_memory import Memory
from handler.ledgers.dynamodb_table import Request, Table, new_item


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

    def look(self, group: Group, ids: Sequence[str]) -> tuple[Stored | None, Records]:
        """The row and the records of these, in one call for up to 99 of them; nobody knows which was read first.

        If the row is still of the epoch in which it was remembered, the records were read after a row of it was seen.
        """
        known = self._memory.row(group)
        keys = [row_key(group), *(record_key(group, operation_id) for operation_id in dict.fromkeys(ids))]
        items = self._table.get_all(keys)
        stored = self._see(group, next((item for item in items if text_of(item, "sk") == ROW), None))
        records = records_in(items)
        if known and stored and known.epoch == stored.epoch:
            self._memory.miss(group, stored.epoch, [name for name in ids if name not in records])
        return stored, records

    def records_after(self, group: Group, seen: Stored, ids: Sequence[str]) -> Records:
        """The records of these, read after the row was seen; those known to have none in its epoch are not read."""
        absent = self._memory.absent(group, seen.epoch)
        unknown = [operation_id for operation_id in ids if operation_id not in absent]
        records = dynamodb_records.found(self._table, group, unknown)
        self._memory.miss(group, seen.epoch, [name for name in unknown if name not in records])
        return records

    def change(self, group: Group, request: Request, becomes: Stored | None = None) -> tuple[Stored | None, bool]:
        """Change the row; the row as it is now, and whether that is this change's doing.

        `becomes` is the row after the change where the caller knows it; else the request has it returned.
        """
        outcome = self._table.update(request)
        if outcome.held and becomes:
            self._memory.see(group, becomes)
            return becomes, True
        return self._see(group, outcome.item), outcome.held

    def change_with(self, group: Group, request: Request, becomes: Stored, records: Records) -> bool:
        """Change the row together with new records, in one transaction; a record that is there already stays."""
        items = [record_item(group, name, record, ahead=False) for name, record in records.items()]
        while items:
            stand = self._table.transact([("Update", request), *(("Put", new_item(item)) for item in items)])
            if not stand:
                self._memory.see(group, becomes)
                return True
            if stand[0] is not None:
                self._see(group, stand[0])
                return False
            items = [item for item, there in zip(items, stand[1:], strict=True) if there is None]
        return self.change(group, request, becomes)[1]

    def _see(self, group: Group, item: Item | None) -> Stored | None:
        stored = stored_row(item) if item else None
        self._memory.see(group, stored)
        return stored
