"""A missing table is made where that is asked for, by several instances at once too; or it is told what is wrong."""

from functools import partial
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from handler.core.errors import LedgerUnavailable
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.ledgers.dynamodb.schema import create_table
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import GivenClock
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Interceptor, Send


@pytest.fixture
def table() -> str:
    return f"made-{uuid4()}"


def made(endpoint: str, table: str, clock: GivenClock, interceptor: Interceptor) -> DynamoDbLedger:
    session = partial(dynamodb.session, interceptor)
    return DynamoDbLedger(table, clock, endpoint=endpoint, create=True, session=session)


def test_an_instance_that_comes_second_uses_the_table_of_the_first(
    dynamodb_endpoint: str, table: str, clock: GivenClock
) -> None:
    """Both found none. The second leaves to the first what a table is told after it was made."""
    calls: list[str] = []

    def overtaken(operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        calls.append(operation)
        if operation == "CreateTable":
            create_table(dynamodb.client(dynamodb_endpoint), table)
        return send()

    ledger = made(dynamodb_endpoint, table, clock, overtaken)
    assert ledger.swap(GROUP, idle_row(), {})
    assert ledger.load(GROUP) == idle_row()
    ledger.close()
    assert calls[:3] == ["DescribeTable", "CreateTable", "DescribeTable"]
    assert "UpdateTimeToLive" not in calls


@pytest.mark.parametrize("operation", ["DescribeTable", "CreateTable"])
@pytest.mark.parametrize(
    ("code", "told"),
    [("AccessDeniedException", "may not be accessed by this function"), ("LimitExceededException", "cannot be used")],
)
def test_a_table_that_may_not_be_made_is_unavailable_and_says_why(
    dynamodb_endpoint: str, table: str, clock: GivenClock, operation: str, code: str, told: str
) -> None:
    refusals = [code]

    def refuses(called: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        return dynamodb.refusal(request, refusals.pop()) if called == operation and refusals else send()

    ledger = made(dynamodb_endpoint, table, clock, refuses)
    with pytest.raises(LedgerUnavailable, match=f"^the table {table} {told}.*: {code}$"):
        ledger.swap(GROUP, idle_row(), {})
    assert ledger.swap(GROUP, idle_row(), {})
    ledger.close()


@pytest.mark.parametrize(("refused", "told"), [("", True), ("DescribeTimeToLive", None)])
def test_a_table_with_its_expiry_says_so_to_a_function_that_may_ask(
    dynamodb_endpoint: str, table: str, clock: GivenClock, refused: str, told: bool | None
) -> None:
    def answer(called: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        return dynamodb.refusal(request, "AccessDeniedException") if called == refused else send()

    ledger = made(dynamodb_endpoint, table, clock, answer)
    assert ledger.swap(GROUP, idle_row(), {})
    assert ledger.parked().expires() is told
    ledger.close()
