"""A list of records that a pipe passes on is a batch of their source; in the reply they have the pipe's names."""

import pytest

from handler.core.errors import NotAccepted, UnknownEvent
from handler.triggers.event_kind import Event, Kind, detect
from tests.unit.triggers.faulty import UNAVAILABLE, FaultyLedger
from tests.unit.triggers.sources.source_events import batch_of, piped, text
from tests.unit.triggers.stage import APP, Stage

SOURCES = ("aws:sqs", "aws:kinesis", "aws:dynamodb", "aws:kafka", "Ckafka")
ITEMS = {"aws:sqs": "message-1", "aws:kinesis": "shardId-000000000006:4959000001", "aws:dynamodb": "c4ca000001"}
GOOD: tuple[Event, ...] = ({"batchItemFailures": []}, {"accepted": 3, "parked": 0, "ignored": 0})


@pytest.fixture
def stage() -> Stage:
    """Two groups, and a ledger that may fail."""
    stage = Stage()
    stage.chat.groups = {"room": {}, "b": {}}
    stage.use_ledger(FaultyLedger(stage))
    return stage


@pytest.mark.parametrize("source", SOURCES)
def test_a_piped_batch_counts_once_whole_or_in_parts(stage: Stage, source: str) -> None:
    """Also if some of it has come without the pipe: its records are the same."""
    contents = [text(1), text(20), text(300)]
    for event in (piped(source, contents[:2]), piped(source, contents), batch_of(source, contents)):
        assert detect(piped(source, contents))[0] is Kind.PIPES
        stage.batch(event)
    assert stage.like() == 321


@pytest.mark.parametrize(("source", "item"), ITEMS.items())
def test_what_was_not_accepted_is_named_to_the_pipe(stage: Stage, source: str, item: str) -> None:
    assert isinstance(stage.ledger, FaultyLedger)
    stage.ledger.away["b"] = UNAVAILABLE
    event = piped(source, [text(1), text(5, "b"), text(20)])
    assert stage.batch(event) == {"batchItemFailures": [{"itemIdentifier": item}]}
    stage.ledger.away.clear()
    assert stage.batch(event) in GOOD
    assert (stage.like(), stage.like("b")) == (21, 5)


def test_a_piped_batch_of_kafka_comes_again_whole(stage: Stage) -> None:
    """A pipe takes no names of its records (eb-pipes-msk), whatever the mappings of the function take."""
    assert isinstance(stage.ledger, FaultyLedger)
    stage.ledger.away["b"] = UNAVAILABLE
    with pytest.raises(NotAccepted, match="1 of 2 records"):
        stage.batch(piped("aws:kafka", [text(1), text(5, "b")]))
    assert stage.like() == 1


@pytest.mark.parametrize("source", SOURCES)
def test_a_poison_record_of_a_pipe_is_put_aside(stage: Stage, source: str) -> None:
    """A queue gets it back for its dead-letter queue; a stream goes on."""
    reply = stage.batch(piped(source, [text(1), "like", text(20)]))
    assert reply.get("batchItemFailures", []) == ([{"itemIdentifier": "message-1"}] if source == "aws:sqs" else [])
    assert len(stage.kept.page(APP, 10)) == (source != "aws:sqs")
    assert stage.like() == 21


@pytest.mark.parametrize("event", [[], [{"GroupId": "room"}], [text()], [[]]])
def test_a_list_that_names_no_source_is_told_what_to_change(event: object) -> None:
    with pytest.raises(UnknownEvent, match=r"event: is a list in which no record names its source: a pipe must pass"):
        detect(event)
