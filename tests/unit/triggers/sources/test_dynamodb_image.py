"""The new image of an item is the payload; whatever no payload has is named with its place."""

from __future__ import annotations

import pytest

from handler.core.errors import BadInput
from handler.triggers.event_kind import Event
from handler.triggers.sources.adapters import SOURCES
from tests.unit.triggers.sources.source_events import attribute


def image(**attributes: object) -> Event:
    """A change of an item whose key is `order`; attributes as DynamoDB writes them."""
    return {"Keys": {"order": {"S": "o-1"}}, "NewImage": {"order": {"S": "o-1"}, **attributes}}


def test_the_attributes_of_the_tables_key_are_no_part_of_the_payload() -> None:
    read = SOURCES["aws:dynamodb"].text
    assert read(image(Mode={"S": "Set"})) == '{"Mode": "Set"}'
    keyed = {"Keys": {"IdempotencyKey": {"S": "k"}}, "NewImage": {"IdempotencyKey": {"S": "k"}}}
    assert read(keyed) == '{"IdempotencyKey": "k"}'


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
