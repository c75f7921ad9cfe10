"""A ledger in memory whose schedules go by the clocks of those who ask, as DynamoDB's do, by the very code of those."""

import re
from collections.abc import Mapping
from typing import cast

from handler.core.ports.schedules import Claim, Hold, Lent
from handler.ledgers.dynamodb import metadata
from handler.ledgers.dynamodb.items import Item
from handler.ledgers.dynamodb.table import Outcome, Request, Table
from tests.sandbox.memory_ledger import MemoryLedger

_BETWEEN = re.compile(r"(\w+) BETWEEN (:\w+) AND (:\w+)")
_ABSENT = re.compile(r"attribute_not_exists\((\w+)\)")
_VALUE = re.compile(r":(\w+)")
_NAME = re.compile(r"(?<![\w\"'])(free_at|held_until|#at)(?![\w\"'])")


class FakeTable:
    """Understands the updates of a schedule, and nothing else."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, float]] = {}

    def update(self, request: Request) -> Outcome:
        """Change one item under a condition, whole or not at all."""
        item = self._items.setdefault(str(request["Key"]), {})
        values = {name[1:]: _number(value) for name, value in _mapping(request["ExpressionAttributeValues"]).items()}
        if not _holds(str(request.get("ConditionExpression", "True")), item, values):
            return Outcome(held=False, item=_shown(item) or None)
        for change in str(request["UpdateExpression"]).removeprefix("SET ").split(", "):
            name, _, value = change.partition(" = ")
            item[name.lstrip("#")] = float(_evaluated(value, item, values))
        return Outcome(held=True, item=_shown(item))


class AskersLedger(MemoryLedger):
    """What an instance whose clock is ahead does to such schedules, it does to all."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # whatever a ledger in memory takes
        self._table = cast("Table", FakeTable())

    def lease(self, claim: Claim) -> Lent:
        return metadata.lease(self._table, claim)

    def hold(self, hold: Hold) -> None:
        """Lend nothing for so long by the asker's clock."""
        metadata.hold(self._table, hold)


def _holds(condition: str, item: Mapping[str, float], values: Mapping[str, float]) -> bool:
    text = _ABSENT.sub(r'("\1" not in item)', _BETWEEN.sub(r"(\2 <= \1 and \1 <= \3)", condition))
    return bool(_evaluated(re.sub(r" = ", " == ", text), item, values))


def _evaluated(text: str, item: Mapping[str, float], values: Mapping[str, float]) -> float:
    text = _VALUE.sub(r'values["\1"]', text).replace(" AND ", " and ").replace(" OR ", " or ")
    text = _NAME.sub(lambda name: f'item.get("{name[0].lstrip("#")}", nan)', text)
    return cast("float", eval(text, {"item": item, "values": values, "nan": float("nan")}))  # noqa: S307  # our own text


def _mapping(value: object) -> Mapping[str, Mapping[str, str]]:
    return cast("Mapping[str, Mapping[str, str]]", value)


def _number(value: Mapping[str, str]) -> float:
    return float(value["N"])


def _shown(item: Mapping[str, float]) -> Item:
    return {name: {"N": repr(value)} for name, value in item.items()}
