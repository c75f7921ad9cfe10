"""Records of a stream that are known by their position: counted once however often they come, and no record is kept."""

import base64
import dataclasses
import json
from collections.abc import Sequence

import pytest

from handler.core.model.operation import Position, operation_id
from handler.core.model.rights import Grant, SourceRights
from handler.core.model.row import Attempt, Entry, Group, Row
from handler.core.model.row_size import Fitted, accepted, row_is_full
from handler.core.ports.ledger import Look
from handler.core.protocol import accept
from handler.triggers.event_kind import Event
from tests.unit.triggers.sources.source_events import STREAM, text
from tests.unit.triggers.stage import APP, START, Stage

GROUP = Group(APP, "room")
FIRST = 49590338271490256608559692538361571095921575989136588000


def record(number: int, partition: str = "room", shard: str = "shardId-000000000001", **fields: object) -> Event:
    """The record of that number, which adds five likes."""
    sequence = str(FIRST + number)
    written = json.dumps({**json.loads(text(5)), **fields})
    data = base64.b64encode(written.encode()).decode()
    part = {"sequenceNumber": sequence, "partitionKey": partition, "data": data, "approximateArrivalTimestamp": START}
    named = {"eventID": f"{shard}:{sequence}", "eventSource": "aws:kinesis", "eventSourceARN": STREAM}
    return {**named, "kinesis": part}


def deliver(stage: Stage, *records: Event) -> list[object]:
    failures = stage.batch({"Records": list(records)})["batchItemFailures"]
    assert isinstance(failures, list)
    return failures


def stored(stage: Stage, *numbers: int) -> int:
    """How many records the ledger keeps of these."""
    keys = [f"{STREAM}/shardId-000000000001:{FIRST + number}" for number in numbers]
    return len(stage.ledger.find(GROUP, [operation_id(STREAM, key) for key in keys]))


def test_a_batch_is_counted_and_no_record_of_it_is_kept(stage: Stage) -> None:
    """The mark of their shard stands for all of them, and their row is as it was."""
    assert deliver(stage, *(record(number) for number in range(5))) == []
    assert (stage.like(), stored(stage, *range(5))) == (25, 0)
    row = stage.ledger.load(GROUP)
    assert row is not None
    assert (row.is_settled, row.watermarks) == (True, ())
    partition = Position.of(f"{STREAM}/shardId-000000000001", str(FIRST + 4))
    assert stage.ledger.watermarks(GROUP, [partition.partition]) == {partition.partition: partition.sequence}


def test_a_child_shard_starts_anew(stage: Stage) -> None:
    deliver(stage, record(9))
    deliver(stage, record(1, shard="shardId-000000000002"))
    assert stage.like() == 10


def test_a_record_of_another_partition_has_a_record_of_its_own(stage: Stage) -> None:
    """Batches of other partition keys may be under way at the same time, so what comes later may be counted before."""
    deliver(stage, record(5))
    deliver(stage, record(3, partition="elsewhere"), record(4, partition="elsewhere"))
    deliver(stage, record(3, partition="elsewhere"))
    assert (stage.like(), stored(stage, 3, 4, 5)) == (15, 2)


def test_nothing_of_a_group_is_accepted_behind_a_record_that_was_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row has no room for the fifth record: the rest fails with it, though a smaller one would still fit."""
    append, full = stage.ledger.append, True

    def has_no_room(entries: Sequence[Entry]) -> bool:
        return full and any(
            entry.position and int(entry.first) <= FIRST + 4 <= int(entry.position.sequence) for entry in entries
        )

    def bounded(group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        if has_no_room(entries):
            raise row_is_full()
        return append(group, entries, bytes_max)

    def whole(row: Row, row_bytes: int) -> Fitted | None:
        return None if has_no_room(row.queue) else accepted(row, row_bytes)

    def never(*_: object) -> None:
        return None

    monkeypatch.setattr(stage.ledger, "append", bounded)
    monkeypatch.setattr(accept, "accepted", whole)
    monkeypatch.setattr(stage.ledger, "begin", never)
    stage.ledger.swap(
        GROUP, Row(version=1, generation=1, receipt_key=stage.context.instance.rules.receipt_key, base=0), {}
    )
    stage.chat.groups["room"][stage.context.instance.rules.receipt_key] = 0
    # Each asks for something else, or all of them would be one entry.
    like = {"Key": "like", "Value": 5}
    batch = [record(number, GroupCounter=[like, {"Key": f"kind-{number}", "Value": 1}]) for number in range(8)]
    assert deliver(stage, *batch) == [{"itemIdentifier": str(FIRST + number)} for number in range(4, 8)]
    assert stage.like() == 20
    full = False
    for part in (batch[4:6], batch, batch[6:]):
        assert deliver(stage, *part) == []
    assert stage.like() == 40


def test_half_a_character_in_one_record_does_not_hold_up_its_shard(stage: Stage) -> None:
    """JSON can spell it, and it is no text: found by whole events that were broken, as an unexpected error."""
    assert stage.batch({"Records": ["\ud800", record(0), {**record(1), "\ud800": "\udfff"}]})["batchItemFailures"] == []
    assert stage.like() == 10


def of(number: int, **changed: object) -> Event:
    """A record with other fields than Kinesis gives it."""
    whole = record(number)
    part = whole["kinesis"]
    assert isinstance(part, dict)
    return {**whole, **changed, "kinesis": {**part, **{name: to for name, to in changed.items() if name in part}}}


def data(written: str) -> str:
    return base64.b64encode(written.encode()).decode()


TWICE = '{"GroupId":"room","GroupCounter":[{"Key":"like","Value":5}],"Mode":"Increase","Mode":"Increase"}'


@pytest.mark.parametrize(
    ("odd", "likes"),
    [
        (record(3, IdempotencyKey="own"), 5),
        (record(3, Caller="somebody"), 5),
        (record(3, partition="elsewhere"), 5),
        (of(3, data=data(text(5).replace("like", "\\u006cike"))), 5),
        (of(3, approximateArrivalTimestamp=-1), 5),
        (of(3, approximateArrivalTimestamp=str(START)), 5),
        (of(3, data=data(TWICE)), 0),
        (record(3, GroupCounter=[{"Key": "like", "Value": 2**63}]), 0),
        (record(3, GroupCounter=[{"Key": "like", "Value": 5}] * 2), 0),
        (record(3, GroupCounter=[{"Key": "_receipt", "Value": 5}]), 0),
        (record(3, more=1), 0),
        (of(3, data="no base64"), 0),
        (of(3, data=data("x" * 70_000)), 0),
        (of(3, approximateArrivalTimestamp=START - 16 * 86_400), 0),
        (of(3, approximateArrivalTimestamp="today"), 0),
    ],
    ids=[
        *["a key", "a caller", "another partition", "an escape", "a negative time", "a time as text", "a name twice"],
        *["beyond int64", "a counter twice", "the receipt", "an unknown field", "no base64", "too long", "too old"],
        "no time",
    ],
)
def test_what_is_odd_about_a_record_is_told_as_of_any_other_record(stage: Stage, odd: Event, likes: int) -> None:
    """Its neighbours are added up around it; what cannot be executed is parked, with its reason."""
    assert deliver(stage, record(1), record(2), odd, record(4)) == []
    assert stage.like() == 15 + likes
    assert len(stage.kept.page(APP, 10)) == (likes == 0)
    assert deliver(stage, record(1), record(2), odd, record(4), record(5)) == []
    assert stage.like() == 20 + likes


def test_what_a_source_may_not_do_is_parked_and_not_added_up(stage: Stage) -> None:
    """Its rights are asked for each record, before anything is added up."""
    few = SourceRights(may=(Grant(at_most=5),))
    stage.vault.secret = dataclasses.replace(stage.vault.secret, sources={STREAM: few})
    much = record(2, GroupCounter=[{"Key": "like", "Value": 6}])
    assert deliver(stage, record(1), much, record(3), record(4)) == []
    assert stage.like() == 15
    [parked] = stage.kept.page(APP, 10)
    assert parked.id.endswith(str(FIRST + 2))
    assert "may" in parked.reason


def test_records_that_come_twice_in_one_batch_or_out_of_order_count_once(stage: Stage) -> None:
    assert deliver(stage, record(1), record(1), record(3), record(2), record(3)) == []
    assert stage.like() == 15


def test_a_batch_of_one_group_is_one_write_and_one_call(stage: Stage) -> None:
    deliver(stage, record(1))
    calls, entries = stage.chat.calls, list[tuple[Entry, ...]]()
    begin = stage.ledger.begin

    def watched(group: Group, attempt: Attempt, *rest: object) -> Row | None:
        entries.append(attempt.entries)
        return begin(group, attempt, *rest)  # type: ignore[arg-type]  # whatever they are

    stage.ledger.begin = watched  # type: ignore[method-assign,assignment]
    assert deliver(stage, *[record(number) for number in range(2, 3002)]) == []
    assert (stage.like(), stage.chat.calls - calls, len(entries)) == (15_005, 1, 1)
    assert [one.records for one in entries[0]] == [3000]
