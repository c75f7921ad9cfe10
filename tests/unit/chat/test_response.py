"""What a reply's body proves, and when its `Date` counts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.chat.response import reply_of
from handler.chat.transport import Answer
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply, Unclear
from handler.core.ports.error_codes import meaning_of

DATE = "Sun, 22 Nov 2026 10:20:30 GMT"
SECONDS = 1795342830
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["ActionStatus", "ErrorCode", "ErrorInfo", "GroupCounter"]
COUNTERS = st.lists(st.fixed_dictionaries({}, optional={"Key": JSON | st.just("like"), "Value": JSON}), max_size=3)


def judged(document: object, *keys: str, date: str | None = DATE) -> Reply:
    """What a reply with this document, to a call with these keys, says."""
    return reply_of(Answer(json.dumps(document).encode(), date), keys, ["the-key"])


def ok(*counters: object) -> dict[str, object]:
    return {"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupCounter": list(counters)}


def fail(code: int, info: str = "no") -> dict[str, object]:
    return {"ActionStatus": "FAIL", "ErrorCode": code, "ErrorInfo": info}


@pytest.mark.parametrize(
    ("values", "more"),
    [({}, {}), ({"like": 5, "_receipt": -7}, {}), ({"like": 2**63 - 1, "b": -(2**63)}, {}), ({"like": 5}, {"Seq": 1})],
    ids=["no counters", "also one beside those of the call", "the ends of the vendor's range", "an unknown field"],
)
def test_all_counters_shown_are_counted(values: dict[str, int], more: dict[str, int]) -> None:
    document = ok(*({"Key": key, "Value": value, **more} for key, value in values.items())) | more
    assert judged(document, *(["like"] if values else [])) == Counted(values, SECONDS)


@pytest.mark.parametrize("value", [None, True, 5.0, "5", [5], 2**63, -(2**63) - 1])
def test_a_value_that_is_no_64_bit_integer_proves_nothing(value: object) -> None:
    assert judged(ok({"Key": "like", "Value": value}), "like") == Unclear(
        "a counter of the reply has no Value", SECONDS
    )


@pytest.mark.parametrize("counter", [None, 5, "like", [], {"Value": 5}, {"Key": 5, "Value": 5}])
def test_a_counter_without_a_key_proves_nothing(counter: object) -> None:
    assert judged(ok(counter)) == Unclear("a counter of the reply has no Key", SECONDS)


def test_a_counter_shown_twice_proves_nothing() -> None:
    document = ok({"Key": "like", "Value": 5}, {"Key": "like", "Value": 6})
    assert judged(document, "like") == Unclear("the reply shows a counter twice", SECONDS)


@pytest.mark.parametrize("shown", [[], ["like"], ["_receipt"]])
def test_an_update_whose_reply_lacks_a_counter_of_the_call_proves_nothing(shown: list[str]) -> None:
    document = ok(*({"Key": key, "Value": 1} for key in shown))
    assert judged(document, "like", "_receipt") == Unclear("the reply does not show every counter of the call", SECONDS)


@pytest.mark.parametrize("counters", [None, {}, "like", 5])
def test_success_without_a_list_of_counters_proves_nothing(counters: object) -> None:
    assert judged(ok() | {"GroupCounter": counters}) == Unclear("the reply shows no GroupCounter", SECONDS)


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        ("group id is invalid", "group id is invalid"),
        ("key the-key", "key [redacted]"),
        (None, ""),
        (5, ""),
        (["x"], ""),
    ],
)
def test_a_listed_refusal_is_definite(info: object, shown: str) -> None:
    """It keeps the vendor's words, which go to callers and into the ledger, without a secret."""
    assert judged(fail(10015) | {"ErrorInfo": info}) == Refused(10015, shown, Fault.OPERATION, SECONDS)


@pytest.mark.parametrize("code", [10002, 60008, 12345])
def test_a_code_that_proves_nothing_is_named(code: int) -> None:
    assert judged(fail(code)) == Unclear(f"ErrorCode {code}: {meaning_of(code).meaning}", SECONDS)


@pytest.mark.parametrize("document", [ok() | {"ActionStatus": "FAIL"}, fail(10010) | {"ActionStatus": "OK"}])
def test_a_reply_that_contradicts_itself_proves_nothing(document: dict[str, object]) -> None:
    assert judged(document) == Unclear("ActionStatus contradicts ErrorCode", SECONDS)


def test_the_status_may_be_missing() -> None:
    assert judged({"ErrorCode": 0, "GroupCounter": []}) == Counted({}, SECONDS)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html></html>", b"[]", b"0", b"null", b"{}", b'{"ErrorCode": "0"}', b'{"ErrorCode": true}'),
        *(b'{"ErrorCode": 0.0}', b'{"ErrorCode": 1e999}', b'{"ErrorCode": 99999999999}'),
        *(b'{"ErrorCode": 0, "GroupCounter": [', b"\xff\xfe\x00", b"[" * 100_000),
        b'{"ErrorCode": 0, "x": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: body[:24],
)
def test_what_is_not_the_apis_own_json_proves_nothing_and_tells_no_time(body: bytes) -> None:
    """The clock of a proxy judges nothing."""
    said = reply_of(Answer(body, DATE), [], [])
    assert isinstance(said, Unclear)
    assert said.date is None


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        *((DATE, SECONDS), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 22 Nov 2026 10:20:30 -0000", SECONDS)),
        *(("Sun, 22 Nov 2026 12:20:30 +0200", SECONDS), (None, None), ("", None), ("yesterday", None)),
        *(("Sun, 22 Nov 2026 25:20:30 GMT", None), ("Sun, 99 Nov 2026 10:20:30 GMT", None)),
        *(("Sun, 22 Nov 2026 10:20:30 +9999999", None), ("Sun, 22 Nov 2026 10:20:30 +99999999999999999999", None)),
        ("Sun, 22 Nov 99999999999999999999 10:20:30 GMT", None),
    ],
)
def test_the_date_is_read_in_whole_seconds(date: str | None, seconds: int | None) -> None:
    assert judged(ok(), date=date) == Counted({}, seconds)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | COUNTERS | st.sampled_from([0, 10010, "OK", "FAIL"])))
def test_any_document_is_judged(document: dict[str, object]) -> None:
    said = judged(document, "like")
    if isinstance(said, Counted):
        assert "like" in said.values
        assert all(type(value) is int for value in said.values.values())


@pytest.mark.parametrize(
    "body",
    [
        b'{"ErrorCode": 10010, "ErrorCode": 0, "GroupCounter": []}',
        b'{"ErrorCode": 0, "ErrorCode": 10010}',
        b'{"ErrorCode": 0, "GroupCounter": [{"Key": "like", "Value": 1, "Value": 2}]}',
    ],
)
def test_a_reply_that_says_one_thing_in_two_ways_proves_nothing(body: bytes) -> None:
    assert isinstance(reply_of(Answer(body, DATE), [], []), Unclear)


def test_a_reply_may_say_the_same_thing_twice() -> None:
    body = b'{"ErrorCode": 0, "ErrorCode": 0, "GroupCounter": []}'
    assert reply_of(Answer(body, DATE), [], []) == Counted({}, SECONDS)


@pytest.mark.parametrize("document", [ok({"Key": "like", "Value": 1}), fail(10010), fail(10002), {"ErrorCode": 0}])
def test_every_reply_tells_which_connection_it_came_on(document: object) -> None:
    assert reply_of(Answer(json.dumps(document).encode(), DATE, connection=7), ["like"], []).connection == 7
