"""Records and watermarks: read by the hundred, and written so that the first record and the highest mark stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

from handler.core.errors import AnswerLost
from handler.core.model.operation import Watermarks
from handler.core.model.outcome import Applied, Records
from handler.core.model.row import Group
from handler.ledgers.dynamodb.items import Item, record_item, record_key, records_in, watermark_key, watermarks_in
from handler.ledgers.dynamodb.table import ACTIONS_MAX, Action, Table, new_item
from handler.ledgers.dynamodb.updates import raised


def find_records(table: Table, group: Group, ids: Sequence[str]) -> Records:
    """The records that exist, read strongly."""
    return records_in(table.get_all(keys_of(group, ids, ())))


def read_watermarks(table: Table, group: Group, partitions: Collection[str]) -> Watermarks:
    """The watermarks that exist, read strongly."""
    return watermarks_in(table.get_all(keys_of(group, (), partitions)))


def read_records_and_watermarks(
    table: Table, group: Group, ids: Sequence[str], partitions: Collection[str]
) -> tuple[Records, Watermarks]:
    """Both at once."""
    items = table.get_all(keys_of(group, ids, partitions))
    return records_in(items), watermarks_in(items)


def keys_of(group: Group, ids: Sequence[str], partitions: Collection[str]) -> list[Item]:
    """Where they are."""
    records = [record_key(group, operation_id) for operation_id in dict.fromkeys(ids)]
    return records + [watermark_key(group, partition) for partition in partitions]


def write_actions(group: Group, records: Records, watermarks: Watermarks, now: float, *, ahead: bool) -> list[Action]:
    """The writes of watermarks and records, in the order in which they may be there before their row.

    Of an operation that the row still owes a watermark says no more than the row does. After them come the records of
    landings; rejections are written only with the row (R6).
    """
    landings = sorted(records, key=lambda operation_id: not isinstance(records[operation_id].answer, Applied))
    items = [record_item(group, operation_id, records[operation_id], ahead=ahead) for operation_id in landings]
    raising: list[Action] = [("Update", raised(group, partition, to, now)) for partition, to in watermarks.items()]
    return raising + [("Put", new_item(item)) for item in items]


def put_ahead(table: Table, writes: Sequence[Action]) -> list[Item]:
    """Write records and watermarks before their row; the records that were there already and say something else."""
    others: list[Item] = []
    for start in range(0, len(writes), ACTIONS_MAX):
        others += _others(table, writes[start : start + ACTIONS_MAX])
    return others


def is_ahead(item: Item) -> bool:
    """Whether a record was written before its row, by a worker that was settling the same attempt."""
    return "ahead" in item


def _others(table: Table, writes: Sequence[Action]) -> Iterator[Item]:
    """Write these until each is there, or another one of its key; a watermark that stands as high is as good."""
    while writes:
        stand = _together(table, writes)
        if not stand:
            return
        for (kind, request), there in zip(writes, stand, strict=True):
            if there and kind == "Put" and there["body"] != cast("Mapping[str, object]", request["Item"])["body"]:
                yield there
        writes = [write for write, there in zip(writes, stand, strict=True) if there is None]


def _together(table: Table, writes: Sequence[Action]) -> Sequence[Item | None]:
    """Write all or none; where none, what stands in the way of each."""
    try:
        return _once(table, writes)
    except AnswerLost:
        # Under its condition a write can do no harm when it is repeated, and finds its own item if the first one held.
        return _once(table, writes)


def _once(table: Table, writes: Sequence[Action]) -> Sequence[Item | None]:
    if len(writes) > 1:
        return table.transact(writes)
    outcome = table.act(writes[0])
    return () if outcome.held else [outcome.item or {}]
