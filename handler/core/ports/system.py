"""The ports to the system: clock, randomness, and the reporter of notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol, TypeAlias


class Notice(Enum):
    """Events that are always logged, and counted, under these names. layers/README.md says what each of them means."""

    REPLAYED = "replayed"
    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"
    NOT_PERMITTED = "not_permitted"
    SECRET_STALE = "secret_stale"  # noqa: S105  # the name of an event
    CALLER_EXPIRED = "caller_expired"
    TURNED_AWAY = "turned_away"
    UNAUTHORIZED = "unauthorized"
    DELIVERED = "delivered"
    UNKNOWN = "outcome_unknown"
    ATTEMPT_EXPIRED = "attempt_expired"
    ATTEMPT_DROPPED = "attempt_dropped"
    CALLS_KEEP_FAILING = "calls_keep_failing"
    LATE_LANDING = "late_landing_corrected"
    GROUP_FROZEN = "group_frozen"
    GROUP_ADOPTED = "group_adopted"
    GROUP_RELEASED = "group_released"
    HISTORY_ADOPTED = "history_adopted"
    RATE_LIMITED = "rate_limited"
    APP_REFUSED = "app_refused"
    SECRET_REFRESHED = "secret_refreshed"  # noqa: S105  # the name of an event
    CLOCK_SKEWED = "clock_skewed"
    CLOCK_DISTRUSTED = "clock_distrusted"
    CLOCK_UNHEARD = "clock_unheard"
    WAITING = "waiting_for_the_clock"
    REFUSAL_DISPROVED = "refusal_disproved"
    WEAKER_PROMISE = "weaker_promise"
    UNFINISHED = "unfinished"
    GROUP_FAILED = "group_failed"
    PARKED = "record_parked"
    RECORDS_EXPIRING = "records_expiring"
    HANDED_ON = "handed_on"
    OPERATOR_TASK = "operator_task"
    ATTENTION = "needs_attention"
    CALL_FAILED = "call_failed"
    ASSUMPTIONS_UNVERIFIED = "assumptions_unverified"


class Measure(Enum):
    """Numbers that are written as metrics under these names: the sweep's gauges, and how long round trips take."""

    FROZEN_GROUPS = "frozen_groups"
    UNFINISHED_GROUPS = "unfinished_groups"
    PARKED_RECORDS = "parked_records"
    PARKED_EXPIRING = "parked_expiring"
    PARKED_SQS = "parked_records_sqs"
    PARKED_KINESIS = "parked_records_kinesis"
    PARKED_DYNAMODB = "parked_records_dynamodb"
    PARKED_SNS = "parked_records_sns"
    PARKED_KAFKA = "parked_records_kafka"
    PARKED_OTHER = "parked_records_other"
    OLDEST_UNFINISHED_S = "oldest_unfinished_s"
    UPDATE_LATENCY_S = "update_latency_s"
    READ_LATENCY_S = "read_latency_s"
    LEDGER_LATENCY_S = "ledger_latency_s"


Timed: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Begins a block of which it measures how long it lasts, whichever way it ends."""

Evidence: TypeAlias = "dict[str, str | float | None]"


class Reporter(Protocol):
    """Logs and counts notices, logs errors, and writes measures."""

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        """Log one line, with evidence that holds no secret, and count as many occurrences: none if that is done."""
        ...

    def count(self, notice: Notice, times: int, /, **evidence: str | float | None) -> None:
        """Count occurrences that another line tells of; theirs is for debugging only."""
        ...

    def bind(self, **fields: str) -> None:
        """Put fields that hold no secret on every further line of this invocation; evidence goes before them."""
        ...

    def failed(self, error: Exception) -> None:
        """Log an error: one of this project by its text, any other by its type and where it came from."""
        ...

    def measure(self, measure: Measure, value: float) -> None:
        """Take one value of a measure; it is written when the invocation ends."""
        ...


# A line names this many operations; the others are counted.
NAMED_MAX = 20


def naming(operations: Iterable[str]) -> Evidence:
    """Evidence that names operations by their ids, parted by spaces, and says how many there are."""
    ids = tuple(operations)
    return {"operation": " ".join(ids[:NAMED_MAX]) or None, "operations": len(ids)}


def group_failed(reporter: Reporter, error: Exception, **whose: str | float | None) -> None:
    """Report an error that no rule foresees: it stays with its group, or its record, and the others go on (R13)."""
    reporter.failed(error)
    reporter.report(Notice.GROUP_FAILED, error=type(error).__name__, **whose)


class Clock(Protocol):
    """Local time."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class Chance(Protocol):
    """Randomness; `random.SystemRandom` and a seeded `random.Random` are ones."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def getrandbits(self, bits: int, /) -> int:
        """Return an integer of that many random bits."""
        ...

    def randrange(self, start: int, stop: int, /) -> int:
        """Return a number in [start, stop), such as a weight (R2)."""
        ...
