"""Dead letters (we say *parked records*) as an operator counts them: by kind of source, and those that end soon."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from handler.core.ports.ledger import ParkedLabel
from handler.core.ports.system import Evidence, Measure, Notice, Reporter, naming

# An operator has a week to see what is about to be dropped.
ENDING_S = 7 * 86_400.0

# So many of them are named, the next to end first.
NAMED_MAX = 20

# A source is named by its ARN, which names its service, or by its producer: a source of EventBridge, a topic of CKafka.
_KINDS: Mapping[str, Measure] = {
    "sqs": Measure.PARKED_SQS,
    "kinesis": Measure.PARKED_KINESIS,
    "dynamodb": Measure.PARKED_DYNAMODB,
    "sns": Measure.PARKED_SNS,
    "kafka": Measure.PARKED_KAFKA,
}
OTHER = "other"


def kind_of(source: str) -> str:
    """The kind of a source, one of few: a source itself may be one of any number, so it is no name of a metric."""
    parts = source.split(":")
    return parts[2] if parts[0] == "arn" and len(parts) > 2 and parts[2] in _KINDS else OTHER  # noqa: PLR2004


class DeadLetters(msgspec.Struct, frozen=True):
    """How many records are parked, of each kind of source; of those that end within a week also the next ones."""

    parked: int = 0
    kinds: Mapping[str, int] = {}
    ending: int = 0
    next: tuple[ParkedLabel, ...] = ()

    @classmethod
    def of(cls, labels: Iterable[ParkedLabel], now: float) -> DeadLetters:
        """Count them as of `now`, in seconds since 1970."""
        kinds = Counter[str]()
        ending = 0

        def soon() -> Iterator[ParkedLabel]:
            nonlocal ending
            for label in labels:
                kinds[kind_of(label.source)] += 1
                if label.expires_at and label.expires_at <= now + ENDING_S:
                    ending += 1
                    yield label

        following = heapq.nsmallest(NAMED_MAX, soon(), key=lambda label: (label.expires_at, label.id))
        return cls(kinds.total(), dict(kinds), ending, tuple(following))

    def measure(self, reporter: Reporter) -> None:
        """Write the gauges: the numbers at 0 too, and of kinds those that there are."""
        reporter.measure(Measure.PARKED_RECORDS, self.parked)
        reporter.measure(Measure.PARKED_EXPIRING, self.ending)
        for kind, count in self.kinds.items():
            reporter.measure(_KINDS.get(kind, Measure.PARKED_OTHER), count)

    def report(self, reporter: Reporter) -> None:
        """Name those that end within a week."""
        if self.ending:
            named = naming(label.id for label in self.next)
            told: Evidence = {"records": self.ending, "record": named["operation"]}
            reporter.report(Notice.RECORDS_EXPIRING, **told)
