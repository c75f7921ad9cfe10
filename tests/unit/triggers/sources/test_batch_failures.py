"""What could not be accepted for a reason that may pass is delivered again, and nothing counts twice for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from handler.core.errors import AnswerLost, CounterError, LedgerUnavailable, NotAccepted, OutcomeUnknown
from handler.core.model.operation import operation_id
from handler.core.model.outcome import Records
from handler.core.model.row import Attempt, Entry, Group, Row
from handler.core.ports.ledger import Look, Parked
from handler.core.ports.system import Notice
from handler.core.state.watermarks import NO_WATERMARKS, Watermarks
from handler.triggers.sources.delivery import CHUNK
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.sources.source_events import ARN, MAKERS, PARTIAL, WHOLE, batch_of, item, records, sqs, text
from tests.unit.triggers.stage import APP, Stage, invocation

# More records of a group than are accepted by one write.
SEVERAL = CHUNK + 30

UNAVAILABLE = LedgerUnavailable("the store is away")


class Faulty(MemoryLedger):
    """A ledger in which some groups, or the writes after some number of them, fail."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.clock)
        self.away: dict[str, CounterError] = {}
        self.broken: dict[str, BaseException] = {}
        self.writes_left = 10**9
        self.failing_once: frozenset[str] = frozenset()

    def load(self, group: Group) -> Row | None:
        if group.id in self.broken:
            raise self.broken[group.id]
        if group.id in self.away and not isinstance(self.away[group.id], AnswerLost):
            raise self.away[group.id]
        return super().load(group)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Fail before, or lose the answer and be away from then on."""
        return self._written(group, lambda: MemoryLedger.swap(self, group, row, records, watermarks))

    def create(self, group: Group, row: Row) -> bool:
        return self._written(group, lambda: MemoryLedger.create(self, group, row))

    def _written(self, group: Group, write: Callable[[], bool]) -> bool:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise UNAVAILABLE
        done = write()
        if group.id in self.away:
            lost, self.away[group.id] = self.away[group.id], UNAVAILABLE
            raise lost
        return done

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        return None

    def begin(self, group: Group, attempt: Attempt, receipt_key: str, generation: int) -> Row | None:
        """Fail once where one of these operations is in the attempt."""
        if self.failing_once & {entry.id for entry in attempt.entries}:
            self.failing_once = frozenset()
            raise UNAVAILABLE
        return super().begin(group, attempt, receipt_key, generation)

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        self.load(group)
        return super().find(group, ids)


@dataclass
class Full(MemoryParked):
    """A store that takes nothing while it is told so."""

    full: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def park(self, app: int, parked: Parked) -> None:
        if self.full:
            raise self.full[0]
        super().park(app, parked)


@pytest.fixture
def stage() -> Stage:
    """Three groups, and a ledger that may fail."""
    stage = Stage()
    stage.chat.groups = {"a": {}, "b": {}, "c": {}}
    stage.use_ledger(Faulty(stage))
    return stage


@pytest.fixture
def faulty(stage: Stage) -> Faulty:
    assert isinstance(stage.ledger, Faulty)
    return stage.ledger


def likes(stage: Stage) -> list[int | None]:
    return [stage.chat.groups[group].get("like") for group in "abc"]


CONTENTS = [text(1, "a"), text(1, "b"), text(20, "a"), text(20, "b")]


@pytest.mark.parametrize("source", PARTIAL)
def test_what_was_not_accepted_is_named_and_accepted_next_time(stage: Stage, faulty: Faulty, source: str) -> None:
    """The other group is not held up."""
    faulty.away["a"] = UNAVAILABLE
    event = batch_of(source, CONTENTS)
    assert stage.batch(event) == {"batchItemFailures": [item(source, 0), item(source, 2)]}
    assert likes(stage) == [None, 21, None]
    faulty.away.clear()
    assert stage.batch(event) == {"batchItemFailures": []}
    assert likes(stage) == [21, 21, None]


@pytest.mark.parametrize("source", WHOLE)
def test_elsewhere_the_whole_batch_is_asked_for_again(stage: Stage, faulty: Faulty, source: str) -> None:
    faulty.away["a"] = UNAVAILABLE
    event = batch_of(source, [*CONTENTS, "poison"])
    with pytest.raises(NotAccepted, match=r"2 of 5 records were not accepted, deliver them again: the store is away"):
        stage.batch(event)
    assert likes(stage) == [None, 21, None]
    assert len(stage.kept.page(APP, 10)) == 1
    faulty.away.clear()
    assert stage.batch(event) == {"accepted": 4, "parked": 1, "ignored": 0}
    assert likes(stage) == [21, 21, None]


@pytest.mark.parametrize("source", PARTIAL)
def test_an_error_that_no_rule_foresees_fails_the_records_of_its_group_alone(
    stage: Stage, faulty: Faulty, source: str
) -> None:
    """They are delivered again, and it is told which group it was (R13)."""
    faulty.broken["a"] = ValueError("a secret")
    event = batch_of(source, CONTENTS)
    assert stage.batch(event) == {"batchItemFailures": [item(source, 0), item(source, 2)]}
    assert likes(stage) == [None, 21, None]
    assert [str(error) for error in stage.told.failures] == ["a secret"]
    assert Notice.GROUP_FAILED in stage.told.notices
    faulty.broken.clear()
    assert stage.batch(event) == {"batchItemFailures": []}
    assert likes(stage) == [21, 21, None]


@pytest.mark.parametrize("source", WHOLE)
def test_elsewhere_such_an_error_asks_for_the_batch_again(stage: Stage, faulty: Faulty, source: str) -> None:
    faulty.broken["a"] = ValueError("a secret")
    event = batch_of(source, [*CONTENTS, "poison"])
    with pytest.raises(OutcomeUnknown, match=r"2 of 5 records were .*: an unexpected ValueError; the log"):
        stage.batch(event)
    assert likes(stage) == [None, 21, None]
    assert len(stage.kept.page(APP, 10)) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_the_end_of_the_process_is_not_swallowed(stage: Stage, faulty: Faulty, error: BaseException) -> None:
    faulty.broken["a"] = error
    with pytest.raises(type(error)):
        stage.batch(batch_of("aws:sqs", CONTENTS))


def test_a_shelf_that_breaks_fails_one_record(stage: Stage) -> None:
    """The others are done, and it is told which record it was."""
    stage.use_parked(Full(full=[ValueError("a secret")]))
    with pytest.raises(OutcomeUnknown, match="1 of 2 records"):
        stage.batch(batch_of("Ckafka", ["poison", text(1, "a")]))
    assert likes(stage)[0] == 1
    assert Notice.GROUP_FAILED in stage.told.notices


def test_a_lost_answer_is_said_to_be_one(stage: Stage, faulty: Faulty) -> None:
    """It may have been accepted; the next delivery finds out, and counts nothing twice."""
    faulty.away["a"] = AnswerLost("the answer was lost")
    with pytest.raises(OutcomeUnknown, match="2 of 4 records"):
        stage.batch(batch_of("aws:sns", CONTENTS))
    faulty.away.clear()
    assert stage.batch(batch_of("aws:sns", CONTENTS)) == {"accepted": 4, "parked": 0, "ignored": 0}
    assert likes(stage) == [21, 21, None]


@pytest.mark.parametrize("writes", range(12))
@pytest.mark.parametrize("source", MAKERS)
def test_a_crash_of_the_ledger_in_the_middle_counts_once(
    stage: Stage, faulty: Faulty, source: str, writes: int
) -> None:
    """Wherever it fails, the next delivery and a sweep end with every record counted once, in order."""
    contents = [text(9, "a", "Set"), *(text(1, group) for group in "abc" for _ in range(SEVERAL)), text(100, "a")]
    event = batch_of(source, contents)
    faulty.writes_left = writes
    try:
        stage.batch(event)
    except CounterError as failure:
        assert isinstance(failure, NotAccepted | OutcomeUnknown)  # noqa: PT017  # a failure is one of two good ends
    faulty.writes_left = 10**9
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.batch(event) in ({"batchItemFailures": []}, {"accepted": 3 * SEVERAL + 2, "parked": 0, "ignored": 0})
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.context.counters().sweep(stage.invocation.deadline).left == 0
    assert likes(stage) == [9 + SEVERAL + 100, SEVERAL, SEVERAL]


def test_after_a_failure_nothing_later_of_the_group_is_accepted(stage: Stage, faulty: Faulty) -> None:
    # A group's first row takes no more than a transaction holds.
    faulty.writes_left = 4
    reply = stage.batch(batch_of("aws:sqs", [*[text(1, "a")] * (2 * CHUNK + 50), text(0, "a", "Set")]))
    failed = [item("aws:sqs", number) for number in range(2 * CHUNK, 2 * CHUNK + 51)]
    assert reply["batchItemFailures"] == failed


def test_a_failure_that_has_passed_does_not_let_later_ones_overtake(stage: Stage, faulty: Faulty) -> None:
    """Only the second part cannot be accepted; the reset at the end waits for the next delivery with it."""
    event = batch_of("aws:sqs", [*[text(1, "a")] * 2 * CHUNK, text(7, "a", "Set")])
    faulty.failing_once = frozenset({operation_id(ARN, f"message-{CHUNK + CHUNK // 2}")})
    failed = [item("aws:sqs", number) for number in range(CHUNK, 2 * CHUNK + 1)]
    assert stage.batch(event)["batchItemFailures"] == failed
    assert stage.batch(event) == {"batchItemFailures": []}
    assert likes(stage)[0] == 7


def test_a_failing_shelf_asks_for_the_batch_again(stage: Stage) -> None:
    """A record is never lost; the good ones count all the same."""
    kept = Full(full=[UNAVAILABLE])
    stage.use_parked(kept)
    event = batch_of("Ckafka", ["poison", text(1, "a")])
    with pytest.raises(NotAccepted, match="1 of 2 records"):
        stage.batch(event)
    assert likes(stage)[0] == 1
    kept.full = [AnswerLost("the answer was lost")]
    with pytest.raises(OutcomeUnknown, match="1 of 2 records"):
        stage.batch(event)
    kept.full = []
    assert stage.batch(event) == {"accepted": 1, "parked": 1, "ignored": 0}
    assert likes(stage)[0] == 1


def test_where_the_reply_can_name_it_a_failing_shelf_fails_one_record(stage: Stage) -> None:
    """Here one that is too old; a foreign one without a name needs the whole batch again."""
    stage.use_parked(Full(full=[UNAVAILABLE]))
    old = sqs(text(1, "a"), 7, attributes={"SentTimestamp": "1"})
    assert stage.batch(records(old, sqs(text(1, "a")))) == {"batchItemFailures": [item("aws:sqs", 7)]}
    with pytest.raises(NotAccepted, match="1 of 2 records"):
        stage.batch(records({}, sqs(text(1, "a"))))


def test_a_poison_record_of_a_stream_that_cannot_be_parked_comes_again(stage: Stage) -> None:
    """It is named like one of which nothing was accepted, and parked at its next delivery."""
    kept = Full([UNAVAILABLE])
    stage.use_parked(kept)
    event = batch_of("aws:kinesis", ["poison", text(1, "a")])
    assert stage.batch(event) == {"batchItemFailures": [item("aws:kinesis", 0)]}
    kept.full.clear()
    assert stage.batch(event) == {"batchItemFailures": []}
    assert len(kept.page(APP, 10)) == 1
