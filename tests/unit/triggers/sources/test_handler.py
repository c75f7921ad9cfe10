"""A batch of any source is accepted group by group; what will never be executed is put aside and stops nobody."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from tests.unit.triggers.sources.source_events import (
    ARN,
    MAKERS,
    WHOLE,
    batch_of,
    ckafka,
    dynamodb,
    eventbridge,
    item,
    kinesis,
    msk,
    of_msk,
    of_self_managed_kafka,
    records,
    sns,
    sqs,
    text,
)
from tests.unit.triggers.stage import APP, START, Stage, invocation

ROOMS = [f"room-{number}" for number in range(5)]


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {group: {} for group in ["room", *ROOMS]}
    return stage


def counts(accepted: int = 0, parked: int = 0, ignored: int = 0) -> dict[str, object]:
    """What a source without partial replies is answered."""
    return {"accepted": accepted, "parked": parked, "ignored": ignored}


def parked_reasons(stage: Stage) -> list[str]:
    return [parked.reason for parked in stage.kept.page(APP, 100)]


def test_waiting_records_of_one_group_go_out_in_one_call(stage: Stage) -> None:
    """A call per run of one Mode; each group has its own, and its first use reads nothing twice."""
    stage.batch(batch_of("aws:sqs", [text(1, group) for group in ROOMS for _ in range(7)]))
    assert [stage.like(group) for group in ROOMS] == [7] * 5
    assert stage.chat.calls == 5


@pytest.mark.parametrize("source", MAKERS)
def test_order_within_a_group_is_the_sources(stage: Stage, source: str) -> None:
    contents = [text(5), text(0, mode="Set"), text(7), text(2, mode="Decrease"), text(9, mode="Set"), text(1)]
    stage.batch(batch_of(source, contents))
    assert stage.like() == 10


@pytest.mark.parametrize("source", MAKERS)
def test_half_a_batch_delivered_again_counts_once(stage: Stage, source: str) -> None:
    """Streams are cut in two to find what is wrong."""
    contents = [text(1), text(20), text(300), text(4000)]
    stage.batch(batch_of(source, contents[:3]))
    stage.batch(batch_of(source, contents[2:], first=2))
    stage.batch(batch_of(source, contents))
    assert stage.like() == 4321


@pytest.mark.parametrize("source", MAKERS)
def test_a_producer_that_sends_twice_names_its_operation(stage: Stage, source: str) -> None:
    """To the source these are different records; the key makes them one, within a batch and across batches."""
    keyed = text(5, IdempotencyKey="order-7")
    stage.batch(batch_of(source, [keyed, text(1), keyed]))
    stage.batch(batch_of(source, [keyed], first=10))
    assert stage.like() == 6


@pytest.mark.parametrize("poison", ["", "increase like", "[]", "7", "{}", None, text(1, Extra=1), text(2**63)])
@pytest.mark.parametrize("source", MAKERS)
def test_a_poison_record_is_put_aside_and_its_neighbours_count(stage: Stage, source: str, poison: str | None) -> None:
    """A queue gets it back; elsewhere it is parked, and a shard waits for nobody."""
    answers = dict.fromkeys(WHOLE, counts(accepted=2, parked=2))
    answers["aws:sqs"] = {"batchItemFailures": [item("aws:sqs", 0), item("aws:sqs", 2)]}
    event = batch_of(source, [poison, text(1), poison, text(20)])
    for _ in range(2):
        assert stage.batch(event) == answers.get(source, {"batchItemFailures": []})
    assert stage.like() == 21
    is_queue = source == "aws:sqs"
    assert len(parked_reasons(stage)) == (0 if is_queue else 2)
    assert stage.told.notices.count(Notice.REJECTED if is_queue else Notice.PARKED) == 4


def test_a_removed_item_asks_for_nothing(stage: Stage) -> None:
    assert stage.batch(records(dynamodb(text(5), name="REMOVE"), dynamodb(text(1), 1))) == {"batchItemFailures": []}
    assert stage.like() == 1


@pytest.mark.parametrize("source", ["aws:sqs", *WHOLE])
def test_an_operation_that_the_vendor_refuses_is_put_aside(stage: Stage, source: str) -> None:
    """Named each time, so that the queue puts it aside in the end, or parked; the next group is not held up."""
    is_queue = source == "aws:sqs"
    answer = {"batchItemFailures": [item(source, 0)]} if is_queue else counts(accepted=1, parked=1)
    for _ in range(2):
        assert stage.batch(batch_of(source, [text(1, "nowhere"), text(1)])) == answer
    assert stage.like() == 1
    assert parked_reasons(stage) == (
        [] if is_queue else ["the vendor refused it with code 10010: the group does not exist or was dismissed"]
    )


def test_foreign_records_are_wrong_for_themselves_alone(stage: Stage) -> None:
    foreign: list[object] = [None, {}, {"eventSource": "aws:s3"}, {"messageId": "foreign", "eventSource": "aws:s3"}]
    foreign += [sns(text(50)), sqs(text(300), 9, eventSource="aws:s3"), sqs(text(300), messageId="\ud800")]
    reply = stage.batch(records(7, sqs(text(1), 1), *foreign, sqs(text(20), 2)))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "foreign"}, item("aws:sqs", 9)]}
    assert stage.like() == 21
    assert len(parked_reasons(stage)) == 6


def test_a_refused_app_leaves_what_was_accepted_owed(stage: Stage) -> None:
    """It is acknowledged: the sweep goes on once the vendor serves the app again."""
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 40
    assert stage.batch(records(sqs(text(1)))) == {"batchItemFailures": []}
    assert stage.batch(records(sqs(text(1), 1))) == {"batchItemFailures": [item("aws:sqs", 1)]}
    stage.chat.fates.clear()
    stage.clock.sleep(3600)
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.context.counters().sweep(stage.invocation.deadline).left == 0
    assert stage.like() == 1


def test_without_a_caller_the_queues_arn_is_the_caller(stage: Stage) -> None:
    keyed = text(5, IdempotencyKey="k")
    stage.batch(records(sqs(keyed), sqs(keyed, 1, eventSourceARN=f"{ARN}-2")))
    assert stage.like() == 10


def test_a_topic_of_msk_that_is_made_anew_counts_from_its_first_record(stage: Stage) -> None:
    """Its offsets begin again, and the records' own time tells them from those of before."""
    for sent_s in (0, 0, 3600):
        stage.batch(of_msk(*[msk(text(), number, timestamp=int((START + sent_s) * 1000)) for number in range(5)]))
    assert stage.like() == 10


@pytest.mark.parametrize(
    "make",
    [
        lambda number: of_msk(msk(text(), number, timestamp=-1)),
        lambda number: of_self_managed_kafka(msk(text(), number)),
        lambda number: records(ckafka(text(), number)),
    ],
    ids=["msk", "self-managed", "ckafka"],
)
def test_where_records_tell_no_time_or_no_cluster_the_epoch_tells_topics_apart(
    stage: Stage, make: Callable[[int], Event]
) -> None:
    """A topic made anew, or a second cluster: without another epoch its records are those of before."""
    for epoch, counted in (("", 2), ("", 2), ("2", 4), ("2", 4), ("b/3 群", 6), ("", 6)):
        stage.context = replace(stage.context, source_epoch=epoch)
        for number in range(2):
            stage.batch(make(number))
        assert stage.like() == counted


def test_the_epoch_changes_no_key_of_a_record_that_tells_its_time(stage: Stage) -> None:
    for epoch in ("", "2"):
        stage.context = replace(stage.context, source_epoch=epoch)
        stage.batch(of_msk(msk(text())))
        stage.batch(records(ckafka(text(IdempotencyKey="order-7"))))
        stage.batch(records(sqs(text())))
    assert stage.like() == 3


def test_a_batch_without_pages_loads_nothing_of_the_timer() -> None:
    loaded = """
import json, sys
import handler.triggers.sources.handler
from handler.triggers.sources.adapters import SOURCES
from handler.triggers.sources.records import RecordReader
from handler.core.runtime.windows import Horizon, first_notes
from handler.core.ports.vault import Secret
from handler.triggers.rights import RecordRights
rights = RecordRights(lambda: Secret(1, "a", "k"), 0.0)
horizon = Horizon(first_notes(60.0, 0.0, has_rows=False), 60.0, 0.0)
[record] = json.loads(sys.argv[1])["Records"]
[read] = RecordReader(SOURCES["aws:sqs"], "_receipt", 60.0, horizon, print, rights, "").read(record)
assert read.operations
print([name for name in sys.modules if name.startswith("handler.triggers.timer")])
"""
    root = Path(__file__).parents[4]
    event = json.dumps(batch_of("aws:sqs", [text(1)]))
    ran = subprocess.run([sys.executable, "-c", loaded, event], cwd=root, capture_output=True, check=True, text=True)
    assert ran.stdout.strip() == "[]"


OLD_S = START - 1_296_001


@pytest.mark.parametrize(
    "event",
    [
        records(sqs(text(), attributes={"SentTimestamp": str(int(OLD_S * 1000))})),
        records(kinesis(text(), approximateArrivalTimestamp=OLD_S)),
        records(dynamodb(text(), ApproximateCreationDateTime=OLD_S)),
        records(sns(text(), Timestamp="2026-11-06T23:59:59.000Z")),
        of_msk(msk(text(), timestamp=int(OLD_S * 1000))),
        eventbridge(json.loads(text()), time="2026-11-06T23:59:59Z"),
    ],
)
def test_a_record_older_than_the_window_is_parked_and_acknowledged(stage: Stage, event: dict[str, object]) -> None:
    """R11: the answer of its first delivery may be forgotten."""
    assert stage.batch(event) in ({"batchItemFailures": []}, counts(parked=1))
    assert parked_reasons(stage) == ["is older than DEDUPE_WINDOW_S"]
    assert stage.like() is None


def test_a_parked_payload_is_cut_to_32_kib(stage: Stage) -> None:
    stage.batch(batch_of("aws:sns", ["群" * 30_000]))
    [parked] = stage.kept.page(APP, 10)
    assert parked.payload == "群" * (32 * 1024 // 3)


def test_nothing_of_a_record_is_in_the_reply_or_in_a_reason(stage: Stage) -> None:
    poison = text(1, Token="hunter2", Caller={"hunter2": "hunter2"})
    reply = stage.batch(batch_of("Ckafka", [poison, text(1, IdempotencyKey="hunter2 hunter2")]))
    assert "hunter2" not in json.dumps(reply) + "".join(parked_reasons(stage))


def test_a_record_that_cannot_even_be_written_down_is_parked_without_its_content(stage: Stage) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert stage.batch(records(sns(text()), deep)) == counts(accepted=1, parked=1)
    assert (parked_reasons(stage), stage.like()) == (["record: is not an object"], 1)


def test_a_batch_leaves_one_line_with_its_operations(stage: Stage) -> None:
    """However many records it has: the line names the first twenty operations, and says what became of the others."""
    stage.batch(batch_of("aws:sqs", [*(text(value, group=ROOMS[value % 5]) for value in range(1, 31)), "no JSON"]))
    [(evidence, times)] = [
        (evidence, times)
        for notice, evidence, times in zip(stage.told.notices, stage.told.evidence, stage.told.times, strict=True)
        if notice is Notice.DELIVERED
    ]
    assert (times, evidence["records"], evidence["accepted"], evidence["operations"]) == (30, 31, 30, 30)
    assert (evidence["source"], len(str(evidence["operation"]).split())) == ("aws:sqs", 20)
