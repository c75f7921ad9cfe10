"""A record's text is read as a body over HTTP is, with its key and caller in it."""

from __future__ import annotations

import json

import pytest

from handler.core.errors import BadInput, BodyTooLarge
from handler.core.model.operation import Mode
from handler.triggers.sources.message import read_operation
from tests.unit.triggers.sources.source_events import text

KEY = "message-1"
CALLER = "arn:aws:sqs:eu-west-1:123456789012:counters"


def test_a_payload_alone_has_the_sources_key_and_caller() -> None:
    operation = read_operation(text(5), KEY, CALLER, "_receipt", 60.0)
    assert (operation.group_id, operation.mode, operation.counters) == ("room", Mode.INCREASE, (("like", 5),))
    assert (operation.key, operation.caller, operation.window_s) == (KEY, CALLER, 60.0)


def test_a_payload_may_name_its_key_and_its_caller() -> None:
    """Which dedupe the producer's own repetitions; a quoted key is the bare one."""
    for written in ("order-7", '"order-7"'):
        operation = read_operation(text(IdempotencyKey=written, Caller="shop 群"), KEY, CALLER, "_receipt", 60.0)
        assert (operation.key, operation.caller) == ("order-7", "shop 群")


def refused(written: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_operation(written, KEY, CALLER, "_receipt", 60.0)
    return caught.value


@pytest.mark.parametrize("key", ["", "order 7", "ключ", "k" * 256, None, 7, True, ["k"], '"k'])
def test_a_key_is_checked_as_over_http(key: object) -> None:
    assert refused(text(IdempotencyKey=key)).field == "IdempotencyKey"


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


TWICE = {
    "a field": '{"GroupId": "a", "Mode": "Set", "Mode": "Increase", "GroupCounter": [{"Key": "k", "Value": 1}]}',
    "the key": text(IdempotencyKey="a")[:-1] + ', "IdempotencyKey": "b"}',
    "a name in escapes": text()[:-1] + ', "\\u004dode": "Set"}',
}


@pytest.mark.parametrize("written", TWICE.values(), ids=TWICE)
def test_a_name_that_stands_twice_is_refused(written: str) -> None:
    """Two readers could take it for two different things."""
    assert "same name twice" in refused(written).problem
