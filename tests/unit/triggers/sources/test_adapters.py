"""Each source's record shows its identity, its caller, its time and its text, or what is wrong with it."""

import base64
import gzip

import pytest

from handler.core.errors import BadInput
from handler.triggers.event_kind import MSK, RECORD_SOURCES, Event, detect, part_of, source_of
from handler.triggers.sources.adapters import EVENTBRIDGE, SOURCES
from handler.triggers.sources.records import source_and_records
from handler.triggers.sources.source import NAME_CHARACTERS, RawRecord
from tests.unit.triggers.sources.source_events import (
    ARN,
    CLUSTER,
    STREAM,
    TABLE,
    TOPIC,
    attribute,
    ckafka,
    cmq,
    dynamodb,
    encoded,
    eventbridge,
    kinesis,
    msk,
    of_msk,
    of_self_managed_kafka,
    records,
    sns,
    sqs,
)
from tests.unit.triggers.stage import START


def delivered(event: Event) -> RawRecord:
    """The one record of an event, as its source reads it."""
    source, [record] = source_and_records(*detect(event))
    assert source is not None
    assert isinstance(record, dict)
    [raw] = source.read(record)
    return raw


@pytest.mark.parametrize(
    ("event", "key", "caller", "sent"),
    [
        (records(sqs("t", 7)), "message-7", ARN, START),
        (records(kinesis("t", 7)), f"{STREAM}/shardId-000000000006:4959000007", STREAM, START),
        (records(dynamodb("t", 7)), f"{TABLE}/c4ca000007/4421000007", TABLE, START),
        (records(sns("t", 7)), "notice-7", TOPIC, START),
        (records(ckafka("t", 7)), "ckafka/counters/1/7", "counters", None),
        (records(cmq("t", 7)), "cmq/counters/7", "counters", START),
        (records(cmq("t", 7, publishTime="1970-01-01T00:00:00.000Z")), "cmq/counters/7", "counters", None),
        (of_msk(msk("t", 7)), f"{CLUSTER}/counters/0/7/{START * 1000:.0f}", CLUSTER, START),
        (of_msk(msk("t", 7, timestamp="1000")), f"{CLUSTER}/counters/0/7/1000", CLUSTER, 1.0),
        (of_msk(msk("t", 7, timestamp=-1)), f"{CLUSTER}/counters/0/7", CLUSTER, None),
        (of_self_managed_kafka(msk("t", 7)), f"SelfManagedKafka/counters/0/7/{START * 1000:.0f}", "counters", START),
        (eventbridge({}, 7), "event-7", "shop.orders", START),
    ],
)
def test_a_record_is_known_by_its_sources_own_identity(event: Event, key: str, caller: str, sent: float | None) -> None:
    delivery = delivered(event)
    assert (delivery.key, delivery.caller, delivery.sent) == (key, caller, sent)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("aws:sqs", "groß"),
        ("aws:kinesis", encoded("groß")),
        ("aws:dynamodb", {"NewImage": {"a": {"S": "groß"}}}),
        ("aws:sns", "groß"),
        ("Ckafka", "groß"),
    ],
)
def test_the_text_is_found_in_its_wrapping(source: str, content: object) -> None:
    assert SOURCES[source].text(content) in {"groß", '{"a": "groß"}'}
    assert SOURCES[MSK].text(encoded("groß")) == "groß"
    assert EVENTBRIDGE.text({"a": "groß"}) == '{"a": "groß"}'


@pytest.mark.parametrize("wrong", [None, "", 7, ["m"], "m\n", "\ud800", "m" * (NAME_CHARACTERS + 1)])
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda wrong: records(sqs("t", messageId=wrong)), "messageId"),
        (lambda wrong: records(sqs("t", eventSourceARN=wrong)), "eventSourceARN"),
        (lambda wrong: records(kinesis("t") | {"eventID": wrong}), "eventID"),
        (lambda wrong: records(dynamodb("t", SequenceNumber=wrong)), "SequenceNumber"),
        (lambda wrong: records(sns("t", MessageId=wrong)), "MessageId"),
        (lambda wrong: records(sns("t", TopicArn=wrong)), "TopicArn"),
        (lambda wrong: records(ckafka("t", topic=wrong)), "topic"),
        (lambda wrong: records(cmq("t", topicName=wrong)), "topicName"),
        (lambda wrong: records(cmq("t", msgId=wrong)), "msgId"),
        (lambda wrong: of_msk(msk("t")) | {"eventSourceArn": wrong}, "eventSourceArn"),
        (lambda wrong: eventbridge({}, source=wrong), "source"),
    ],
)
def test_a_record_without_a_usable_name_is_refused(make: object, field: str, wrong: object) -> None:
    assert callable(make)
    with pytest.raises(BadInput) as refused:
        delivered(make(wrong))
    assert refused.value.field == field


@pytest.mark.parametrize("wrong", [None, -1, 1.0, "-2", "01", "2.0", "", " 1", "٣", True, 2**63, str(2**63 + 1)])
@pytest.mark.parametrize("field", ["partition", "offset"])
def test_a_place_in_a_topic_is_a_whole_number(field: str, wrong: object) -> None:
    change = {field: wrong}
    ckafka_record: Event = {"Ckafka": {**part_of(ckafka("t"), "Ckafka"), **change}}
    for event in (records(ckafka_record), of_msk({**msk("t"), **change})):
        with pytest.raises(BadInput) as refused:
            delivered(event)
        assert refused.value.field == field


@pytest.mark.parametrize("offset", [0, 36, 2**63 - 1])
def test_a_place_in_text_is_the_same_place(offset: int) -> None:
    """CKafka writes its numbers either way."""
    [number, text] = [delivered(records(ckafka("t", offset=written))) for written in (offset, str(offset))]
    assert number == text


@pytest.mark.parametrize("wrong", ["soon", "", True, [], {}])
def test_a_time_that_is_none_is_refused(wrong: object) -> None:
    for event in (
        records(sqs("t", attributes={"SentTimestamp": wrong})),
        records(kinesis("t", approximateArrivalTimestamp=wrong)),
        records(dynamodb("t", ApproximateCreationDateTime=wrong)),
        records(sns("t", Timestamp=wrong)),
        records(cmq("t", publishTime=wrong)),
        of_msk(msk("t", timestamp=wrong)),
        eventbridge({}, time=wrong),
    ):
        with pytest.raises(BadInput, match=r"must be a (number|time)"):
            delivered(event)


@pytest.mark.parametrize("none", [None, -1])
def test_kafka_may_tell_no_time(none: int | None) -> None:
    assert delivered(of_msk(msk("t", timestamp=none))).sent is None


@pytest.mark.parametrize("wrong", [None, 7, "{}", "====", encoded("t")[:-1] + "!", "/w==", {"GroupId": "room"}])
def test_a_body_that_is_not_text_is_refused(wrong: object) -> None:
    """Or not base64 of it, where the platform packs it so."""
    plain = () if isinstance(wrong, str) else (SOURCES["aws:sqs"], SOURCES["aws:sns"], SOURCES["Ckafka"])
    for source in (SOURCES["aws:kinesis"], SOURCES[MSK], *plain):
        with pytest.raises(BadInput, match=r"^body: "):
            source.text(wrong)


def test_data_that_gzip_has_compressed_is_told_by_its_name() -> None:
    data = base64.b64encode(gzip.compress(b"t")).decode()
    with pytest.raises(BadInput, match="is compressed by gzip, as CloudWatch Logs sends it"):
        SOURCES["aws:kinesis"].text(data)


def test_every_source_that_is_recognised_can_be_read() -> None:
    assert SOURCES.keys() - {"Ckafka", "CMQ"} == RECORD_SOURCES
    assert source_of(ckafka("t")) in SOURCES


def test_records_of_all_partitions_come_with_their_arn() -> None:
    """MSK says it once for all of them; what is no list is one wrong record."""
    event = {
        **of_msk(),
        "records": {
            "counters-0": [msk("a", 1), msk("b", 2)],
            "counters-1": [msk("c", 3, eventSourceArn="another")],
            "x-0": 7,
        },
    }
    source, found = source_and_records(*detect(event))
    assert source is SOURCES[MSK]
    assert [record.get("eventSourceArn") if isinstance(record, dict) else record for record in found] == [
        *(CLUSTER, CLUSTER, CLUSTER, 7)
    ]


@pytest.mark.parametrize("event_id", ["no-colon", "shardId-000000000006:x", "shardId-000000000006:"])
def test_a_record_of_kinesis_without_a_sequence_number_has_no_position(event_id: str) -> None:
    delivery = delivered(records({**kinesis("t", 7), "eventID": event_id}))
    assert (delivery.key, delivery.position, delivery.partition) == (f"{STREAM}/{event_id}", None, None)


def image(**attributes: object) -> Event:
    """A change of an item whose key is `order`; attributes as DynamoDB writes them."""
    return {"Keys": {"order": {"S": "o-1"}}, "NewImage": {"order": {"S": "o-1"}, **attributes}}


def test_every_type_that_a_payload_has_is_read_out_of_its_wrapping() -> None:
    """Numbers are whole ones, of any length that DynamoDB has."""
    item = {"a": [1, -(10**37), "t", None, True, {"b": []}]}
    assert SOURCES["aws:dynamodb"].text(image(a=attribute(item["a"]))) == (
        '{"a": [1, -10000000000000000000000000000000000000, "t", null, true, {"b": []}]}'
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"N": "1.5"}, "dynamodb.NewImage.a"),
        ({"N": "1E3"}, "dynamodb.NewImage.a"),
        ({"N": "9" * 39}, "dynamodb.NewImage.a"),
        ({"N": 5}, "dynamodb.NewImage.a"),
        ({"B": "AA=="}, "dynamodb.NewImage.a"),
        ({"SS": ["t"]}, "dynamodb.NewImage.a"),
        ({"S": "t", "N": "5"}, "dynamodb.NewImage.a"),
        ({}, "dynamodb.NewImage.a"),
        ("t", "dynamodb.NewImage.a"),
        ({"M": {"b": {"L": [{"S": "t"}, {"N": "x"}]}}}, "dynamodb.NewImage.a.b[1]"),
    ],
)
def test_an_attribute_that_no_payload_has_is_named(wrong: object, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        SOURCES["aws:dynamodb"].text(image(a=wrong))
    assert refused.value.field == field


def test_an_item_nested_too_deeply_is_refused() -> None:
    """DynamoDB has a limit of its own."""
    deep: object = {"S": "t"}
    for _ in range(5000):
        deep = {"L": [deep]}
    with pytest.raises(BadInput, match="is not an attribute value"):
        SOURCES["aws:dynamodb"].text(image(a=deep))


def test_a_stream_without_new_images_is_told_what_it_needs() -> None:
    with pytest.raises(BadInput, match="the stream's view type must include new images"):
        SOURCES["aws:dynamodb"].text({"Keys": {}, "StreamViewType": "KEYS_ONLY"})


@pytest.mark.parametrize("name", ["\ud800", "n" * 100_000, "\udfff" * 1000])
def test_the_place_in_an_error_is_short_and_encodable(name: str) -> None:
    """An error is written into the log and, with a parked record, into the ledger, which takes no half of a pair."""
    with pytest.raises(BadInput) as refused:
        SOURCES["aws:dynamodb"].text(image(**{name: {"X": 1}}))
    assert len(str(refused.value).encode()) < 256
