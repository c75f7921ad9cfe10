"""Records and watermarks of one group in the table: all that stands under the group's key beside its row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handler.core.model.row import Group
from handler.core.ports.remains import Remain
from handler.ledgers.dynamodb.items import (
    MARK,
    RECORD,
    Item,
    number,
    record_key,
    row_key,
    string,
    text_of,
    watermark_key,
    whole_of,
)
from handler.ledgers.dynamodb.table import Table

# Items that one request looks at; it stops earlier at a megabyte.
PAGE = 1000


class DynamoDbRemains:
    """`Remains` in the table. Each is deleted by a write of its own: a batch takes no conditions."""

    def __init__(self, table: Table, group: Group) -> None:
        self._table = table
        self._group = group

    def listed(self) -> Iterator[Remain]:
        """Watermarks, then records, read strongly."""
        for prefix in (MARK, RECORD):
            request = {
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
                "ExpressionAttributeValues": {":pk": row_key(self._group)["pk"], ":prefix": string(prefix)},
                "ProjectionExpression": "sk, #ttl",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ConsistentRead": True,
            }
            for item in self._table.query(request, page=PAGE):
                yield Remain(text_of(item, "sk").removeprefix(prefix), whole_of(item, "ttl"), prefix == MARK)

    def forget(self, remains: Sequence[Remain]) -> int:
        """Delete one after the other."""
        return sum(self._table.remove(self._deletion(remain)) for remain in remains)

    def _deletion(self, remain: Remain) -> dict[str, object]:
        key: Item = (watermark_key if remain.is_watermark else record_key)(self._group, remain.name)
        return {
            "Key": key,
            "ConditionExpression": "#ttl = :ttl",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":ttl": number(int(remain.expires_at))},
        }
