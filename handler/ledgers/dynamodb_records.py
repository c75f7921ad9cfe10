"""Records: found by the hundred, and written so that the first answer of an operation stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handler.core.errors import AnswerLost
from handler.core.outcomes import Applied
from handler.core.records import Records
from handler.core.rows import Group
from handler.ledgers.dynamodb_items import Item, record_item, record_key, records_in
from handler.ledgers.dynamodb_table import ACTIONS_MAX, Table, new_item


def found(table: Table, group: Group, ids: Sequence[str]) -> Records:
    """The records that exist, read strongly."""
    return records_in(table.get_all([record_key(group, operation_id) for operation_id in dict.fromkeys(ids)]))


def put(table: Table, group: Group, records: Records) -> list[Item]:
    """Write records before their row, unless there are others; those others."""
    items = [record_item(group, operation_id, record, ahead=True) for operation_id, record in records.items()]
    others: list[Item] = []
    for start in range(0, len(items), ACTIONS_MAX):
        others += _others(table, items[start : start + ACTIONS_MAX])
    return others


def landings_first(records: Records) -> list[str]:
    """Their ids, those of landings first: these may be there before the row, and rejections only with it (R6)."""
    return sorted(records, key=lambda operation_id: not isinstance(records[operation_id].answer, Applied))


def is_ahead(item: Item) -> bool:
    """Whether a record was written before its row, by somebody who was settling the same attempt."""
    return "ahead" in item


def _others(table: Table, items: Sequence[Item]) -> Iterator[Item]:
    """Write these until each is there, or another one of its key."""
    while items:
        stand = _together(table, items)
        if not stand:
            return
        yield from (there for item, there in zip(items, stand, strict=True) if there and there["body"] != item["body"])
        items = [item for item, there in zip(items, stand, strict=True) if there is None]


def _together(table: Table, items: Sequence[Item]) -> Sequence[Item | None]:
    """Write all or none; where none, what stands in the way of each."""
    try:
        return _once(table, items)
    except AnswerLost:
        # Under its condition a put can do no harm when it is repeated, and finds its own record if the first one held.
        return _once(table, items)


def _once(table: Table, items: Sequence[Item]) -> Sequence[Item | None]:
    if len(items) > 1:
        return table.transact([("Put", new_item(item)) for item in items])
    outcome = table.put_new(items[0])
    return () if outcome.held else [outcome.item or {}]
