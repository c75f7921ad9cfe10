"""How rows and records stand in the table, and what a ledger does whose memory of them is out of date."""

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from msgspec.structs import replace

from handler.core.model.codec import ROW_BYTES, encode_row
from handler.core.model.outcome import Record, Rejected
from handler.core.model.row import Entry
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import (
    GENERATION,
    GROUP,
    RECEIPT_KEY,
    WINDOW_S,
    attempt,
    entry,
    idle_row,
    past_attempt,
    record,
    settlement,
    there,
)
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Item, Send

ROOM = 36 * 1024
RUN = attempt(entry())


@pytest.fixture
def store(dynamodb_endpoint: str) -> DynamoDbStore:
    return DynamoDbStore.new(dynamodb_endpoint)


@pytest.fixture
def ledger(store: DynamoDbStore, clock: GivenClock, closing: Closing) -> OpenLedger:
    """A ledger in whose table the group is idle."""
    ledger = closing(store.open(clock))
    ledger.swap(GROUP, idle_row(), {})
    return ledger


@pytest.fixture
def stale(store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing) -> OpenLedger:
    """The ledger of another instance, which has seen the idle row and nothing since."""
    stale = closing(store.open(clock))
    stale.load(GROUP)
    return stale


def items(store: DynamoDbStore) -> dict[str, Item]:
    return {str(item["sk"]["S"]): item for item in dynamodb.items(dynamodb.client(store.endpoint), store.table)}


def update(ledger: OpenLedger, name: str = "operation", base: int = 1000) -> None:
    run = attempt(entry(name), name=f"attempt for {name}")
    assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is not None
    assert ledger.settle(GROUP, settlement(run, base))


def test_records_have_a_time_to_live_and_rows_have_none(store: DynamoDbStore, ledger: OpenLedger) -> None:
    update(ledger)
    found = items(store)
    assert found["rec#operation"]["ttl"] == {"N": str(1_700_000_000 + int(WINDOW_S))}
    assert "ttl" not in found["row"]
    assert {str(item["pk"]["S"]) for item in found.values()} == {"1400000000#@TGS#1"}


@pytest.mark.parametrize("way", ["begin", "append"])
def test_a_stale_memory_does_not_take_on_what_is_finished(ledger: OpenLedger, stale: OpenLedger, way: str) -> None:
    update(ledger)
    if way == "begin":
        assert stale.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is None
    else:
        look = there(stale.append(GROUP, [entry()], ROOM))
        assert look.records == {"operation": record()}
    row = there(ledger.load(GROUP))
    assert row.owed == ()


def test_an_absence_that_was_seen_before_a_settlement_counts_for_nothing(ledger: OpenLedger, stale: OpenLedger) -> None:
    """The record was looked for and not found, and then it was written."""
    assert ledger.begin(GROUP, attempt(entry("first"), name="first"), RECEIPT_KEY, GENERATION) is not None
    assert stale.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is None
    assert ledger.settle(GROUP, settlement(attempt(entry("first"), name="first")))
    update(ledger, base=1000 + RUN.weight)
    look = there(stale.append(GROUP, [entry()], ROOM))
    assert (look.records, look.row and look.row.owed) == ({"operation": record()}, ())


def test_a_stale_memory_of_an_idle_row_is_made_good_at_once(ledger: OpenLedger, stale: OpenLedger) -> None:
    """The group is idle again, and the refused beginning has shown where it stands now."""
    update(ledger)
    run = attempt(entry("another"), name="another")
    begun = there(stale.begin(GROUP, run, RECEIPT_KEY, GENERATION))
    assert there(begun.attempt).base == 1000 + RUN.weight


def test_what_another_instance_has_begun_is_not_appended(ledger: OpenLedger, stale: OpenLedger) -> None:
    assert ledger.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is not None
    look = there(stale.append(GROUP, [entry()], ROOM))
    assert (look.row, look.records) == (ledger.load(GROUP), {})


def test_what_is_owed_only_in_memory_is_looked_up(ledger: OpenLedger, stale: OpenLedger) -> None:
    assert ledger.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is not None
    stale.load(GROUP)
    assert ledger.settle(GROUP, settlement(RUN))
    look = there(stale.append(GROUP, [entry()], ROOM))
    assert (look.records, look.row and look.row.owed) == ({"operation": record()}, ())


def test_a_table_put_back_to_an_older_copy_is_not_begun_in_from_memory(
    store: DynamoDbStore, ledger: OpenLedger, stale: OpenLedger
) -> None:
    """The same version comes again, on another base."""
    client = dynamodb.client(store.endpoint)
    update(ledger)
    stale.load(GROUP)
    dynamodb.delete(client, store.table, list(items(store).values()))
    ledger.load(GROUP)
    for row in (idle_row(), idle_row().changed(), idle_row().changed().changed(base=5)):
        assert ledger.swap(GROUP, row, {})
    begun = there(stale.begin(GROUP, RUN, RECEIPT_KEY, GENERATION))
    assert begun.base == 5


def test_an_answer_of_another_settlement_is_theirs_and_the_row_moves_on(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """The instance that wrote the record was stopped before it could move the row."""
    ledger.begin(GROUP, RUN, RECEIPT_KEY, GENERATION)

    class StoppedError(Exception):
        pass

    def stops(operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        if operation == "UpdateItem":
            raise StoppedError
        return send()

    first = closing(store.open_through(clock, stops))
    with pytest.raises(StoppedError):
        first.settle(GROUP, replace(settlement(RUN), records={"operation": record(value=1)}))
    assert not ledger.settle(GROUP, replace(settlement(RUN), records={"operation": record(value=2)}))
    assert ledger.find(GROUP, ["operation"]) == {"operation": record(value=1)}
    row = there(ledger.load(GROUP))
    assert (row.attempt, row.base) == (None, 1000 + RUN.weight)


def test_more_landings_than_a_transaction_holds_are_written_before_the_row(ledger: OpenLedger) -> None:
    landed = {f"landed {number}": record(f"landed {number}") for number in range(120)}
    rejected = {"a rejected one": Record("v1:a", Rejected(10010, ""), 1_700_000_000.0, WINDOW_S)}
    assert not ledger.swap(GROUP, idle_row(), rejected | landed)
    assert ledger.find(GROUP, [*landed, *rejected]) == {}
    assert ledger.swap(GROUP, idle_row().changed(), rejected | landed)
    assert ledger.find(GROUP, [*landed, *rejected]) == landed | rejected


def test_a_row_of_nearly_64_kib_is_begun_appended_and_settled(ledger: OpenLedger) -> None:
    big = replace(idle_row().changed(), frozen="x" * (ROW_BYTES - 3000))
    assert ledger.swap(GROUP, big, {})
    assert ledger.append(GROUP, [entry("a")], ROW_BYTES) is not None
    opened = big.changed(queue=(entry("a"),)).opened(RUN, (entry("a"),))
    assert len(encode_row(opened).encode()) > ROW_BYTES - 3000
    assert ledger.swap(GROUP, opened, {})
    assert ledger.settle(GROUP, settlement(RUN))
    assert ledger.load(GROUP) == opened.changed(attempt=None, base=1000 + RUN.weight)


def test_a_large_attempt_that_is_settled_leaves_room_again(ledger: OpenLedger) -> None:
    """Its text stays in the table until the row is written whole, and no append is refused for it."""
    many = tuple(long_entry(number) for number in range(150))
    run = attempt(*many)
    assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is not None
    assert ledger.settle(GROUP, settlement(run))
    look = there(ledger.append(GROUP, [entry("a")], 10_000))
    assert there(look.row).queue == (entry("a"),)


def test_an_append_that_would_only_just_fit_is_measured_exactly(ledger: OpenLedger) -> None:
    """To the byte; what is counted piece by piece is an upper bound."""
    for number in range(5):
        assert ledger.append(GROUP, [entry(str(number))], ROOM) is not None
    row = there(ledger.load(GROUP))
    grown = row.changed(queue=(*row.queue, entry("last")))
    exactly = len(encode_row(grown).encode())
    look = there(ledger.append(GROUP, [entry("last")], exactly))
    assert look.row == grown


def test_a_group_that_is_idle_only_in_memory_is_not_begun_in(ledger: OpenLedger, stale: OpenLedger) -> None:
    assert ledger.swap(GROUP, replace(idle_row().changed(), remembered=(past_attempt(),)), {})
    assert stale.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is None


def long_entry(number: int) -> Entry:
    return entry(f"operation {number}", key="k" * 100)
