"""What could not be accepted for a reason that may pass is delivered again, and nothing counts twice for it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost, CounterError, NotAccepted, OutcomeUnknown, RowFull
from handler.core.model.operation import operation_id
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from handler.triggers.sources.delivery import CHUNK
from tests.unit.triggers.faulty import UNAVAILABLE, FaultyLedger, FullParked
from tests.unit.triggers.sources.source_events import (
    ARN,
    MAKERS,
    PARTIAL,
    batch_of,
    item,
    msk,
    of_msk,
    of_self_managed_kafka,
    records,
    sqs,
    text,
)
from tests.unit.triggers.stage import APP, Stage, invocation

# More records of a group than are accepted by one write.
SEVERAL = CHUNK + 30


@pytest.fixture
def stage() -> Stage:
    """Three groups, and a ledger that may fail."""
    stage = Stage()
    stage.chat.groups = {"a": {}, "b": {}, "c": {}}
    stage.use_ledger(FaultyLedger(stage))
    return stage


@pytest.fixture
def faulty(stage: Stage) -> FaultyLedger:
    assert isinstance(stage.ledger, FaultyLedger)
    return stage.ledger


def likes(stage: Stage) -> list[int | None]:
    return [stage.chat.groups[group].get("like") for group in "abc"]


CONTENTS = [text(1, "a"), text(1, "b"), text(20, "a"), text(20, "b")]


@pytest.mark.parametrize("error", [UNAVAILABLE, ValueError("a secret")], ids=["foreseen", "unforeseen"])
@pytest.mark.parametrize("source", MAKERS)
def test_what_was_not_accepted_comes_again_and_holds_up_nobody(
    stage: Stage, faulty: FaultyLedger, source: str, error: Exception
) -> None:
    """By its name, or with its whole batch; an error that no rule foresees is told with its group (R13)."""
    faulty.away["a"] = error
    event = batch_of(source, CONTENTS if source in PARTIAL else [*CONTENTS, "poison"])
    if source in PARTIAL:
        assert stage.batch(event) == {"batchItemFailures": [item(source, 0), item(source, 2)]}
    else:
        kind, reason = (NotAccepted, error) if error is UNAVAILABLE else (OutcomeUnknown, "an unexpected ValueError")
        with pytest.raises(kind, match=f"2 of 5 records were not accepted, deliver them again: {reason}"):
            stage.batch(event)
    assert likes(stage) == [None, 21, None]
    # A reply that names records is taken for a success and says no more; an invocation that fails says why itself.
    told = [error] if source in PARTIAL or error is not UNAVAILABLE else []
    assert (stage.told.failures, stage.told.notices.count(Notice.GROUP_FAILED)) == (told, error is not UNAVAILABLE)
    faulty.away.clear()
    assert stage.batch(event) in ({"batchItemFailures": []}, {"accepted": 4, "parked": 1, "ignored": 0})
    assert likes(stage) == [21, 21, None]
    assert len(stage.kept.page(APP, 10)) == (source not in PARTIAL)


@pytest.mark.parametrize("source", PARTIAL)
def test_records_for_which_there_is_no_room_are_told_to_be_turned_away(
    stage: Stage, faulty: FaultyLedger, source: str
) -> None:
    """As a caller over HTTP is, which is no error of ours."""
    faulty.away = {"a": RowFull("many wait", 5.0), "b": RowFull("many wait", 5.0)}
    stage.batch(batch_of(source, CONTENTS))
    assert (stage.told.failures, stage.told.notices.count(Notice.TURNED_AWAY)) == ([], 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_the_end_of_the_process_is_not_swallowed(stage: Stage, faulty: FaultyLedger, error: BaseException) -> None:
    faulty.away["a"] = error
    with pytest.raises(type(error)):
        stage.batch(batch_of("aws:sqs", CONTENTS))


@pytest.mark.parametrize("writes", range(12))
@pytest.mark.parametrize("source", MAKERS)
def test_a_crash_of_the_ledger_in_the_middle_counts_once(
    stage: Stage, faulty: FaultyLedger, source: str, writes: int
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


def test_a_failure_that_has_passed_does_not_let_later_ones_overtake(stage: Stage, faulty: FaultyLedger) -> None:
    """Only the second part cannot be accepted; the reset at the end waits for the next delivery with it."""
    event = batch_of("aws:sqs", [*[text(1, "a")] * 2 * CHUNK, text(7, "a", "Set")])
    faulty.failing_once = frozenset({operation_id(ARN, f"message-{CHUNK + CHUNK // 2}")})
    failed = [item("aws:sqs", number) for number in range(CHUNK, 2 * CHUNK + 1)]
    assert stage.batch(event)["batchItemFailures"] == failed
    assert stage.batch(event) == {"batchItemFailures": []}
    assert likes(stage)[0] == 7


def test_a_failing_shelf_asks_for_the_batch_again(stage: Stage) -> None:
    """A record is never lost; the good ones count all the same."""
    kept = FullParked(UNAVAILABLE)
    stage.use_parked(kept)
    event = batch_of("Ckafka", ["poison", text(1, "a")])
    with pytest.raises(NotAccepted, match="1 of 2 records"):
        stage.batch(event)
    assert likes(stage)[0] == 1
    kept.error = AnswerLost("the answer was lost")
    with pytest.raises(OutcomeUnknown, match="1 of 2 records"):
        stage.batch(event)
    kept.error = None
    assert stage.batch(event) == {"accepted": 1, "parked": 1, "ignored": 0}
    assert likes(stage)[0] == 1


def test_where_the_reply_can_name_it_a_failing_shelf_fails_one_record(stage: Stage) -> None:
    """Here one that is too old; a foreign one without a name needs the whole batch again."""
    stage.use_parked(FullParked(UNAVAILABLE))
    old = sqs(text(1, "a"), 7, attributes={"SentTimestamp": "1"})
    assert stage.batch(records(old, sqs(text(1, "a")))) == {"batchItemFailures": [item("aws:sqs", 7)]}
    with pytest.raises(NotAccepted, match="1 of 2 records"):
        stage.batch(records({}, sqs(text(1, "a"))))


def test_a_poison_record_of_a_stream_that_cannot_be_parked_comes_again(stage: Stage) -> None:
    """It is named like one of which nothing was accepted, and parked at its next delivery."""
    kept = FullParked(UNAVAILABLE)
    stage.use_parked(kept)
    event = batch_of("aws:kinesis", ["poison", text(1, "a")])
    assert stage.batch(event) == {"batchItemFailures": [item("aws:kinesis", 0)]}
    kept.error = None
    assert stage.batch(event) == {"batchItemFailures": []}
    assert len(kept.page(APP, 10)) == 1


@pytest.mark.parametrize("make", [of_msk, of_self_managed_kafka])
def test_kafka_gets_names_only_where_its_mapping_takes_them(
    stage: Stage, faulty: FaultyLedger, make: Callable[..., Event]
) -> None:
    """A mapping that takes none reads a reply as success, so only a setting can say that it does."""
    event = make(msk(text(1, "a"), 1), msk(text(1, "b"), 2), msk("like", 3), msk(text(20, "a"), 4), 7)
    faulty.away["a"] = UNAVAILABLE
    with pytest.raises(NotAccepted, match="2 of 5 records were not accepted"):
        stage.batch(event)
    stage.context = replace(stage.context, reports_offsets=True)
    names = [{"itemIdentifier": {"partition": "counters-0", "offset": offset}} for offset in (1, 4)]
    assert stage.batch(event) == {"batchItemFailures": names}
    assert likes(stage) == [None, 1, None]
    faulty.away.clear()
    assert stage.batch(make(msk(text(1, "a"), 1), msk(text(20, "a"), 4))) == {"batchItemFailures": []}
    assert (likes(stage), len(stage.kept.page(APP, 10))) == ([21, 1, None], 2)


def test_a_record_of_kafka_without_a_name_of_the_mappings_brings_its_batch_back(
    stage: Stage, faulty: FaultyLedger
) -> None:
    """Lambda would take a name that is not its own for an error of the whole batch as well."""
    stage.context = replace(stage.context, reports_offsets=True)
    faulty.away["a"] = UNAVAILABLE
    with pytest.raises(NotAccepted):
        stage.batch(of_msk(msk(text(1, "a"), offset="1")))
