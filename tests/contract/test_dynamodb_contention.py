"""What a DynamoDB ledger does while others always come first: it tries for a while, and leaves it to the core."""

from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from handler.core.model.row import Row
from handler.core.ports.schedules import NOTHING
from handler.ledgers.dynamodb.accept import APPENDS_MAX, BEGINNINGS_MAX
from handler.ledgers.dynamodb.metadata import LEASES_MAX
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, claim, entry, idle_row
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Send

ROOM = 36 * 1024


@pytest.fixture
def store(dynamodb_endpoint: str) -> DynamoDbStore:
    return DynamoDbStore.new(dynamodb_endpoint)


class Overtaking:
    """Before each update of a ledger, somebody else does `work`, up to so many times."""

    def __init__(self, work: Callable[[int], object], times: int) -> None:
        self.done = 0
        self.tried = 0
        self._work = work
        self._times = times

    def __call__(self, operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        if operation == "UpdateItem":
            self.tried += 1
            if self.done < self._times:
                self.done += 1
                self._work(self.done)
        return send()


class Other:
    """Another instance, which replaces an idle row by another idle row, as after an update."""

    def __init__(self, ledger: OpenLedger) -> None:
        self._ledger = ledger
        self.row: Row = idle_row()
        ledger.swap(GROUP, self.row, {})

    def update(self, _: int) -> None:
        self.row = self.row.changed(base=(self.row.base or 0) + 1)
        assert self._ledger.swap(GROUP, self.row, {})


@pytest.mark.parametrize("does_it", [True, False], ids=["done at last", "given up"])
@pytest.mark.parametrize(("way", "times"), [("begin", BEGINNINGS_MAX), ("append", APPENDS_MAX)])
def test_a_beginning_or_an_append_that_others_get_in_the_way_of_is_given_up(
    store: DynamoDbStore, clock: GivenClock, closing: Closing, way: str, times: int, does_it: bool
) -> None:
    """The group is idle at each look, and has moved on before each write.

    An append is given up later than a beginning, because it is what a beginning falls back to.
    """
    other = Other(closing(store.open(clock)))
    overtaking = Overtaking(other.update, times - does_it)
    overtaken = closing(store.open_through(clock, overtaking))
    if way == "begin":
        row = overtaken.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION)
    else:
        look = overtaken.append(GROUP, [entry()], ROOM)
        row = look.row if look else None
    assert (row is not None, overtaking.tried) == (does_it, times)
    assert closing(store.open(clock)).load(GROUP) == (row or other.row)


def schedules(store: DynamoDbStore) -> list[float]:
    """Until when the calls of each schedule are lent out."""
    found = dynamodb.items(dynamodb.client(store.endpoint), store.table)
    return [float(str(item["free_at"]["N"])) for item in found if item["sk"]["S"] == "updates"]


def test_of_two_that_begin_a_schedule_at_once_the_second_goes_on_in_it(
    store: DynamoDbStore, clock: GivenClock, closing: Closing
) -> None:
    first = closing(store.open(clock))
    first.lease(claim(clock, 10))
    clock.advance(1000)
    overtaking = Overtaking(lambda number: number == 2 and first.lease(claim(clock, 30)), 2)
    wait_s = closing(store.open_through(clock, overtaking)).lease(claim(clock, 10)).wait_s
    assert wait_s == pytest.approx(0.3)
    assert schedules(store) == [pytest.approx(clock.now() + 0.4)]


def test_a_schedule_that_others_always_change_is_left_to_them(
    store: DynamoDbStore, clock: GivenClock, closing: Closing
) -> None:
    """Whoever wants calls comes again; none are taken for nobody."""
    plain = dynamodb.client(store.endpoint)

    def moves(number: int) -> None:
        """Over before each extension, and under way before each new beginning."""
        until = clock.now() + (1 if number % 2 == 0 else -1)
        key = {"pk": {"S": f"schedule#{GROUP.app}"}, "sk": {"S": "updates"}}
        item = {**key, "free_at": {"N": repr(until)}, "at": {"N": repr(clock.now())}}
        plain.put_item(TableName=store.table, Item=item)

    overtaking = Overtaking(moves, 1000)
    assert closing(store.open_through(clock, overtaking)).lease(claim(clock, 10, ahead_max_s=2)) == NOTHING
    assert overtaking.tried == 2 * LEASES_MAX
    assert schedules(store) == [clock.now() + 1]


def test_a_schedule_that_is_lent_too_far_ahead_is_left_as_it_is(
    store: DynamoDbStore, clock: GivenClock, closing: Closing
) -> None:
    closing(store.open(clock)).lease(claim(clock, 1000))
    overtaking = Overtaking(lambda _: None, 0)
    assert closing(store.open_through(clock, overtaking)).lease(claim(clock, 10)) == NOTHING
    assert (overtaking.tried, schedules(store)) == (1, [clock.now() + 10])
