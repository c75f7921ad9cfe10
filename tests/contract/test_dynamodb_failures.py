"""What a DynamoDB ledger makes of everything that can go wrong between it and its table."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.row import Attempt
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.parked_stores import APP, parked
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, record, settlement, there
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.integration.byte_server import ByteServer, Exchange
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import SECRET, WRITES, Send, refusal

Answer = Callable[[AWSPreparedRequest, Send], AWSResponse]

RUN = attempt(entry())
TWO = attempt(entry("first"), entry("second"))

UNAVAILABLE = {
    "ThrottlingException": "is throttled: ThrottlingException",
    "ProvisionedThroughputExceededException": "is throttled: ProvisionedThroughputExceededException",
    "RequestLimitExceeded": "is throttled: RequestLimitExceeded",
    "AccessDeniedException": "may not be accessed by this function: AccessDeniedException",
    "ExpiredTokenException": "cannot be used, because the credentials are not accepted: ExpiredTokenException",
    "UnrecognizedClientException": "cannot be used, because the credentials are not accepted: Unrecogni",
    "ResourceNotFoundException": "does not exist",
    "ValidationException": "cannot be used: ValidationException",
    f"{SECRET} and more": "cannot be used: an error without a code",
}


class Script:
    """Meets the writes, or the reads, of a ledger with these answers, one after the other; the rest goes through."""

    def __init__(self, *answers: Answer | None, operations: frozenset[str] = WRITES) -> None:
        self._answers: Iterator[Answer | None] = chain(answers, repeat(None))
        self._operations = operations
        self.calls: list[str] = []

    def __call__(self, operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        answer = next(self._answers) if operation in self._operations else None
        self.calls.append(operation)
        return answer(request, send) if answer else send()


def refuses(code: str, status: int = 400, **fields: object) -> Answer:
    def answer(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        return refusal(request, code, status, **fields)

    return answer


def fails(error: Exception, *, after: bool = False) -> Answer:
    """The connection does, `after` the write has taken effect or instead."""

    def answer(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        if after:
            send()
        raise error

    return answer


READS = frozenset({"GetItem", "BatchGetItem", "Query"})
CLOSED = ConnectionClosedError(endpoint_url=SECRET)
CONFLICT = refuses(
    "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]
)


@pytest.fixture
def store(dynamodb_endpoint: str, clock: GivenClock) -> DynamoDbStore:
    """A table in which the group is idle."""
    return DynamoDbStore.with_idle_group(dynamodb_endpoint, clock)


@pytest.fixture
def meeting(store: DynamoDbStore, clock: GivenClock, closing: Closing) -> Callable[[Script], OpenLedger]:
    return lambda script: closing(store.open_through(clock, script))


@pytest.mark.parametrize(("code", "problem"), UNAVAILABLE.items(), ids=[code.split()[0] for code in UNAVAILABLE])
@pytest.mark.parametrize(
    "call",
    [
        lambda ledger: ledger.load(GROUP),
        lambda ledger: ledger.swap(GROUP, idle_row().changed(), {}),
        lambda ledger: ledger.swap(GROUP, idle_row().changed(), {"a": record("a")}),
    ],
    ids=["read", "write", "transaction"],
)
def test_a_refusal_is_unavailable_and_told_by_its_code(
    store: DynamoDbStore,
    meeting: Callable[[Script], OpenLedger],
    code: str,
    problem: str,
    call: Callable[[OpenLedger], object],
) -> None:
    script = Script(refuses(code), operations=WRITES | READS)
    with pytest.raises(LedgerUnavailable) as caught:
        call(meeting(script))
    assert str(caught.value).startswith(f"the table {store.table} {problem}")
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.problem}"
    assert len(script.calls) == 1


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url=SECRET), ConnectTimeoutError(endpoint_url=SECRET), NoCredentialsError()],
    ids=lambda error: type(error).__name__,
)
def test_a_write_that_was_never_sent_is_unavailable(meeting: Callable[[Script], OpenLedger], error: Exception) -> None:
    with pytest.raises(LedgerUnavailable, match=f"cannot be reached: {type(error).__name__}$"):
        meeting(Script(fails(error))).swap(GROUP, idle_row().changed(), {})


@pytest.mark.parametrize(
    "answer",
    [
        fails(CLOSED, after=True),
        fails(ReadTimeoutError(endpoint_url=SECRET), after=True),
        refuses("InternalServerError", 500),
        refuses("ServiceUnavailable", 503),
        refuses("", 502),
    ],
    ids=["closed", "timeout", "internal error", "unavailable", "a gateway's own"],
)
def test_a_write_that_may_have_arrived_is_an_answer_lost(
    store: DynamoDbStore, meeting: Callable[[Script], OpenLedger], answer: Answer
) -> None:
    script = Script(answer)
    with pytest.raises(AnswerLost) as caught:
        meeting(script).swap(GROUP, idle_row().changed(), {"a": record("a")})
    assert script.calls == ["TransactWriteItems"]
    assert str(caught.value).startswith(f"the answer of table {store.table} to a write was lost: ")
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("answer", [fails(CLOSED), refuses("InternalServerError", 500)], ids=["closed", "failed"])
def test_a_read_is_tried_once_more(meeting: Callable[[Script], OpenLedger], answer: Answer) -> None:
    script = Script(answer, operations=READS)
    assert meeting(script).load(GROUP) == idle_row()
    assert script.calls == ["GetItem", "GetItem"]
    with pytest.raises(LedgerUnavailable):
        meeting(Script(answer, answer, operations=READS)).load(GROUP)


def test_a_read_that_took_too_long_is_not_tried_again(meeting: Callable[[Script], OpenLedger]) -> None:
    script = Script(fails(ReadTimeoutError(endpoint_url=SECRET)), operations=READS)
    with pytest.raises(LedgerUnavailable, match="cannot be reached: ReadTimeoutError"):
        meeting(script).load(GROUP)
    assert script.calls == ["GetItem"]


def test_keys_left_unanswered_are_asked_for_again(
    meeting: Callable[[Script], OpenLedger], store: DynamoDbStore
) -> None:
    """DynamoDB answers a batch as far as it can."""
    wanted = {"Keys": [{"pk": {"S": "1400000000#@TGS#1"}, "sk": {"S": "row"}}], "ConsistentRead": True}

    def none_yet(request: AWSPreparedRequest, send: Send) -> AWSResponse:
        return refusal(request, "", 200, Responses={store.table: []}, UnprocessedKeys={store.table: wanted})

    script = Script(none_yet, none_yet, operations=READS)
    assert meeting(script).look(GROUP, ["a"]).row == idle_row()
    assert script.calls == ["BatchGetItem"] * 3
    with pytest.raises(LedgerUnavailable, match="is throttled: it leaves keys unanswered"):
        meeting(Script(*[none_yet] * 9, operations=READS)).look(GROUP, ["a"])


@pytest.mark.parametrize(
    "answer", [CONFLICT, refuses("TransactionConflictException")], ids=["in a transaction", "alone"]
)
def test_a_conflict_of_transactions_is_waited_out(meeting: Callable[[Script], OpenLedger], answer: Answer) -> None:
    script = Script(answer, answer)
    assert meeting(script).swap(GROUP, idle_row().changed(), {"a": record("a")})
    assert script.calls == ["TransactWriteItems"] * 3


def test_conflicts_without_an_end_are_given_up(meeting: Callable[[Script], OpenLedger]) -> None:
    """Whoever holds the items up may do so for long."""
    ledger = meeting(Script(*[CONFLICT] * 9))
    with pytest.raises(LedgerUnavailable, match="is busy"):
        ledger.swap(GROUP, idle_row().changed(), {"a": record("a")})
    assert ledger.load(GROUP) == idle_row()


def test_a_throttled_transaction_is_unavailable(meeting: Callable[[Script], OpenLedger]) -> None:
    throttled = refuses("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}])
    with pytest.raises(LedgerUnavailable, match="is throttled: ThrottlingError"):
        meeting(Script(throttled)).swap(GROUP, idle_row().changed(), {"a": record("a")})


@pytest.mark.parametrize("run", [RUN, TWO], ids=["one record", "two records"])
@pytest.mark.parametrize("after", [True, False], ids=["took effect", "had none"])
def test_a_record_whose_answer_was_lost_is_recognised_as_ones_own(
    meeting: Callable[[Script], OpenLedger], run: Attempt, after: bool
) -> None:
    """The same put again finds it, or writes it; and the answer is this settlement's."""
    ledger = meeting(Script(None, fails(CLOSED, after=after)))
    ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION)
    assert ledger.settle(GROUP, settlement(run))
    assert dict(ledger.find(GROUP, [each.id for each in run.entries])) == settlement(run).records


def test_a_settlement_after_one_whose_last_answer_was_lost(meeting: Callable[[Script], OpenLedger]) -> None:
    for after in (True, False):
        ledger = meeting(Script(None, None, fails(CLOSED, after=after)))
        base = (ledger.load(GROUP) or idle_row()).base or 0
        run = attempt(entry(f"{after}"), name=f"{after}")
        assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is not None
        with pytest.raises(AnswerLost):
            ledger.settle(GROUP, settlement(run, base))
        ledger.load(GROUP)
        assert ledger.settle(GROUP, settlement(run, base)) is not after
        row = there(ledger.load(GROUP))
        assert (row.attempt, row.base) == (None, base + run.weight)


def test_a_missing_table_is_named(dynamodb_endpoint: str, clock: GivenClock, closing: Closing) -> None:
    ledger = closing(DynamoDbStore(dynamodb_endpoint, "missing").open(clock))
    for call in (lambda: ledger.load(GROUP), lambda: ledger.swap(GROUP, idle_row(), {"a": record("a")})):
        with pytest.raises(LedgerUnavailable, match=r"^the table missing does not exist$"):
            call()


def test_a_missing_table_is_made_where_that_is_asked_for(
    dynamodb_endpoint: str, clock: GivenClock, closing: Closing
) -> None:
    """With its indexes, and forgetting what is past its time; one that is there is used as it is."""
    client = dynamodb.client(dynamodb_endpoint)
    for _ in range(2):
        ledger = closing(
            DynamoDbLedger("made", clock, endpoint=dynamodb_endpoint, create=True, session=dynamodb.session)
        )
        assert ledger.unfinished(GROUP.app, 1) == []
    assert client.describe_time_to_live(TableName="made")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ttl",
    }
    table = client.describe_table(TableName="made")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]] == [
        *("KEYS_ONLY", "INCLUDE")
    ]


def test_a_table_without_the_index_cannot_be_swept(dynamodb_endpoint: str, clock: GivenClock, closing: Closing) -> None:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    kinds = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
    dynamodb.client(dynamodb_endpoint).create_table(
        TableName="without-index", KeySchema=keys, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST"
    )
    with pytest.raises(LedgerUnavailable, match="the table without-index cannot be used: ValidationException"):
        closing(DynamoDbStore(dynamodb_endpoint, "without-index").open(clock)).unfinished(GROUP.app, 10)


def test_no_call_waits_for_long(clock: GivenClock, closing: Closing) -> None:
    """A service that takes the request and never answers is given up after a second."""
    begun = time.monotonic()
    with ByteServer(Exchange.wait) as server:
        endpoint = f"http://{server.address}"
        ledger = closing(DynamoDbLedger("counters", clock, endpoint=endpoint, session=dynamodb.hurried))
        with pytest.raises(LedgerUnavailable, match="ReadTimeoutError"):
            ledger.load(GROUP)
    assert time.monotonic() - begun < 3


def test_parking_fails_as_its_ledger_does(store: DynamoDbStore, clock: GivenClock) -> None:
    kept = store.open_through(clock, Script(fails(CLOSED), refuses("AccessDeniedException"))).parked()
    with pytest.raises(AnswerLost):
        kept.park(APP, parked())
    with pytest.raises(LedgerUnavailable, match="may not be accessed"):
        kept.note(APP, "a", "1")
    assert kept.noted(APP, "a") is None
