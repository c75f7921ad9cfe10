"""A request is the same whatever platform brought it, and a part of the wrong shape is named."""

import base64

import pytest

from handler.core.errors import BadInput, BodyTooLarge
from handler.triggers.event_kind import Event, Kind, detect
from handler.triggers.http.request import Request, read_request
from tests.sandbox.dialects import Dialect, event_of

TARGET = "/v1/operations?GroupId=%40TGS%231&IdempotencyKey=a%2Bb%20c"


def request(dialect: Dialect, method: str = "GET", target: str = TARGET, body: bytes = b"") -> Request:
    """What is read from the event of one request."""
    return read_request(*detect(event(dialect, method, target, body)))


def event(dialect: Dialect, method: str = "GET", target: str = TARGET, body: bytes = b"") -> Event:
    return event_of(dialect, method, target, [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b")], body)


def test_a_raw_query_is_read_where_there_is_no_other() -> None:
    """Some gateways in front of a function send only this."""
    parts = event("http-v2")
    del parts["queryStringParameters"]
    assert read_request(Kind.HTTP_V2, parts).query == {"GroupId": "@TGS#1", "IdempotencyKey": "a+b c"}


@pytest.mark.parametrize(
    "query",
    [
        {"GroupId": "@TGS#1", "IdempotencyKey": "a+b c"},
        {"GroupId": ["room", "@TGS#1"], "IdempotencyKey": ["a+b c"]},
        "GroupId=%40TGS%231&IdempotencyKey=a%2Bb%20c",
    ],
)
def test_a_query_on_scf_is_read_however_it_is_written(query: object) -> None:
    parts = event("scf") | {"queryString": query}
    assert read_request(*detect(parts)).query == {"GroupId": "@TGS#1", "IdempotencyKey": "a+b c"}


@pytest.mark.parametrize("query", [{}, "", None])
def test_where_scf_names_the_query_otherwise_it_is_read_there(query: object) -> None:
    """API Gateway of Tencent gives the parameters of the API a place of their own."""
    parts = event("scf") | {"queryString": query, "queryStringParameters": {"GroupId": "room"}}
    assert read_request(*detect(parts)).query == {"GroupId": "room"}


@pytest.mark.parametrize(
    ("dialect", "part", "value"),
    [
        *(("rest", "headers", []), ("rest", "headers", {"a": 1}), ("rest", "headers", {"a": None})),
        *(("rest", "multiValueHeaders", {"a": "b"}), ("rest", "multiValueHeaders", {"a": [1]})),
        *(("rest", "queryStringParameters", "a=b"), ("rest", "multiValueQueryStringParameters", {"a": []})),
        *(("rest", "path", None), ("rest", "path", 7), ("alb", "path", []), ("scf", "httpMethod", {})),
        *(("http-v2", "headers", "x"), ("http-v2", "rawPath", None), ("http-v2", "queryStringParameters", [1])),
        *(("scf", "queryString", {"a": {}}), ("scf", "headers", {"a": 1})),
    ],
)
def test_a_part_of_the_wrong_shape_is_named(dialect: Dialect, part: str, value: object) -> None:
    with pytest.raises(BadInput) as refused:
        read_request(*detect(event(dialect) | {part: value}))
    assert refused.value.field == {"httpMethod": "method"}.get(part, part)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (event("http-v2", target="/") | {"rawQueryString": 1}, "rawQueryString: is not a string"),
        ({"rawPath": "/", "requestContext": {"http": "GET"}}, "method: is missing"),
    ],
)
def test_a_part_that_format_2_needs_is_named(parts: Event, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^{problem}$"):
        read_request(Kind.HTTP_V2, parts)


@pytest.mark.parametrize(
    ("body", "is_base64", "problem"),
    [
        *((None, False, "is missing"), ("", False, "is missing"), ("", True, "is missing"), (None, True, "is missing")),
        *((7, False, "is not a string"), ({"a": 1}, False, "is not a string"), ([], True, "is not a string")),
        *(("{}", True, "is not base64"), ("e30", True, "is not base64"), ("é30=", True, "is not base64")),
        *(("/w==", True, "is not UTF-8"), ("\ud800", False, "is not UTF-8")),
    ],
)
def test_a_body_that_is_no_text_is_refused(body: object, is_base64: bool, problem: str) -> None:
    parts = event("rest", "POST", "/") | {"body": body, "isBase64Encoded": is_base64}
    with pytest.raises(BadInput, match=rf"^body: {problem}$"):
        read_request(Kind.HTTP_V1, parts).body()


@pytest.mark.parametrize("text", ["a" * 65_536, "é" * 32_768])
def test_a_body_of_64_kib_passes(text: str) -> None:
    packed = base64.b64encode(text.encode()).decode()
    assert Request("POST", "/", {}, {}, text).body() == text
    assert Request("POST", "/", {}, {}, packed, _is_base64=True).body() == text


@pytest.mark.parametrize("text", ["a" * 65_537, "é" * 32_769])
def test_a_longer_body_is_too_large(text: str) -> None:
    packed = base64.b64encode(text.encode()).decode()
    for sent in (Request("POST", "/", {}, {}, text), Request("POST", "/", {}, {}, packed, _is_base64=True)):
        with pytest.raises(BodyTooLarge, match=r"^body: is longer than 64 KiB$"):
            sent.body()


def test_a_request_shows_neither_headers_nor_body_nor_query() -> None:
    shown = repr(Request("POST", "/", {"a": "sandbox-token"}, {"b": "sandbox-token"}, "sandbox-token"))
    assert "sandbox-token" not in shown


def test_headers_that_differ_in_case_alone_are_one() -> None:
    """Joined, as a platform does that writes all names in lower case: neither of two tokens counts by itself."""
    parts = event("rest") | {"headers": {"X-Key": "b", "x-key": "a"}, "multiValueHeaders": None}
    assert read_request(Kind.HTTP_V1, parts).headers == {"x-key": "b,a"}
    parts |= {"multiValueHeaders": {"X-Key": ["a", "b"], "X-KEY": ["c"]}}
    assert read_request(Kind.HTTP_V1, parts).headers == {"x-key": "a,b,c"}
