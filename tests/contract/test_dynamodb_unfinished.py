"""The index of unfinished groups: marked once, told in pages, and cleared by whoever sweeps."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from msgspec.structs import replace

from handler.core.model.row import Group
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Send

WAITING = replace(idle_row(), queue=(entry(),))
RUN = attempt(entry())


@pytest.fixture
def store(dynamodb_endpoint: str) -> DynamoDbStore:
    return DynamoDbStore.new(dynamodb_endpoint)


def marked(store: DynamoDbStore) -> list[str]:
    """The groups in the index, by their partition keys."""
    client = dynamodb.client(store.endpoint)
    pages = client.get_paginator("scan").paginate(TableName=store.table, IndexName="unfinished")
    return sorted(str(item["pk"]["S"]) for page in pages for item in page["Items"])


def test_the_mark_stays_after_a_settlement_and_goes_with_the_next_sweep(
    store: DynamoDbStore, ledger: OpenLedger
) -> None:
    """So that a busy group is marked once, and not twice per operation."""
    ledger.swap(GROUP, idle_row(), {})
    assert marked(store) == []
    ledger.begin(GROUP, RUN, RECEIPT_KEY, GENERATION)
    ledger.settle(GROUP, settlement(RUN))
    assert marked(store) == ["1400000000#@TGS#1"]
    assert ledger.unfinished(GROUP.app, 10) == []
    assert marked(store) == []


def test_a_group_that_is_still_owed_something_keeps_its_mark(store: DynamoDbStore, ledger: OpenLedger) -> None:
    ledger.swap(GROUP, WAITING, {})
    assert [ledger.unfinished(GROUP.app, 10) for _ in range(3)] == [[GROUP.id]] * 3
    assert marked(store) == ["1400000000#@TGS#1"]


def test_a_group_that_begins_while_it_is_swept_keeps_its_mark(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """It was idle when the sweep looked, and is not when the sweep would take the mark."""
    ledger.swap(GROUP, WAITING, {})
    ledger.swap(GROUP, WAITING.changed(queue=()), {})

    def begins(operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        if operation == "UpdateItem":
            assert ledger.begin(GROUP, RUN, RECEIPT_KEY, GENERATION) is not None
        return send()

    assert closing(store.open_through(clock, begins)).unfinished(GROUP.app, 10) == []
    assert marked(store) == ["1400000000#@TGS#1"]
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]


def test_a_sweep_that_may_not_take_marks_still_tells_what_waits(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """A mark that stays does no harm."""
    ledger.swap(GROUP, WAITING, {})
    ledger.swap(Group(GROUP.app, "idle"), WAITING, {})
    ledger.swap(Group(GROUP.app, "idle"), WAITING.changed(queue=()), {})
    throttled = closing(store.open_through(clock, _throttled_updates))
    assert throttled.unfinished(GROUP.app, 10) == [GROUP.id]
    assert len(marked(store)) == 2


def _throttled_updates(operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
    return dynamodb.refusal(request, "ThrottlingException") if operation == "UpdateItem" else send()


def test_a_group_whose_row_is_gone_is_passed_over(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """An operator has removed it, and the index is behind."""
    ledger.swap(GROUP, WAITING, {})
    ledger.swap(Group(GROUP.app, "waiting"), WAITING, {})
    plain = dynamodb.client(store.endpoint)

    def removes(operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        if operation == "BatchGetItem":
            rows = dynamodb.items(plain, store.table)
            dynamodb.delete(plain, store.table, [row for row in rows if str(row["pk"]["S"]).endswith(GROUP.id)])
        return send()

    assert closing(store.open_through(clock, removes)).unfinished(GROUP.app, 10) == ["waiting"]


def test_groups_that_are_finished_do_not_use_up_the_page_of_those_that_are_not(ledger: OpenLedger) -> None:
    """Their marks stand in the index, more than a page of them, before the first one that waits."""
    for number in range(20):
        group = Group(GROUP.app, f"{number:02}")
        ledger.swap(group, WAITING, {})
        if number < 18:
            ledger.swap(group, WAITING.changed(queue=()), {})
    assert ledger.unfinished(GROUP.app, 1) == ["18"]
    assert ledger.unfinished(GROUP.app, 1, after="18") == ["19"]


def test_hundreds_of_groups_are_told_page_by_page_by_two_sweeps_at_once(
    store: DynamoDbStore, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """Every waiting one once in each, in order, and the marks of the idle ones go."""
    groups = [Group(GROUP.app, f"{number:03}") for number in range(240)]

    def fill(group: Group) -> None:
        ledger.swap(group, WAITING, {})
        if int(group.id) % 2:
            ledger.swap(group, WAITING.changed(queue=()), {})

    def sweep(swept: OpenLedger) -> list[str]:
        ids: list[str] = []
        while page := swept.unfinished(GROUP.app, 50, after=ids[-1] if ids else ""):
            ids += page
        return ids

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, groups))
        swept = list(pool.map(sweep, [closing(store.open(clock)) for _ in range(2)]))
    waiting = [group.id for group in groups if int(group.id) % 2 == 0]
    assert swept == [waiting, waiting]
    assert marked(store) == [f"{GROUP.app}#{group_id}" for group_id in waiting]
