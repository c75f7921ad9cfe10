"""What is parked, and how it is kept."""

from __future__ import annotations

import json

import pytest

from tests.unit.triggers.sources.source_events import (
    batch_of,
    dynamodb,
    eventbridge,
    kinesis,
    msk,
    of_msk,
    records,
    sns,
    sqs,
    text,
)
from tests.unit.triggers.stage import APP, START, Stage


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {group: {} for group in ["room"]}
    return stage


def like(stage: Stage, group: str = "room") -> int | None:
    return stage.chat.groups[group].get("like")


def counts(accepted: int = 0, parked: int = 0, ignored: int = 0) -> dict[str, int]:
    """What a source without partial replies is answered."""
    return {"accepted": accepted, "parked": parked, "ignored": ignored}


def parked_reasons(stage: Stage) -> list[str]:
    return [parked.reason for parked in stage.kept.page(APP, 100)]


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
    assert like(stage) is None


def test_a_record_that_is_too_old_and_cannot_be_read_is_parked_too(stage: Stage) -> None:
    event = records(kinesis(None, approximateArrivalTimestamp=OLD_S))
    assert stage.batch(event) == {"batchItemFailures": []}
    assert parked_reasons(stage) == ["body: is missing"]


def test_a_parked_record_is_kept_as_it_came(stage: Stage) -> None:
    """Its id is the source's own identity and its source the caller, so that an operator can have it executed."""
    content = text(1, GroupId="")
    stage.batch(batch_of("Ckafka", [content], first=36))
    [parked] = stage.kept.page(APP, 10)
    assert (parked.id, parked.source, parked.payload, parked.at) == ("ckafka/counters/1/36", "counters", content, START)
    assert parked.reason.startswith("GroupId: ")


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
    assert (parked_reasons(stage), like(stage)) == (["record: is not an object"], 1)
