"""The table as the ledger uses it: strong reads, writes under conditions, and every failure told apart."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec

from handler.core.ports.system import Clock
from handler.ledgers.dynamodb.client import Client
from handler.ledgers.dynamodb.errors import (
    SDK_ERRORS,
    ConditionFailed,
    Conflict,
    failure_of,
    is_worth_repeating,
    unavailable,
)
from handler.ledgers.dynamodb.items import Item

Request: TypeAlias = Mapping[str, object]
Action: TypeAlias = tuple[str, Request]
"""A part of a transaction: "Put", "Update" or "ConditionCheck", and its request."""

# DynamoDB's own limits: keys of one BatchGetItem, and actions of one transaction.
KEYS_MAX = 100
ACTIONS_MAX = 100

# How often a write is tried that another worker's transaction blocks, and the longest wait before the second try; it
# doubles with each.
CONFLICTS_MAX = 5
CONFLICT_S = 0.02

# How often keys are asked for that DynamoDB has left unanswered.
BATCHES_MAX = 5


class Outcome(msgspec.Struct, frozen=True):
    """Whether a write took place, and the item: as it is now where that was asked for, or as it stands in the way."""

    held: bool
    item: Item | None


class Table:
    """The table `name`, reached by `client`. Raises LedgerUnavailable, and AnswerLost from what writes."""

    def __init__(self, name: str, client: Client, clock: Clock) -> None:
        self.name = name
        self._client = client
        self._clock = clock
        self._chance = random.SystemRandom()

    def get(self, key: Item) -> Item | None:
        """One item, read strongly."""
        answer = self._read("get_item", {"TableName": self.name, "Key": key, "ConsistentRead": True})
        return cast("Item | None", answer.get("Item"))

    def get_all(self, keys: Sequence[Item], attributes: str | None = None) -> list[Item]:
        """Those items that exist, each read strongly, in no order; of each only `attributes`, if these are named."""
        if len(keys) == 1 and attributes is None:
            item = self.get(keys[0])
            return [item] if item else []
        found: list[Item] = []
        for start in range(0, len(keys), KEYS_MAX):
            found += self._batch(keys[start : start + KEYS_MAX], attributes)
        return found

    def query(self, request: Request, page: int) -> Iterator[Item]:
        """What a query finds, `page` items at a time, fetched as far as it is wanted."""
        return self._paged("query", request, page)

    def scan(self, request: Request, page: int) -> Iterator[Item]:
        """What a look through the table finds, `page` items at a time, fetched as far as it is wanted."""
        return self._paged("scan", request, page)

    def _paged(self, operation: str, request: Request, page: int) -> Iterator[Item]:
        start: Request = {}
        while True:
            answer = self._read(operation, {"TableName": self.name, "Limit": page, **request, **start})
            yield from cast("Sequence[Item]", answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def expires_by(self, attribute: str) -> bool:
        """Whether the table drops items by this attribute, or is about to."""
        answer = self._read("describe_time_to_live", {"TableName": self.name})
        told = cast("Mapping[str, str]", answer["TimeToLiveDescription"])
        is_on = told["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}
        return is_on and told.get("AttributeName") == attribute

    def put_new(self, item: Item) -> Outcome:
        """Write an item, unless there is one of its key."""
        return self._write_one("put_item", new_item(item))

    def update(self, request: Request) -> Outcome:
        """Change one item under a condition."""
        return self._write_one("update_item", request)

    def delete(self, key: Item) -> bool:
        """Remove an item; whether there was one. Where there was none nothing is written."""
        return self.remove({"Key": key, "ConditionExpression": "attribute_exists(pk)"})

    def remove(self, request: Request) -> bool:
        """Remove an item under a condition; whether it held."""
        return self._write_one("delete_item", request).held

    def put(self, item: Item) -> None:
        """Write an item in place of any other."""
        self._write("put_item", {"TableName": self.name, "Item": item})

    def act(self, action: Action) -> Outcome:
        """Carry out one action as a plain write, without a transaction."""
        kind, request = action
        return self._write_one("put_item" if kind == "Put" else "update_item", request)

    def transact(self, actions: Sequence[Action]) -> Sequence[Item | None]:
        """Carry out all actions or none; where none, what stood in the way of each (see ConditionFailed)."""
        items = [{kind: {"TableName": self.name, **_telling(action)}} for kind, action in actions]
        try:
            self._write("transact_write_items", {"TransactItems": items})
        except ConditionFailed as failed:
            return failed.items
        return ()

    def _write_one(self, operation: str, request: Request) -> Outcome:
        try:
            answer = self._write(operation, {"TableName": self.name, **_telling(request)})
        except ConditionFailed as failed:
            return Outcome(held=False, item=failed.items[0] or None)
        return Outcome(held=True, item=cast("Item | None", answer.get("Attributes")))

    def _batch(self, keys: Sequence[Item], attributes: str | None) -> Sequence[Item]:
        found: list[Item] = []
        wanted: object = {"Keys": keys, "ConsistentRead": True} | (
            {"ProjectionExpression": attributes} if attributes else {}
        )
        for attempt in range(BATCHES_MAX):
            answer = self._read("batch_get_item", {"RequestItems": {self.name: wanted}})
            found += cast("Mapping[str, Sequence[Item]]", answer["Responses"]).get(self.name, ())
            left = cast("Mapping[str, object]", answer.get("UnprocessedKeys") or {})
            if not left:
                return found
            wanted = left[self.name]
            self._pause(attempt)
        raise unavailable(self.name, "is throttled: it leaves keys unanswered")

    def _read(self, operation: str, request: Request) -> Mapping[str, object]:
        """Ask, and once more where the first time may have met a connection that had been closed."""
        try:
            try:
                return self._client.call(operation, request)
            except SDK_ERRORS as error:
                if not is_worth_repeating(error):
                    raise
            return self._client.call(operation, request)
        except SDK_ERRORS as error:
            raise failure_of(error, self.name, writes=False) from None

    def _write(self, operation: str, request: Request) -> Mapping[str, object]:
        """Write once, and again only after a conflict of transactions. Raises ConditionFailed."""
        for attempt in range(CONFLICTS_MAX):
            try:
                return self._client.call(operation, request)
            except SDK_ERRORS as error:
                failure = failure_of(error, self.name, writes=True)
            if not isinstance(failure, Conflict):
                raise failure from None
            self._pause(attempt)
        raise unavailable(self.name, "is busy: other transactions kept this write out")

    def _pause(self, attempt: int) -> None:
        self._clock.sleep(self._chance.uniform(0, CONFLICT_S * 2**attempt))


def absent(key: Item) -> Action:
    """The check that there is no item of a key."""
    return "ConditionCheck", {"Key": key, "ConditionExpression": "attribute_not_exists(pk)"}


def new_item(item: Item) -> Request:
    """A put that holds only if there is no item of its key."""
    return {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}


def _telling(request: Request) -> Request:
    """A write that tells, where it does not hold, what stands in the way."""
    return {**request, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
