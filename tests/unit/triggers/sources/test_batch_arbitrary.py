"""Whatever a platform brings beside a good record in a batch, the good one counts once."""

from hypothesis import given
from hypothesis import strategies as st

from handler.triggers.event_kind import Event
from tests.unit.triggers.sources.source_events import MAKERS, batch_of, of_msk, of_self_managed_kafka, records, text
from tests.unit.triggers.stage import Stage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([text(), "room", "Set"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)
NAMES = st.sampled_from(
    [
        *("eventSource", "EventSource", "messageId", "body", "attributes", "eventSourceARN", "eventID", "eventName"),
        *("kinesis", "dynamodb", "Sns", "Ckafka", "data", "sequenceNumber", "NewImage", "SequenceNumber", "Message"),
        *("MessageId", "TopicArn", "Timestamp", "topic", "partition", "offset", "value", "timestamp", "msgBody"),
    ]
)
SOURCES = st.sampled_from(sorted(MAKERS))
CONTENTS = JSON | st.builds(text, st.integers(-5, 5), st.sampled_from(["room", "nowhere"]))
MADE = st.builds(lambda source, content, number: MAKERS[source](content, number), SOURCES, CONTENTS, st.integers(0, 5))


def _broken(record: Event, name: str, value: object, *, within: bool) -> Event:
    """A record with one field replaced, at the top or in its parts."""
    if not within:
        return {**record, name: value}
    return {key: {**part, name: value} if isinstance(part, dict) else part for key, part in record.items()}


RECORDS = MADE | JSON | st.dictionaries(NAMES, JSON) | st.builds(_broken, MADE, NAMES, JSON, within=st.booleans())


@given(st.lists(RECORDS, max_size=5), SOURCES, st.integers(0, 5))
def test_arbitrary_neighbours_do_not_change_what_a_good_record_does(
    strangers: list[object], source: str, place: int
) -> None:
    """It counts, once, wherever it stands; others may count for themselves in another group."""
    stage = Stage()
    stage.chat.groups["mine"] = {}
    [good] = _records(batch_of(source, [text(5, "mine", IdempotencyKey="mine")], first=99))
    made = [*strangers[:place], good, *strangers[place:]]
    wrap = {"aws:kafka": of_msk, "SelfManagedKafka": of_self_managed_kafka}.get(source)
    event = wrap(*made) if wrap else records(good, *made)
    for _ in range(2):
        stage.batch(event)
    assert stage.chat.groups["mine"].get("like") == 5


def _records(event: Event) -> list[object]:
    listed = event.get("Records")
    if isinstance(listed, list):
        return listed
    partitions = event["records"]
    assert isinstance(partitions, dict)
    return [record for partition in partitions.values() for record in partition]
