"""Watermarks in the table: written before their row, read after it, and never trusted beyond the row's epoch (R13)."""

import pytest
from botocore.exceptions import ConnectionClosedError

from handler.core.errors import AnswerLost
from handler.core.model.row import Attempt, Settlement
from handler.core.state.watermarks import WATERMARK_S, partitions_of
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, there
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.contract.streams import placed
from tests.contract.test_dynamodb_failures import Script, fails
from tests.sandbox import dynamodb

ROOM = 36 * 1024
RUN = attempt(placed(7, 0))
LANDED = Settlement(attempt=RUN, base=1000, new_base=1000 + RUN.weight)
[PARTITION] = partitions_of(RUN.entries)
LOST = ConnectionClosedError(endpoint_url="https://dynamodb")


@pytest.fixture
def store(dynamodb_endpoint: str, clock: GivenClock) -> DynamoDbStore:
    """A table in which the group is idle."""
    return DynamoDbStore.with_idle_group(dynamodb_endpoint, clock)


@pytest.fixture
def ledger(store: DynamoDbStore, clock: GivenClock, closing: Closing) -> OpenLedger:
    return closing(store.open(clock))


@pytest.fixture
def stale(store: DynamoDbStore, clock: GivenClock, closing: Closing) -> OpenLedger:
    """Another instance's, which has seen the idle row and nothing since."""
    stale = closing(store.open(clock))
    stale.load(GROUP)
    return stale


def begin(ledger: OpenLedger, run: Attempt = RUN) -> None:
    assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is not None


def behind(ledger: OpenLedger, *numbers: int) -> list[str]:
    """Append records at these numbers; those that had been passed."""
    look = there(ledger.append(GROUP, [placed(number, 0) for number in numbers], ROOM))
    return sorted(look.passed)


def test_a_mark_has_a_time_to_live(store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock) -> None:
    begin(ledger)
    assert ledger.settle(GROUP, LANDED)
    [mark] = [
        item
        for item in dynamodb.items(dynamodb.client(store.endpoint), store.table)
        if item["sk"] == {"S": f"mark#{PARTITION}"}
    ]
    assert mark["ttl"] == {"N": str(int(clock.now() + WATERMARK_S))}
    assert mark["pk"] == {"S": "1400000000#@TGS#1"}


@pytest.mark.parametrize("after", [True, False], ids=["took effect", "had none"])
def test_a_worker_that_dies_between_mark_and_row_loses_nothing(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing, *, after: bool
) -> None:
    """The mark is there, and the row owes its record until the next worker settles it; nothing behind it is lost."""
    dying = closing(store.open_through(clock, Script(None, None, fails(LOST, after=after))))
    begin(dying)
    with pytest.raises(AnswerLost):
        dying.settle(GROUP, LANDED)
    assert ledger.watermarks(GROUP, [PARTITION]) == {PARTITION: placed(7, 0).position.sequence}  # type: ignore[union-attr]
    row = there(ledger.load(GROUP))
    assert (row.attempt is None) is after
    assert behind(ledger, 6, 8) == [placed(6, 0).id]
    assert ledger.settle(GROUP, LANDED) is not after
    assert behind(ledger, 7, 8) == [placed(7, 0).id]


@pytest.mark.parametrize("after", [True, False], ids=["took effect", "had none"])
def test_a_mark_whose_answer_was_lost_is_written_again(
    store: DynamoDbStore, clock: GivenClock, closing: Closing, *, after: bool
) -> None:
    ledger = closing(store.open_through(clock, Script(None, fails(LOST, after=after))))
    begin(ledger)
    assert ledger.settle(GROUP, LANDED)
    assert behind(ledger, 7) == [placed(7, 0).id]


def test_no_record_of_a_stream_is_appended_to_a_row_that_has_moved(ledger: OpenLedger, stale: OpenLedger) -> None:
    """An append by parts would not see what others have appended in the same epoch."""
    assert behind(ledger, 7) == []
    assert behind(stale, 6, 9) == [placed(6, 0).id]


def test_a_mark_read_in_an_older_epoch_is_read_again(ledger: OpenLedger, stale: OpenLedger) -> None:
    """The record was not passed when it was read."""
    assert behind(stale, 3) == []
    row = there(ledger.load(GROUP))
    carried = attempt(*row.queue, placed(7, 0))
    assert ledger.swap(GROUP, row.opened(carried), {})
    assert ledger.settle(GROUP, Settlement(attempt=carried, base=1000, new_base=1000 + carried.weight))
    assert behind(stale, 5, 7, 8) == [placed(5, 0).id, placed(7, 0).id]


def test_a_beginning_from_a_row_out_of_date_does_not_hold(ledger: OpenLedger, stale: OpenLedger) -> None:
    """The row is idle again, and the record has been counted meanwhile."""
    begin(ledger)
    assert ledger.settle(GROUP, LANDED)
    assert stale.begin(GROUP, attempt(placed(6, 0)), RECEIPT_KEY, GENERATION) is None
