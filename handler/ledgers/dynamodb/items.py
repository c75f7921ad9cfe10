"""What stands in the table: a row and its records under one partition key, written as DynamoDB's attribute values.

A row's item holds the row as of the last time that it was written whole (`body`), and beside it what the piecewise
writes need to see or change: see `Stored`. No attribute name but `shard` is one of DynamoDB's reserved words.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec

from handler.core.model.known_keys import newest_first
from handler.core.model.operation import Counters
from handler.core.model.outcome import Record, decode_record, encode_record
from handler.core.model.row import Group, Row
from handler.ledgers.row_parts import Parts, join, split

Value: TypeAlias = Mapping[str, object]
Item: TypeAlias = Mapping[str, Value]

ROW = "row"
RECORD = "rec#"
MARK = "mark#"

# The index of unfinished groups is spread over several keys, so that none of them is as hot as all groups together.
SHARDS = 8

# The stored words; a busy row is stored as "restless".
CALM, BUSY, FROZEN = "calm", "restless", "frozen"
"""The state of a row apart from its attempt and its queue: a busy one remembers, owes back or has notes.

"Frozen" is one that is held and has no notes.
"""


class Stored(msgspec.Struct, frozen=True):
    """A row as it was seen in the table.

    `epoch` is the version that the last swap or settlement made: an operation that is owed stays owed as long as the
    epoch is the same, and so what had no record in it gets none. `size` is at least the length of the row's text.
    """

    row: Row
    epoch: int
    size: int


def string(value: str) -> Value:
    """A text."""
    return {"S": value}


def number(value: float) -> Value:
    """A number; what is written is read as the same float."""
    return {"N": repr(value)}


def strings(values: Iterable[str]) -> Value:
    """A set of texts, which may not be empty."""
    return {"SS": sorted(values)}


def texts(values: Iterable[str]) -> Value:
    """A list of texts."""
    return {"L": [string(value) for value in values]}


def text_of(item: Item, name: str) -> str:
    """An attribute that is a text."""
    return str(item[name]["S"])


def number_of(item: Item, name: str) -> float:
    """An attribute that is a number."""
    return float(str(item[name]["N"]))


def whole_of(item: Item, name: str) -> int:
    """An attribute that is a whole number, of any length."""
    return int(str(item[name]["N"]))


def row_key(group: Group) -> Item:
    """Where a group's row is. An app is a number, so no other partition key begins like one of these."""
    return {"pk": string(f"{group.app}#{group.id}"), "sk": string(ROW)}


def record_key(group: Group, operation_id: str) -> Item:
    """Where the record of an operation is."""
    return {"pk": string(f"{group.app}#{group.id}"), "sk": string(RECORD + operation_id)}


def watermark_key(group: Group, partition: str) -> Item:
    """The key of a partition's watermark."""
    return {"pk": string(f"{group.app}#{group.id}"), "sk": string(MARK + partition)}


def shard_name(app: int, shard: int) -> str:
    """A key of the index of unfinished groups."""
    return f"{app}#{shard}"


def shard_of(group: Group) -> str:
    """The key under which the group stands in the index while it is unfinished."""
    return shard_name(group.app, zlib.crc32(group.id.encode()) % SHARDS)


def held_shard_name(app: int, shard: int) -> str:
    """A key of the same index under which held groups stand."""
    return f"{app}#held#{shard}"


def noted_name(app: int) -> str:
    """The key for groups that are held and have notes, which sweeps and operators ask for: they are few."""
    return f"{app}#held"


def mark_of(group: Group, *, held: bool, unfinished: bool) -> str:
    """Under which key of the index a group has to stand; empty where under none."""
    if not held:
        return shard_of(group) if unfinished else ""
    return noted_name(group.app) if unfinished else held_shard_name(group.app, zlib.crc32(group.id.encode()) % SHARDS)


def stored_row(item: Item) -> Stored:
    """Read a row's item."""
    parts = Parts(
        version=whole_of(item, "version"),
        body=text_of(item, "body"),
        base=whole_of(item, "receipt") if "receipt" in item else None,
        open=text_of(item, "attempt") if "attempt" in item else None,
        tail=tuple(str(entry["S"]) for entry in cast("Sequence[Value]", item["tail"]["L"])) if "tail" in item else (),
        keys=_keys_in(item),
    )
    return Stored(join(parts), whole_of(item, "epoch"), whole_of(item, "bytes"))


def whole_row(row: Row, epoch: int, known_shard: str) -> tuple[Stored, Item]:
    """A row as it is written whole, and its attributes; raises ValueError over the bound of a row.

    Once it knows a counter's key it stands in the index of known groups, under `known_shard`. That index holds `since`
    as well, and costs a write only when either changes.
    """
    body = split(row).body
    size = len(body.encode())
    attributes: dict[str, Value] = {
        "version": number(row.version),
        "epoch": number(epoch),
        "body": string(body),
        "bytes": number(size),
        "standing": string(standing(row)),
    }
    if row.is_held:
        attributes["held"] = {"BOOL": True}
    if row.base is not None:
        attributes["receipt"] = number(row.base)
    if row.attempt is not None:
        attributes["attempt"] = string(row.attempt.id)
        if row.attempt.owed:
            attributes["carried"] = strings(entry.id for entry in row.attempt.owed)
    attributes |= known_attributes(row.keys, known_shard)
    if row.queue:
        attributes["queued"] = strings({entry.id for entry in row.queue})
    return Stored(row, epoch, size), attributes


def known_attributes(keys: Counters, known_shard: str) -> Item:
    """What the index of known groups holds of a row that knows these."""
    if not keys:
        return {}
    return {"known": string(known_shard), "since": {"M": {key: number(since) for key, since in keys}}}


def _keys_in(item: Item) -> Counters | None:
    if "since" not in item:
        return None
    since = cast("Mapping[str, Value]", item["since"]["M"])
    return newest_first((key, whole_of(since, key)) for key in since)


def standing(row: Row) -> str:
    """What the sweep has to know of a row beside its attempt and its queue."""
    if row.is_held and not row.notes:
        return FROZEN
    return BUSY if row.remembered or row.debt or row.notes else CALM


def is_unfinished(item: Item) -> bool:
    """`Row.is_unfinished`, told by a row's smaller attributes."""
    standing_now = text_of(item, "standing")
    return standing_now != FROZEN and ("attempt" in item or "queued" in item or standing_now == BUSY)


def is_held(item: Item) -> bool:
    """`Row.is_held`, told in the same way; rows that an earlier version froze have no attribute of their own for it."""
    return "held" in item or text_of(item, "standing") == FROZEN


def record_item(group: Group, operation_id: str, record: Record, *, ahead: bool) -> Item:
    """A record's item, which the table deletes some time after its window (`ttl`, whole seconds).

    `ahead` marks a record that is written before its row: the answer of the worker that settles the attempt just now.
    """
    return {
        **record_key(group, operation_id),
        "body": string(encode_record(record)),
        "ttl": number(math.ceil(record.expires_at)),
        **({"ahead": {"BOOL": True}} if ahead else {}),
    }


def records_in(items: Iterable[Item]) -> dict[str, Record]:
    """The records among a group's items, by the ids of their operations."""
    return {
        text_of(item, "sk").removeprefix(RECORD): decode_record(text_of(item, "body"))
        for item in items
        if text_of(item, "sk").startswith(RECORD)
    }


def watermarks_in(items: Iterable[Item]) -> dict[str, str]:
    """The watermarks among a group's items, by partition."""
    return {
        text_of(item, "sk").removeprefix(MARK): text_of(item, "reached")
        for item in items
        if text_of(item, "sk").startswith(MARK)
    }
