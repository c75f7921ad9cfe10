"""Making the table: its keys, its indexes and its time to live. A deployment declares the same (serverless.yml)."""

from __future__ import annotations

from botocore.client import BaseClient
from botocore.exceptions import ClientError

INDEX = "unfinished"
KNOWN_INDEX = "known"
EXPIRY = "ttl"

# How often, and how many times, a table that is being made is asked whether it is ready.
READY_EVERY_S = 1
READY_ASKED_MAX = 60


def create_table(client: BaseClient, name: str, *, forgets: bool = True) -> None:
    """Make the table unless there is one of that name, and wait until it takes calls; raises the SDK's errors.

    `forgets` is whether it removes records whose time has passed.
    """
    try:
        client.describe_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        _create(client, name, forgets=forgets)


def _create(client: BaseClient, name: str, *, forgets: bool) -> None:
    try:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "shard", "known")
            ],
            KeySchema=_keys("pk", "sk"),
            GlobalSecondaryIndexes=[
                {"IndexName": INDEX, "KeySchema": _keys("shard", "pk"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
                {
                    "IndexName": KNOWN_INDEX,
                    "KeySchema": _keys("known", "pk"),
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["since"]},
                },
            ],
        )
    except ClientError as error:
        # Another instance was quicker.
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
        forgets = False
    waiting = {"Delay": READY_EVERY_S, "MaxAttempts": READY_ASKED_MAX}
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=waiting)
    if forgets:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY})


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
