"""The index has held groups under keys of their own, and what an earlier version or a race left elsewhere is moved."""

import pytest
from msgspec.structs import replace

from handler.core.model.row import Entry, Group, Note, Pause
from handler.ledgers.dynamodb.items import SHARDS, row_key
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Meter

APP = GROUP.app
FROZEN = replace(idle_row(), frozen="unexplained")
PAUSED = replace(idle_row(), paused=Pause(1_700_000_000, "a migration"))
SWEPT, HELD = f"{APP}#2", f"{APP}#held#2"
"""The two keys of the group in the index."""


@pytest.fixture
def store(dynamodb_endpoint: str) -> DynamoDbStore:
    return DynamoDbStore.new(dynamodb_endpoint)


def mark(store: DynamoDbStore) -> str | None:
    """Under which key of the index the group stands."""
    item = dynamodb.client(store.endpoint).get_item(TableName=store.table, Key=row_key(GROUP))["Item"]
    return str(item["shard"]["S"]) if "shard" in item else None


def left_by_an_earlier_version(store: DynamoDbStore, shard: str) -> None:
    """Let the row stand under that key, without what this version adds to it."""
    dynamodb.client(store.endpoint).update_item(
        TableName=store.table,
        Key=row_key(GROUP),
        UpdateExpression="SET #shard = :shard REMOVE held",
        ExpressionAttributeNames={"#shard": "shard"},
        ExpressionAttributeValues={":shard": {"S": shard}},
    )


def test_a_hold_takes_the_place_of_a_mark_and_the_mark_that_of_a_hold(store: DynamoDbStore, ledger: OpenLedger) -> None:
    waiting = replace(idle_row(), queue=(entry(),))
    ledger.swap(GROUP, waiting, {})
    marks = [mark(store)]
    held = waiting.changed(paused=PAUSED.paused)
    ledger.swap(GROUP, held, {})
    marks.append(mark(store))
    ledger.swap(GROUP, held.changed(paused=None), {})
    assert [*marks, mark(store)] == [SWEPT, HELD, SWEPT]


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_hold_that_ends_takes_its_mark_along(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing, is_remembered: bool
) -> None:
    """An earlier version, which leaves a mark that is there, would not find what it owed from then on."""
    ledger.swap(GROUP, PAUSED, {})
    ender = ledger if is_remembered else closing(store.open(clock))
    assert ender.swap(GROUP, PAUSED.changed(paused=None), {})
    assert mark(store) is None


def test_a_busy_group_keeps_its_mark_when_a_swap_leaves_it_idle(store: DynamoDbStore, ledger: OpenLedger) -> None:
    """To take it away and to set it again would cost two units."""
    waiting = replace(idle_row(), queue=(entry(),))
    ledger.swap(GROUP, waiting, {})
    ledger.swap(GROUP, waiting.changed(queue=()), {})
    assert mark(store) == SWEPT


def test_what_an_earlier_version_froze_is_held_from_the_next_sweep_on(store: DynamoDbStore, ledger: OpenLedger) -> None:
    ledger.swap(GROUP, FROZEN, {})
    left_by_an_earlier_version(store, SWEPT)
    assert (ledger.held(APP, 10), ledger.unfinished(APP, 10)) == ([], [])
    assert (ledger.held(APP, 10), mark(store)) == ([GROUP.id], HELD)


def test_what_an_earlier_version_froze_is_held_from_its_next_operation_on(
    store: DynamoDbStore, ledger: OpenLedger
) -> None:
    ledger.swap(GROUP, FROZEN, {})
    left_by_an_earlier_version(store, SWEPT)
    assert ledger.append(GROUP, [entry()], 10_000) is not None
    assert (ledger.held(APP, 10), mark(store)) == ([GROUP.id], HELD)


@pytest.mark.parametrize("queue", [(), (entry(),)], ids=["idle", "owing"])
def test_a_group_that_is_not_held_leaves_the_list_of_the_held(
    store: DynamoDbStore, ledger: OpenLedger, queue: tuple[Entry, ...]
) -> None:
    """Wherever its mark came from; what it owes is found by the sweep again."""
    ledger.swap(GROUP, replace(idle_row(), queue=queue), {})
    left_by_an_earlier_version(store, HELD)
    assert ledger.held(APP, 10) == []
    assert mark(store) == (SWEPT if queue else None)
    assert ledger.unfinished(APP, 10) == ([GROUP.id] if queue else [])


def test_lists_are_a_query_for_each_key_of_the_index_and_rows_a_call_for_each_hundred(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    ids = [f"{number:03}" for number in range(120)]
    for group_id in ids:
        ledger.swap(Group(APP, group_id), PAUSED, {})
    ledger.swap(GROUP, replace(PAUSED, notes=(Note(entry(), 10010, 1.0),)), {})
    meter = Meter()
    metered = closing(DynamoDbLedger(store.table, clock, endpoint=store.endpoint, session=meter.session))
    assert metered.unfinished(APP, 50) == [GROUP.id]
    assert meter.calls == ["Query"] * (SHARDS + 1) + ["BatchGetItem"]
    meter.reset()
    assert len(metered.held(APP, 50)) == 50
    assert meter.calls == ["Query"] * (SHARDS + 1) + ["BatchGetItem"]
    meter.reset()
    assert list(metered.rows(APP, ids)) == ids
    assert meter.calls == ["BatchGetItem"] * 2


def test_operations_in_a_held_group_cost_the_index_nothing(
    store: DynamoDbStore, clock: GivenClock, closing: Closing
) -> None:
    meter = Meter()
    ledger = closing(DynamoDbLedger(store.table, clock, endpoint=store.endpoint, session=meter.session))
    ledger.swap(GROUP, PAUSED, {})
    meter.reset()
    assert ledger.append(GROUP, [entry()], 10_000) is not None
    assert (meter.calls, meter.write_units) == (["GetItem", "UpdateItem"], 1)


def test_a_call_under_way_is_settled_in_a_held_group_for_one_unit(
    store: DynamoDbStore, clock: GivenClock, closing: Closing
) -> None:
    meter = Meter()
    ledger = closing(DynamoDbLedger(store.table, clock, endpoint=store.endpoint, session=meter.session))
    ledger.swap(GROUP, idle_row(), {})
    begun = ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION)
    assert begun is not None
    ledger.swap(GROUP, begun.changed(paused=PAUSED.paused), {})
    meter.reset()
    assert ledger.settle(GROUP, settlement(attempt()))
    assert (meter.write_units, mark(store)) == (2, HELD)
