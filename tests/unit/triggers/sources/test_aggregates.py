"""An aggregate of the Kinesis producer library is as many records as it holds, however often it comes."""

import base64

import pytest

from handler.core.model.operation import operation_id
from handler.core.model.row import Group
from handler.triggers.event_kind import Event
from handler.triggers.sources.adapters import SOURCES
from handler.triggers.sources.source import RawRecord
from tests.sandbox.aggregates import MAGIC, aggregate, field, number, sealed
from tests.unit.triggers.faulty import UNAVAILABLE, FaultyLedger
from tests.unit.triggers.sources.source_events import STREAM, kinesis, records, text
from tests.unit.triggers.stage import APP, Stage

SHARD = f"{STREAM}/shardId-000000000006"


def of(*contents: tuple[str, str], at: int = 0, key: str = "a") -> Event:
    """An aggregate under the one partition key that the KPL gives to all of its own, which hold more than one."""
    return kinesis(aggregate(contents), at, data=aggregate(contents), partitionKey=key)


def failures(stage: Stage, event: Event) -> list[str]:
    failed = stage.batch(event)["batchItemFailures"]
    assert isinstance(failed, list)
    return [one["itemIdentifier"] for one in failed]


def parked(stage: Stage) -> list[tuple[str, str, str]]:
    return [(one.id, one.reason, one.payload) for one in stage.kept.page(APP, 100)]


def likes(stage: Stage, *groups: str) -> list[int | None]:
    return [stage.like(group) for group in groups]


@pytest.fixture
def stage() -> Stage:
    """Two groups, and a ledger that may fail."""
    stage = Stage()
    stage.chat.groups = {"room": {}, "b": {}}
    stage.use_ledger(FaultyLedger(stage))
    return stage


def test_every_record_of_an_aggregate_counts_once_whole_or_in_parts(stage: Stage) -> None:
    """Known by their place behind the sequence number, so no record of them is kept."""
    first = of(("room", text(1)), ("b", text(20, "b")), ("room", text(300)), at=1)
    second = of(("room", text(4000)), at=2)
    for event in (records(first), records(first, second), records(second), records(first, second)):
        assert failures(stage, event) == []
    assert likes(stage, "room", "b") == [4301, 20]
    ids = [operation_id(STREAM, f"{SHARD}:4959000001/{place}") for place in range(3)]
    assert [stage.ledger.find(Group(APP, group), ids) for group in ("room", "b")] == [{}, {}]


def test_order_within_a_group_is_that_of_the_aggregates_and_within_them(stage: Stage) -> None:
    aggregates = [
        of(("room", text(5)), ("room", text(0, mode="Set")), ("room", text(7)), at=1),
        of(("room", text(2, mode="Decrease")), ("room", text(9, mode="Set")), ("room", text(1)), at=2),
    ]
    stage.batch(records(*aggregates))
    assert stage.like() == 10


@pytest.mark.parametrize("keys", [("a", "b"), ("a", "room"), ("room", "a")])
def test_what_comes_later_under_another_key_is_not_taken_for_passed(stage: Stage, keys: tuple[str, str]) -> None:
    """Batches of a shard run side by side if they have no partition key in common, so they may come in any order."""
    early, late = (of(("room", text(5)), at=place, key=key) for place, key in enumerate(keys))
    single = kinesis(text(20), 2, partitionKey="room")
    for event in (late, early, late, early):
        assert failures(stage, records(event)) == []
    assert stage.like() == 10
    for event in (single, early, single):
        stage.batch(records(event))
    assert stage.like() == 30


def test_a_record_of_another_key_than_its_group_has_a_record_of_its_own(stage: Stage) -> None:
    event = records(of(("x", text(5)), ("y", text(5)), ("room", text(20, IdempotencyKey="order-7"))))
    for _ in range(2):
        assert failures(stage, event) == []
    stage.batch(records(of(("room", text(20, IdempotencyKey="order-7")), at=9)))
    assert stage.like() == 30
    ids = [operation_id(STREAM, f"{SHARD}:4959000000/{place}") for place in range(3)]
    assert stage.ledger.find(Group(APP, "room"), ids).keys() == set(ids[:2])


def test_a_group_has_few_watermarks_in_however_many_aggregates_it_comes(stage: Stage) -> None:
    """Other libraries take the first record's key for the aggregate's; DynamoDB checks a hundred things at once."""
    aggregates = [of(("room", text(5)), at=number, key=f"key-{number}") for number in range(120)]
    ours = [of(("room", text(5)), at=number, key=key) for number, key in enumerate(("a", "room"), 120)]
    for _ in range(2):
        assert failures(stage, records(*aggregates, *ours)) == []
    assert stage.like() == 610
    ids = [operation_id(STREAM, f"{SHARD}:4959{number:06}/0") for number in range(122)]
    assert stage.ledger.find(Group(APP, "room"), ids).keys() == set(ids[:120])


def test_an_aggregate_comes_again_if_one_of_its_records_was_not_accepted(stage: Stage) -> None:
    """Once under its own name; those that were accepted count nothing the second time."""
    assert isinstance(stage.ledger, FaultyLedger)
    stage.ledger.away["b"] = UNAVAILABLE
    event = records(of(("room", text(1)), ("b", text(5, "b")), ("b", text(5, "b"))), of(("room", text(20)), at=1))
    assert failures(stage, event) == ["4959000000"]
    stage.ledger.away.clear()
    assert failures(stage, event) == []
    assert likes(stage, "room", "b") == [21, 10]


def test_a_wrong_record_of_an_aggregate_is_parked_by_its_place(stage: Stage) -> None:
    event = records(of(("room", "like"), ("room", text(1)), ("x", text(1, "nowhere")), ("room", text(20))))
    for _ in range(2):
        assert failures(stage, event) == []
    assert stage.like() == 21
    assert [(name, payload) for name, _, payload in parked(stage)] == [
        (f"{SHARD}:4959000000/0", "like"),
        (f"{SHARD}:4959000000/2", text(1, "nowhere")),
    ]


def test_data_that_is_no_text_is_parked_in_base64(stage: Stage) -> None:
    stage.batch(records(kinesis("", data=sealed(field(1, b"room") + field(3, number(1, 0) + field(3, b"\xff\x00"))))))
    assert parked(stage) == [(f"{SHARD}:4959000000/0", "body: is not text in UTF-8", "/wA=")]


WHOLE = aggregate([("room", text(5))])
RECORD = field(3, text(5).encode())
BROKEN = {
    "cut": base64.b64encode(base64.b64decode(WHOLE)[:-1]).decode(),
    "changed": base64.b64encode(base64.b64decode(WHOLE).replace(b"like", b"like"[::-1])).decode(),
    "nothing but its magic number": base64.b64encode(MAGIC).decode(),
    "another magic number": base64.b64encode(
        MAGIC[:3] + base64.b64decode(WHOLE)[3:].replace(b"\xc2", b"\xc1", 1)
    ).decode(),
    "no base64": WHOLE + "!",
    "no ASCII": WHOLE + "群",
    "a message that ends too early": sealed(field(3, b"like")[:-1]),
    "a length that never ends": sealed(b"\x1a" + b"\xff" * 11),
    "a group of fields": sealed(b"\x1b"),
    "a record that is a number": sealed(field(1, b"room") + number(3, 7)),
    "a key that is no text": sealed(field(1, b"\xff") + field(3, number(1, 0) + RECORD)),
    "no key": sealed(field(1, b"room") + field(3, RECORD)),
    "a key beyond the table": sealed(field(1, b"room") + field(3, number(1, 1) + RECORD)),
    "no data": sealed(field(1, b"room") + field(3, number(1, 0))),
    "one whole record and one without data": sealed(
        field(1, b"room") + field(3, number(1, 0) + RECORD) + field(3, number(1, 0))
    ),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_aggregate_is_parked_as_it_came(stage: Stage, data: str) -> None:
    """None of its records counts, whichever could be read, and the shard goes on."""
    event = records(kinesis("", data=data, partitionKey="a"), kinesis(text(1), 1, partitionKey="room"))
    for _ in range(2):
        assert failures(stage, event) == []
    assert stage.like() == 1
    [(name, reason, payload)] = parked(stage)
    assert (name, payload) == (f"{SHARD}:4959000000", data)
    assert reason.startswith("body: begins like an aggregate of the Kinesis producer library and is no whole one: ")


def test_an_empty_aggregate_asks_for_nothing(stage: Stage) -> None:
    assert failures(stage, records(kinesis("", data=sealed(field(1, b"room"))))) == []


def test_tags_hash_keys_and_fields_to_come_are_passed_over(stage: Stage) -> None:
    """Of the four kinds of fields that protocol buffers have."""
    more = field(4, field(1, b"tag")) + number(9, 2**63) + b"\x51" + b"8" * 8 + b"\x55" + b"4" * 4
    stage.batch(records(kinesis("", data=sealed(field(1, b"room") + more + field(3, number(1, 0) + more + RECORD)))))
    stage.batch(records(kinesis("", 1, data=aggregate([("room", text(20))], hash_keys=["1" * 38]))))
    assert stage.like() == 25


@pytest.mark.parametrize("changes", [{"eventID": "no-number"}, {"kinesis": {"data": WHOLE}}])
def test_a_record_of_an_aggregate_without_a_place_goes_by_its_name(changes: Event) -> None:
    [raw] = SOURCES["aws:kinesis"].read({**of(("room", text(5))), **changes})
    assert isinstance(raw, RawRecord)
    assert (raw.position, raw.partition, raw.key.endswith("/0")) == (None, "room", True)
