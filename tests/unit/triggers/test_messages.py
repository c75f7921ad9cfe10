"""A record's text is read as a body over HTTP is, with its key and caller in it."""

from __future__ import annotations

import json

import pytest

from handler.core.commands import Mode
from handler.core.errors import BadInput, BodyTooLarge
from handler.triggers.messages import read_operation
from tests.unit.triggers.source_events import text

KEY = "message-1"
CALLER = "arn:aws:sqs:eu-west-1:123456789012:counters"


def test_a_payload_alone_has_the_sources_key_and_caller() -> None:
    """Which dedupe the source's deliveries."""
    operation = read_operation(text(5), KEY, CALLER, "_receipt", 60.0)
    assert (operation.group_id, operation.mode, operation.counters) == ("room", Mode.INCREASE, (("like", 5),))
    assert (operation.key, operation.caller, operation.window_s) == (KEY, CALLER, 60.0)


def test_a_payload_may_name_its_key_and_its_caller() -> None:
    """Which dedupe the producer's own repetitions; a quoted key is the bare one."""
    for written in ("order-7", '"order-7"'):
        operation = read_operation(text(IdempotencyKey=written, Caller="shop 群"), KEY, CALLER, "_receipt", 60.0)
        assert (operation.key, operation.caller) == ("order-7", "shop 群")


def refused(written: str) -> BadInput:
    """Why a text means nothing."""
    with pytest.raises(BadInput) as caught:
        read_operation(written, KEY, CALLER, "_receipt", 60.0)
    return caught.value


@pytest.mark.parametrize("key", ["", "order 7", "ключ", "k" * 256, None, 7, True, ["k"], '"k'])
def test_a_key_is_checked_as_over_http(key: object) -> None:
    """1 to 255 visible ASCII characters."""
    assert refused(text(IdempotencyKey=key)).field == "IdempotencyKey"


@pytest.mark.parametrize("caller", ["", "a\nb", "a" * 257, None, 7, True, {"name": "shop"}])
def test_a_caller_is_a_printable_name(caller: object) -> None:
    """1 to 256 characters."""
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
    """As over HTTP."""
    assert refused(written).field == field


@pytest.mark.parametrize("character", ["a", "群", "\ud800"])
def test_a_text_over_64_kib_is_not_read(character: str) -> None:
    """In bytes of UTF-8."""
    long = json.dumps(
        {"GroupId": character * (65_536 // len(character.encode(errors="surrogatepass")))}, ensure_ascii=False
    )
    assert isinstance(refused(long), BodyTooLarge)
