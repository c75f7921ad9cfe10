"""The responses that the gateway makes of replies, as each platform would."""

import pytest

from tests.sandbox.dialects import DIALECTS, Dialect
from tests.sandbox.responses import Response, failure, response_of

REPLY = {
    "statusCode": 201,
    "headers": {"A": "1", "B": "2"},
    "multiValueHeaders": {"A": ["3", "4"], "C": ["5"]},
    "cookies": ["d=6"],
    "body": "text",
}


@pytest.mark.parametrize(
    ("dialect", "headers"),
    [
        ("http-v2", [("A", "1"), ("B", "2"), ("Set-Cookie", "d=6")]),
        ("function-url", [("A", "1"), ("B", "2"), ("Set-Cookie", "d=6")]),
        ("rest", [("B", "2"), ("A", "3"), ("A", "4"), ("C", "5")]),
        ("alb", [("A", "1"), ("B", "2")]),
        ("alb-multi-value", [("A", "3"), ("A", "4"), ("C", "5")]),
        ("scf", [("A", "1"), ("B", "2")]),
    ],
)
def test_each_platform_takes_headers_from_its_own_fields(dialect: Dialect, headers: list[tuple[str, str]]) -> None:
    """A reply in another platform's form loses headers."""
    assert response_of(dialect, REPLY) == Response(201, tuple(headers), b"text")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_in_base64_is_decoded(dialect: Dialect) -> None:
    assert response_of(dialect, {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}).body == b"\x00\xff"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "reply",
    [
        {"statusCode": 99},
        {"statusCode": "ok"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "no base64", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
    ],
    ids=str,
)
def test_a_malformed_reply_is_the_platforms_error(dialect: Dialect, reply: object) -> None:
    assert response_of(dialect, reply) == failure(dialect)


@pytest.mark.parametrize(
    ("dialect", "field", "value"),
    [
        ("http-v2", "headers", ["A"]),
        ("scf", "headers", {"A": ["1"]}),
        ("function-url", "cookies", "d=6"),
        ("rest", "multiValueHeaders", {"A": "1"}),
    ],
)
def test_headers_of_another_shape_are_the_platforms_error(dialect: Dialect, field: str, value: object) -> None:
    assert response_of(dialect, {"statusCode": 200, field: value}) == failure(dialect)


@pytest.mark.parametrize("dialect", ["http-v2", "function-url", "scf"])
def test_a_reply_without_a_status_is_the_body_of_a_200(dialect: Dialect) -> None:
    inferred = Response(200, (("Content-Type", "application/json"),), b'{"state": "ok"}')
    assert response_of(dialect, {"state": "ok"}) == inferred


@pytest.mark.parametrize("dialect", ["rest", "alb", "alb-multi-value"])
def test_a_reply_without_a_status_is_an_error_elsewhere(dialect: Dialect) -> None:
    assert response_of(dialect, {"state": "ok"}).status == 502


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_load_balancer_takes_a_megabyte(dialect: Dialect) -> None:
    status = response_of(dialect, {"statusCode": 200, "body": "x" * 1024 * 1024}).status
    assert status == (502 if dialect.startswith("alb") else 200)
