"""Parked records and notes beside the ledger on DynamoDB, in the same table under keys of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from handler.core.errors import LedgerUnavailable
from handler.core.ports.ledger import Parked, ParkedLabel
from handler.core.ports.system import Clock
from handler.ledgers.dynamodb.items import Item, number, number_of, string, text_of
from handler.ledgers.dynamodb.schema import EXPIRY
from handler.ledgers.dynamodb.table import Table

# A sort key may not be empty, and an id may.
ID = "id#"
NOTE = "note#"

# Records that one request counts; it stops earlier at a megabyte.
PAGE = 1000


class DynamoDbParked:
    """`ParkedRecords` and `Notes` in a ledger's table, which drops records some time after their end (`ttl`)."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record; for one that is kept already nothing is written, unless the table is late to drop it."""
        item = {
            **_parked_key(app, parked.id),
            "origin": string(parked.source),
            "reason": string(parked.reason),
            "seconds": number(parked.at),
            "payload": string(parked.payload),
            **({"ttl": number(int(parked.expires_at))} if parked.expires_at else {}),
        }
        put = {
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk) OR #ttl <= :now",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":now": number(int(self._clock.now()))},
        }
        self._table.act(("Put", put))

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""
        request = {
            "KeyConditionExpression": "pk = :pk AND sk > :after",
            "ExpressionAttributeValues": {":pk": string(f"parked#{app}"), ":after": string(ID + after)},
            "ConsistentRead": True,
        }
        return [_parked(item) for item in islice(self._table.query(request, page=limit), limit)]

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        """The labels of all records, as of some milliseconds ago at most; it reads them all."""
        request = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": string(f"parked#{app}")},
            "ProjectionExpression": "sk, origin, #ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
        }
        for item in self._table.query(request, page=PAGE):
            yield ParkedLabel(text_of(item, "sk").removeprefix(ID), text_of(item, "origin"), _expires_at(item))

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record."""
        return self._table.delete(_parked_key(app, parked_id))

    def expires(self) -> bool | None:
        """Whether the table has its expiry attribute on; None where the function may not ask."""
        try:
            return self._table.expires_by(EXPIRY)
        except LedgerUnavailable:
            return None

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact."""
        self._table.put({**_note_key(app, name), "body": string(text)})

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""
        item = self._table.get(_note_key(app, name))
        return text_of(item, "body") if item else None


def _parked(item: Item) -> Parked:
    return Parked(
        id=text_of(item, "sk").removeprefix(ID),
        source=text_of(item, "origin"),
        reason=text_of(item, "reason"),
        at=number_of(item, "seconds"),
        payload=text_of(item, "payload"),
        expires_at=_expires_at(item),
    )


def _expires_at(item: Item) -> float:
    return number_of(item, "ttl") if "ttl" in item else 0.0


def _parked_key(app: int, parked_id: str) -> Item:
    return {"pk": string(f"parked#{app}"), "sk": string(ID + parked_id)}


def _note_key(app: int, name: str) -> Item:
    return {"pk": string(f"notes#{app}"), "sk": string(NOTE + name)}
