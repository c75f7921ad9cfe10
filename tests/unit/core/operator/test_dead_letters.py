"""Parked records as an operator counts them: by kind of source, and those that end within a week by name."""

from __future__ import annotations

import pytest

from handler.core.operator.dead_letters import ENDING_S, NAMED_MAX, DeadLetters, kind_of
from handler.core.ports.ledger import ParkedLabel
from handler.core.ports.system import Measure, Notice
from tests.unit.core.samples import NOW, Notices

QUEUE = "arn:aws-cn:sqs:cn-north-1:123456789012:counters"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (QUEUE, "sqs"),
        ("arn:aws:kinesis:eu-west-1:123456789012:stream/likes", "kinesis"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026", "dynamodb"),
        ("arn:aws:sns:eu-west-1:123456789012:topic", "sns"),
        ("arn:aws:kafka:eu-west-1:123456789012:cluster/c/uuid", "kafka"),
        *((source, "other") for source in ("com.example.shop", "a topic", "", "arn", "arn:aws", "arn:aws:lambda:x")),
    ],
)
def test_a_kind_is_one_of_few_whatever_its_source_is_named(source: str, kind: str) -> None:
    assert kind_of(source) == kind


def test_gauges_have_all_those_that_end_soon_and_each_kind_that_there_is() -> None:
    ends = (0.0, NOW + ENDING_S + 1, NOW + ENDING_S, NOW - 1)
    labels = [ParkedLabel(f"{at}", QUEUE if at else "a topic", end) for at, end in enumerate(ends)]
    told = Notices()
    DeadLetters.of(labels, NOW).measure(told)
    assert dict(told.measured) == {
        Measure.PARKED_RECORDS: 4,
        Measure.PARKED_EXPIRING: 2,
        Measure.PARKED_SQS: 3,
        Measure.PARKED_OTHER: 1,
    }


def test_the_log_names_the_next_ones_that_end_and_says_nothing_where_none_does() -> None:
    told = Notices()
    DeadLetters.of([ParkedLabel("a", QUEUE, NOW + ENDING_S + 1)], NOW).report(told)
    assert told.told == []
    labels = [ParkedLabel(f"{NOW + number}", QUEUE, NOW + number) for number in reversed(range(NAMED_MAX + 5))]
    DeadLetters.of(labels, NOW).report(told)
    names = " ".join(f"{NOW + number}" for number in range(NAMED_MAX))
    assert told.of(Notice.RECORDS_EXPIRING) == [{"records": NAMED_MAX + 5, "record": names}]
