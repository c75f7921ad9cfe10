"""Facts of the table: which generation it is of, and by which windows it was written."""

from __future__ import annotations

from handler.core.ports.ledger import Generation
from handler.ledgers.dynamodb.items import ROW, Item, number, string, text_of, whole_of
from handler.ledgers.dynamodb.table import Table

# The generation of a table that was never declared a restored copy.
FIRST = Generation(1, 0)

# Items of a page that is looked through for a row: one of the first is one, if there are any.
PAGE = 100


def generation(table: Table) -> Generation:
    """The generation, read strongly."""
    return _generation(table.get(_generation_key()))


def raise_generation(table: Table) -> Generation:
    """Begin the next one."""
    outcome = table.update(
        {
            "Key": _generation_key(),
            "UpdateExpression": "SET generation = if_not_exists(generation, :first) + :one, started = :unknown",
            "ExpressionAttributeValues": {
                ":first": number(FIRST.number),
                ":one": number(1),
                ":unknown": number(0),
            },
            "ReturnValues": "ALL_NEW",
        }
    )
    return _generation(outcome.item)


def start_generation(table: Table, known: Generation, started: int) -> Generation:
    """Stamp its start, unless another worker was quicker."""
    outcome = table.update(
        {
            "Key": _generation_key(),
            "UpdateExpression": "SET started = :started",
            "ConditionExpression": "generation = :number AND started = :known",
            "ExpressionAttributeValues": {
                ":started": number(started),
                ":number": number(known.number),
                ":known": number(known.started),
            },
            "ReturnValues": "ALL_NEW",
        }
    )
    return _generation(outcome.item)


def windows(table: Table, app: int) -> str | None:
    """The notes of an app's windows, read strongly."""
    item = table.get(_windows_key(app))
    return text_of(item, "body") if item else None


def note_windows(table: Table, app: int, text: str, instead_of: str | None) -> bool:
    """Replace the notes of windows, in one conditional write."""
    item = {**_windows_key(app), "body": string(text)}
    if instead_of is None:
        return table.put_new(item).held
    return table.update(
        {
            "Key": _windows_key(app),
            "UpdateExpression": "SET body = :body",
            "ConditionExpression": "body = :before",
            "ExpressionAttributeValues": {":body": string(text), ":before": string(instead_of)},
        }
    ).held


def has_rows(table: Table) -> bool:
    """Whether the table holds any row, of whichever app."""
    request = {
        "FilterExpression": "sk = :row",
        "ExpressionAttributeValues": {":row": string(ROW)},
        "ProjectionExpression": "pk",
        "ConsistentRead": True,
    }
    return any(True for _ in table.scan(request, PAGE))


def _generation(item: Item | None) -> Generation:
    return Generation(whole_of(item, "generation"), whole_of(item, "started")) if item else FIRST


def _generation_key() -> Item:
    return {"pk": string("generation"), "sk": string("generation")}


def _windows_key(app: int) -> Item:
    return {"pk": string(f"windows#{app}"), "sk": string("windows")}
