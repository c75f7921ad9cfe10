"""What a call costs on DynamoDB: requests counted as they are sent, write units as the server reports them."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Position
from handler.core.model.row import Attempt, Group, Settlement
from handler.ledgers.dynamodb.items import SHARDS
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from tests.contract import works
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import (
    GENERATION,
    GROUP,
    RECEIPT_KEY,
    attempt,
    claim,
    entry,
    idle_row,
    record,
    settlement,
    there,
)
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.sandbox.dynamodb import Meter

OPERATION = ["GetItem", "UpdateItem", "PutItem", "UpdateItem"]


@pytest.fixture
def store(dynamodb_endpoint: str) -> DynamoDbStore:
    return DynamoDbStore.new(dynamodb_endpoint)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def ledger(store: DynamoDbStore, meter: Meter, clock: GivenClock, closing: Closing) -> OpenLedger:
    """A metered ledger in whose table the group is idle and not marked."""
    ledger = closing(DynamoDbLedger(store.table, clock, endpoint=store.endpoint, session=meter.session))
    ledger.swap(GROUP, idle_row(), {})
    meter.reset()
    return ledger


@pytest.fixture
def other(store: DynamoDbStore, clock: GivenClock, closing: Closing) -> OpenLedger:
    return closing(store.open(clock))


def realistic(number: int) -> Attempt:
    """An attempt with one operation whose ids are as long as real ones."""
    name = f"operation-{number:012}"
    asked = replace(entry(name), fingerprint="v1:" + "0" * 64, window_s=1_296_000.0)
    return attempt(asked, name=f"{number:024x}")


def begin(ledger: OpenLedger, run: Attempt) -> bool:
    return ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is not None


def test_an_undisturbed_operation_is_four_calls_and_at_most_four_write_units(ledger: OpenLedger, meter: Meter) -> None:
    """Its record is looked for, the attempt opened, the record written, the attempt settled: three units, in fact."""
    base, costs = 1000, []
    for number in range(5):
        meter.reset()
        run = realistic(number)
        assert begin(ledger, run)
        assert ledger.settle(GROUP, settlement(run, base))
        assert meter.calls == OPERATION
        costs.append(meter.write_units)
        base += run.weight
    # The first one is marked as unfinished in the index, which is one unit more.
    assert costs == [4, 3, 3, 3, 3]


def placed(number: int) -> Attempt:
    """An attempt with the record of a stream that stands there; nothing but its position says what it is known by."""
    carried = realistic(number)
    at = Position.of("arn:aws:kinesis:eu-west-1:123456789012:stream/likes/shardId-000000000000", f"49{number:054}")
    entries = tuple(replace(one, fingerprint="", window_s=0.0, position=at) for one in carried.entries)
    return replace(carried, entries=entries)


def test_a_record_of_a_stream_is_four_calls_and_three_write_units_too(ledger: OpenLedger, meter: Meter) -> None:
    """Record and mark are looked for, the attempt opened, the mark raised, the attempt settled."""
    base, costs = 1000, []
    for number in range(5):
        meter.reset()
        run = placed(number)
        assert begin(ledger, run)
        assert ledger.settle(GROUP, Settlement(attempt=run, base=base, new_base=base + run.weight))
        assert meter.calls == ["BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem"]
        costs.append(meter.write_units)
        base += run.weight
    # The first one is marked as unfinished in the index, which is one unit more.
    assert costs == [4, 3, 3, 3, 3]


def test_a_batch_of_a_stream_raises_one_mark(ledger: OpenLedger, meter: Meter) -> None:
    run = replace(placed(0), entries=tuple(one for number in range(90) for one in placed(number).entries))
    assert begin(ledger, run)
    meter.reset()
    assert ledger.settle(GROUP, Settlement(attempt=run, base=1000, new_base=1000 + run.weight))
    assert meter.calls == ["UpdateItem", "UpdateItem"]


def test_a_mark_that_was_read_in_an_epoch_is_not_read_again(ledger: OpenLedger, meter: Meter) -> None:
    """It moves only with a settlement. A record's own absence is what the second call asks for."""
    assert begin(ledger, placed(0))
    assert ledger.append(GROUP, placed(1).entries, 10_000) is not None
    meter.reset()
    assert ledger.append(GROUP, placed(2).entries, 10_000) is not None
    assert meter.calls == ["GetItem", "UpdateItem"]
    look = there(ledger.append(GROUP, placed(1).entries, 10_000))
    assert len(there(look.row).owed) == 3


def test_a_key_that_lands_for_the_first_time_costs_its_group_one_unit_and_no_call(
    ledger: OpenLedger, meter: Meter
) -> None:
    """The index has it from the settlement; from then on it is left alone, and the row stays below a kilobyte."""
    assert begin(ledger, realistic(0))
    assert ledger.settle(GROUP, settlement(realistic(0), 1000))
    base, costs = 1000 + realistic(0).weight, []
    for number, keys in ((1, ("like",)), (2, ("like", "gift")), (3, None)):
        meter.reset()
        run = realistic(number)
        known = keys and tuple((key, 1_700_000_000) for key in keys)
        assert begin(ledger, run)
        assert ledger.settle(GROUP, replace(settlement(run, base), keys=known))
        assert meter.calls == OPERATION
        costs.append(meter.write_units)
        base += run.weight
    assert costs == [4, 4, 3]


def test_a_page_of_the_groups_that_know_a_key_is_a_query_for_each_part_of_the_index(
    ledger: OpenLedger, meter: Meter
) -> None:
    for number in range(40):
        known = replace(idle_row(), keys=(("like", 1),)) if number % 2 else idle_row()
        assert ledger.swap(Group(GROUP.app, f"room-{number:02}"), known, {})
    meter.reset()
    assert len(ledger.groups_with_key(GROUP.app, "like", 1, 1000)) == 20
    assert meter.calls == ["Query"] * SHARDS


def test_the_first_operation_of_an_instance_reads_the_row_once_more(other: OpenLedger, store: DynamoDbStore) -> None:
    other.swap(GROUP, idle_row(), {})
    meter = Meter()
    ledger = DynamoDbLedger(store.table, GivenClock(), endpoint=store.endpoint, session=meter.session)
    works.update(ledger, GROUP, 0)
    assert meter.calls == ["GetItem", "BatchGetItem", *OPERATION[1:]]


def test_a_batch_of_a_hundred_operations_is_four_calls_too(ledger: OpenLedger, meter: Meter) -> None:
    run = attempt(*(entry(f"operation {number}") for number in range(100)))
    assert begin(ledger, run)
    assert ledger.settle(GROUP, settlement(run))
    assert meter.calls == ["BatchGetItem", "UpdateItem", "TransactWriteItems", "UpdateItem"]


def test_whoever_finds_the_group_busy_appends_with_three_calls(
    ledger: OpenLedger, other: OpenLedger, meter: Meter
) -> None:
    """The refused beginning has shown the row as it is, and the record has been read already."""
    assert begin(other, attempt(entry("other"), name="other"))
    assert not begin(ledger, attempt(entry("mine"), name="mine"))
    assert ledger.append(GROUP, [entry("mine")], 10_000) is not None
    assert meter.calls == ["GetItem", "UpdateItem", "UpdateItem"]


def test_whoever_knows_that_the_group_is_busy_appends_with_two_calls(ledger: OpenLedger, meter: Meter) -> None:
    """One look at row and record, which is one read after a row of this epoch had been seen, and one write."""
    assert begin(ledger, attempt(entry("first"), name="first"))
    meter.reset()
    assert not begin(ledger, attempt(entry("second"), name="second"))
    assert ledger.append(GROUP, [entry("second")], 10_000) is not None
    assert meter.calls == ["BatchGetItem", "UpdateItem"]


def test_appends_and_beginnings_of_others_cost_no_second_try(
    ledger: OpenLedger, other: OpenLedger, meter: Meter
) -> None:
    assert ledger.append(GROUP, [entry("a")], 10_000) is not None
    other.append(GROUP, [entry("b")], 10_000)
    meter.reset()
    look = there(ledger.append(GROUP, [entry("c")], 10_000))
    assert [owed.id for owed in there(look.row).queue] == ["a", "b", "c"]
    assert meter.calls == ["GetItem", "UpdateItem"]


@pytest.mark.parametrize(
    ("call", "calls"),
    [
        (lambda ledger: ledger.load(GROUP), ["GetItem"]),
        (lambda ledger: ledger.look(GROUP, ["a", "b"]), ["BatchGetItem"]),
        (lambda ledger: ledger.find(GROUP, ["a", "b"]), ["BatchGetItem"]),
        (lambda ledger: ledger.find(GROUP, []), []),
        (lambda ledger: ledger.generation(), ["GetItem"]),
        (lambda ledger: ledger.swap(GROUP, idle_row().changed(), {}), ["UpdateItem"]),
        (lambda ledger: ledger.swap(GROUP, idle_row().changed(), {"a": record("a")}), ["TransactWriteItems"]),
    ],
    ids=["load", "look", "find", "find nothing", "generation", "swap", "swap with a record"],
)
def test_other_calls_are_one_request_at_most(
    ledger: OpenLedger, meter: Meter, call: Callable[[OpenLedger], object], calls: list[str]
) -> None:
    """Reads are strong, every one of them."""
    call(ledger)
    assert meter.calls == calls


def test_leases_are_one_write_while_a_schedule_is_busy(ledger: OpenLedger, meter: Meter, clock: GivenClock) -> None:
    ledger.lease(claim(clock, 100, ahead_max_s=10))
    assert meter.calls == ["UpdateItem", "UpdateItem"]
    meter.reset()
    assert [ledger.lease(claim(clock, 100, ahead_max_s=10)).wait_s for _ in range(3)] == [1, 2, 3]
    assert meter.calls == ["UpdateItem"] * 3


def test_another_group_is_another_row(ledger: OpenLedger, meter: Meter) -> None:
    """What is remembered of one says nothing of the other."""
    assert ledger.begin(Group(GROUP.app, "other"), attempt(), RECEIPT_KEY, GENERATION) is None
    assert meter.calls == ["GetItem"]
