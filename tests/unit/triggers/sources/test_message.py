"""A record's text is read as a body over HTTP is, with its key and caller in it."""

import json

import pytest

from handler.core.errors import BadInput, BodyTooLarge
from handler.triggers.sources.message import read_operation
from tests.unit.triggers.sources.source_events import text

KEY = "message-1"
CALLER = "arn:aws:sqs:eu-west-1:123456789012:counters"


def refused(written: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_operation(written, KEY, CALLER, "_receipt", 60.0)
    return caught.value


@pytest.mark.parametrize("caller", ["", "a\nb", "a" * 257, None, 7, True, {"name": "shop"}])
def test_a_caller_is_a_printable_name(caller: object) -> None:
    assert refused(text(Caller=caller)).field == "Caller"


@pytest.mark.parametrize(
    ("written", "field"),
    [
        *(("", "body"), ("like", "body"), ("[]", "body"), ("7", "body"), ("null", "body"), ("NaN", "body")),
        *(('{"Caller": "a", "Caller": "a"}', "body"), ('"\\ud800"', "body"), ("[" * 50_000, "body")),
        *((text(GroupId=""), "GroupId"), (text(Mode="Add"), "Mode"), (text(Operator="x"), "Operator")),
        (text(GroupCounter=[{"Key": "_receipt", "Value": 1}]), "GroupCounter[0].Key"),
        (text(GroupCounter=[{"Key": "like", "Value": 1.0}]), "GroupCounter[0].Value"),
    ],
)
def test_a_wrong_field_is_named(written: str, field: str) -> None:
    assert refused(written).field == field


@pytest.mark.parametrize("character", ["a", "群", "\ud800"])
def test_a_text_over_64_kib_is_not_read(character: str) -> None:
    long = json.dumps(
        {"GroupId": character * (65_536 // len(character.encode(errors="surrogatepass")))}, ensure_ascii=False
    )
    assert isinstance(refused(long), BodyTooLarge)
