"""What the account holds already is refused before a deployment that would fail at it."""

from collections.abc import Mapping
from typing import cast

import pytest

from layers.aws.account import Account, Answer, Client, Stack, Table
from layers.aws.plan import Plan

LEDGER = {"partitionKey": "pk", "sortKey": "sk", "index": "unfinished", "knownIndex": "known", "expiry": "ttl"}
KEYS = [{"AttributeName": "pk"}, {"AttributeName": "sk"}]


class Tables:
    """DynamoDB's two answers about a table."""

    def __init__(self, table: Mapping[str, object], expiry: Mapping[str, object]) -> None:
        self._table, self._expiry = table, expiry

    def describe_table(self, **_: str) -> Answer:
        return {"Table": self._table}

    def describe_time_to_live(self, **_: str) -> Answer:
        return {"TimeToLiveDescription": self._expiry}


def seen(table: Tables) -> Table | None:
    return Account("eu-west-1", lambda _: cast("Client", table)).table("t", LEDGER)


def problems(stack: Stack | None, table: Table | None, named: str = "") -> list[str]:
    return [*Plan("123456789012", "eu-west-1", "prod", {"table": named}, stack, table).problems()]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            "ROLLBACK_COMPLETE",
            "its first deployment failed, and AWS updates no such stack. Remove it first: make remove-aws",
        ),
        ("UPDATE_IN_PROGRESS", "it is at work (UPDATE_IN_PROGRESS)"),
        ("UPDATE_ROLLBACK_FAILED", "it is stuck (UPDATE_ROLLBACK_FAILED)"),
    ],
)
def test_a_stack_that_cannot_be_deployed_to_says_what_to_do(status: str, told: str) -> None:
    [problem] = problems(Stack(status, has_table=False), None)
    assert problem.startswith(f"The stack update-group-counter-prod: {told}")


def test_a_stack_that_a_failed_update_has_left_can_be_deployed_to() -> None:
    assert problems(Stack("UPDATE_ROLLBACK_COMPLETE", has_table=True), Table(())) == []


def test_a_table_that_is_named_has_to_be_there() -> None:
    assert problems(None, None, "theirs") == ["table: there is no table theirs in eu-west-1"]


def test_a_table_that_is_taken_has_all_that_the_ledger_needs() -> None:
    """Also one that has the stack's own name, and is not the stack's; the stack's own was made by its template."""
    lacking = Tables({"KeySchema": KEYS[:1], "GlobalSecondaryIndexes": [{"IndexName": "known"}]}, {})
    whole = Tables(
        {"KeySchema": KEYS, "GlobalSecondaryIndexes": [{"IndexName": "known"}, {"IndexName": "unfinished"}]},
        {"AttributeName": "ttl"},
    )
    lacks = "lacks the ledger's keys, the index unfinished, expiry by the attribute ttl: handler/ledgers/README.md"
    for named in ("", "theirs"):
        [problem] = problems(None, seen(lacking), named)
        assert lacks in problem
    assert problems(None, seen(whole)) == problems(Stack("CREATE_COMPLETE", has_table=True), seen(lacking)) == []
