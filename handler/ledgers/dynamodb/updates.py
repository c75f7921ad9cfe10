"""The ways in which rows and marks change, as requests: each is one UpdateItem under conditions that make it exact.

The mark (`shard`, the key of the index) is set by each write that leaves a row unfinished or held; one that is there
already costs nothing. It is taken away only with the hold: a busy group would pay for that with every operation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Row, Settlement
from handler.core.model.row_size import storable
from handler.core.state.watermarks import WATERMARK_S
from handler.ledgers.dynamodb.items import (
    CALM,
    Item,
    Stored,
    Value,
    known_attributes,
    mark_of,
    number,
    row_key,
    shard_of,
    string,
    strings,
    texts,
    watermark_key,
    whole_row,
)
from handler.ledgers.row_parts import entry_texts

Request: TypeAlias = Mapping[str, object]

ABSENT = "attribute_not_exists(pk)"

# What an operation adds to a row's text beside its own: its place in the queue, and for each key its number and name.
REFERENCE_BYTES = 8
NUMBER_BYTES = 8

# The attributes of a row that may be absent.
_OPTIONAL = ("held", "receipt", "attempt", "carried", "queued", "tail", "known", "since")

_MARK = "#shard = :shard"

_SETTLE = "SET receipt = :new, version = version + :one, epoch = version + :one{more} REMOVE attempt, carried"

_APPEND = (
    "SET tail = list_append(if_not_exists(tail, :none), :texts), version = version + :one, bytes = bytes + :more, "
    f"{_MARK} ADD queued :ids"
)


def swapped(group: Group, row: Row, before: Stored | None) -> tuple[Stored, Request]:
    """Write a row whole, if the stored version is the one before; raises ValueError over the bound of a row.

    `before` is the row as it was last seen: unless that shows that it was not held, its mark may be that of a hold.
    """
    stored, attributes = whole_row(row, row.version, shard_of(group))
    if row.version == 1:
        return stored, _whole(group, row, attributes, ABSENT, {})
    was_free = before is not None and before.row.version == row.version - 1 and not before.row.is_held
    values = {":was": number(row.version - 1)}
    return stored, _whole(group, row, attributes, "version = :was", values, unmarks=not was_free)


def created(group: Group, row: Row) -> tuple[Stored, Request]:
    """Write a group's first row, if it has none."""
    stored, attributes = whole_row(row, row.version, shard_of(group))
    return stored, _whole(group, row, attributes, ABSENT, {})


def deleted(group: Group, version: int) -> Request:
    """Delete a row, if it still is of this version."""
    values = {":was": number(version)}
    return {"Key": row_key(group), "ConditionExpression": "version = :was", "ExpressionAttributeValues": values}


def begun(group: Group, seen: Stored, attempt: Attempt, pace: Pace | None = None) -> tuple[Stored, Request]:
    """Open an attempt in a row that was seen idle, if it still is what was seen (R1).

    The version alone says so. The other conditions hold even in a table that was put back to an older copy, where the
    same version may come again.
    """
    condition = (
        "version = :was AND receipt = :base AND standing = :calm "
        "AND attribute_not_exists(attempt) AND attribute_not_exists(queued)"
    )
    row = storable(seen.row.opened(attempt, pace=pace))
    stored, attributes = whole_row(row, seen.epoch, shard_of(group))
    values = {":was": number(seen.row.version), ":base": number(seen.row.base or 0), ":calm": string(CALM)}
    return stored, _whole(group, row, attributes, condition, values)


def appended(group: Group, seen: Stored, entries: Sequence[Entry], bytes_max: int) -> Request:
    """Lengthen the queue, if nothing was settled or swapped since `seen`, and none of `entries` is owed by now.

    So appends do not get in each other's way, nor in that of a beginning. In one epoch the base stays the same, and is
    asked for only because of tables that were put back to an older copy, where the same epoch may come again.
    """
    ids = [entry.id for entry in entries]
    added = entry_texts(entries)
    more = bytes_of(entries)
    names = {f":i{place}": string(operation_id) for place, operation_id in enumerate(ids)}
    not_owed = " AND ".join(f"NOT contains(carried, {name}) AND NOT contains(queued, {name})" for name in names)
    known = {} if seen.row.base is None else {":base": number(seen.row.base)}
    # A row is held for whole epochs.
    held = seen.row.is_held
    mark = mark_of(group, held=held, unfinished=not held or bool(seen.row.notes))
    same = f"epoch = :epoch AND {'receipt = :base' if known else 'attribute_not_exists(receipt)'}"
    return {
        "Key": row_key(group),
        "UpdateExpression": _APPEND,
        "ConditionExpression": f"{same} AND bytes <= :room AND {not_owed}",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {
            **names,
            **known,
            ":epoch": number(seen.epoch),
            ":room": number(bytes_max - more),
            ":more": number(more),
            ":none": texts(()),
            ":texts": texts(added),
            ":ids": strings(ids),
            ":one": number(1),
            ":shard": string(mark),
        },
        "ReturnValues": "ALL_NEW",
    }


def bytes_of(entries: Sequence[Entry]) -> int:
    """How much longer these make a row's text, at most."""
    texts_of = zip(entry_texts(entries), entries, strict=True)
    return sum(len(text.encode()) + REFERENCE_BYTES + NUMBER_BYTES * len(entry.counters) for text, entry in texts_of)


def grown(group: Group, seen: Stored, row: Row) -> tuple[Stored, Request]:
    """Write a row with a longer queue whole, if it still is the version that was seen."""
    row = storable(row)
    stored, attributes = whole_row(row, seen.epoch, shard_of(group))
    return stored, _whole(group, row, attributes, "version = :was", {":was": number(seen.row.version)})


def settled(group: Group, settlement: Settlement) -> Request:
    """The partial update of R5.

    The bound of the row's length stands: new keys take about as much as the attempt did, which named them too.
    """
    known = known_attributes(settlement.keys or (), shard_of(group))
    return {
        "Key": row_key(group),
        "UpdateExpression": _SETTLE.format(more="".join(f", {name} = :{name}" for name in known)),
        "ConditionExpression": "attempt = :attempt AND receipt = :base",
        "ExpressionAttributeValues": {
            ":attempt": string(settlement.attempt.id),
            ":base": number(settlement.base),
            ":new": number(settlement.new_base),
            ":one": number(1),
            **{f":{name}": value for name, value in known.items()},
        },
        "ReturnValues": "ALL_NEW",
    }


def raised(group: Group, partition: str, sequence: str, now: float) -> Request:
    """Raise the watermark of a partition, unless it stands as high; the table drops it at `ttl` (whole seconds)."""
    return {
        "Key": watermark_key(group, partition),
        "UpdateExpression": "SET reached = :last, #ttl = :ttl",
        "ConditionExpression": "attribute_not_exists(reached) OR reached < :last",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": {":last": string(sequence), ":ttl": number(math.ceil(now + WATERMARK_S))},
    }


def unreached(group: Group, partition: str, first: str) -> Request:
    """The check that a partition's watermark stands before a position."""
    return {
        "Key": watermark_key(group, partition),
        "ConditionExpression": "attribute_not_exists(reached) OR reached < :first",
        "ExpressionAttributeValues": {":first": string(first)},
    }


def marked(row: Item, mark: str) -> Request:
    """Put a row where it belongs in the index, or out of it, if it still is the version that was found elsewhere."""
    return {
        "Key": {"pk": row["pk"], "sk": row["sk"]},
        "UpdateExpression": f"SET {_MARK}" if mark else "REMOVE #shard",
        "ConditionExpression": "version = :was",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {":was": row["version"], **({":shard": string(mark)} if mark else {})},
    }


def _whole(
    group: Group,
    row: Row,
    attributes: Mapping[str, Value],
    condition: str,
    values: Mapping[str, Value],
    *,
    unmarks: bool = False,
) -> Request:
    sets = [f"{name} = :{name}" for name in attributes]
    given = {f":{name}": value for name, value in attributes.items()} | dict(values)
    absent = [name for name in _OPTIONAL if name not in attributes]
    mark = mark_of(group, held=row.is_held, unfinished=row.is_unfinished)
    if mark:
        sets.append(_MARK)
        given[":shard"] = string(mark)
    elif unmarks:
        absent.append("#shard")
    return {
        "Key": row_key(group),
        "UpdateExpression": f"SET {', '.join(sets)} REMOVE {', '.join(absent)}",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": given,
        **({"ExpressionAttributeNames": {"#shard": "shard"}} if mark or unmarks else {}),
    }
