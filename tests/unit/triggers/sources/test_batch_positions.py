"""Records of a stream that are known by their position: counted once however often they come, and no record is kept."""

import base64
import json
from collections.abc import Sequence

import pytest

from handler.core.model.operation import Position, operation_id
from handler.core.model.row import Entry, Group, Row
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
    """The row is full from the fifth record on: the rest fails with it, though a smaller one would still fit."""
    append, full = stage.ledger.append, True

    def has_no_room(entries: Sequence[Entry]) -> bool:
        return full and any(entry.position and int(entry.position.sequence) >= FIRST + 4 for entry in entries)

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
