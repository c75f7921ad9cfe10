"""The events that the gateway makes of requests, beside the samples in the platforms' documentation."""

import base64

import pytest

from tests.sandbox.dialects import Dialect, Event, event_of

HEADERS = [("Content-Type", "application/json"), ("X-Two", "a"), ("x-two", "b"), ("Cookie", "c=1; d=2")]
TARGET = "/v1/operations?GroupId=a%20b&Key=1&Key=2&Empty="


def event(dialect: Dialect, body: bytes = b'{"a": 1}', **content_type: str) -> Event:
    """The event of one and the same request."""
    headers = [
        (name, content_type.get("content_type", value) if name == "Content-Type" else value) for name, value in HEADERS
    ]
    return event_of(dialect, "POST", TARGET, headers, body)


def part(made: Event, name: str) -> dict[str, object]:
    found = made[name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("dialect", ["http-v2", "function-url"])
def test_format_2_joins_what_stands_twice(dialect: Dialect) -> None:
    """Header names are in lower case, cookies have a place of their own, the query comes decoded and raw."""
    made = event(dialect)
    assert (made["version"], made["routeKey"], made["rawPath"]) == ("2.0", "$default", "/v1/operations")
    assert made["rawQueryString"] == "GroupId=a%20b&Key=1&Key=2&Empty="
    assert made["queryStringParameters"] == {"GroupId": "a b", "Key": "1,2", "Empty": ""}
    assert part(made, "headers") == {"content-type": "application/json", "x-two": "a,b"}
    assert made["cookies"] == ["c=1", "d=2"]
    assert (made["body"], made["isBase64Encoded"]) == ('{"a": 1}', False)
    assert part(part(made, "requestContext"), "http")["method"] == "POST"


@pytest.mark.parametrize("dialect", ["http-v2", "function-url"])
def test_format_2_leaves_out_what_is_not_there(dialect: Dialect) -> None:
    """Neither a body nor a query nor cookies."""
    made = event_of(dialect, "GET", "/v1/health", [], b"")
    assert made.keys().isdisjoint({"body", "queryStringParameters", "cookies"})


def test_a_function_url_is_told_by_its_domain() -> None:
    domains = [str(part(event(dialect), "requestContext")["domainName"]) for dialect in ("http-v2", "function-url")]
    assert [".lambda-url." in domain for domain in domains] == [False, True]
    assert part(event("function-url"), "requestContext")["accountId"] == "anonymous"


def test_format_1_gives_every_value_twice() -> None:
    """The last one alone and all in a list, header names as they were sent, the stage outside the path."""
    made = event("rest")
    assert (made["resource"], made["path"]) == ("/{proxy+}", "/v1/operations")
    assert made["queryStringParameters"] == {"GroupId": "a b", "Key": "2", "Empty": ""}
    assert part(made, "multiValueQueryStringParameters")["Key"] == ["1", "2"]
    assert part(made, "headers")["Content-Type"] == "application/json"
    assert part(made, "multiValueHeaders")["Content-Type"] == ["application/json"]
    assert part(made, "requestContext")["path"] == "/prod/v1/operations"


def test_format_1_says_null_for_what_is_not_there() -> None:
    made = event_of("rest", "GET", "/v1/health", [], b"")
    assert (made["body"], made["queryStringParameters"], made["multiValueQueryStringParameters"]) == (None, None, None)


def test_a_load_balancer_does_not_decode_the_query() -> None:
    """It passes on the last value of each name, or all of them."""
    assert event("alb")["queryStringParameters"] == {"GroupId": "a%20b", "Key": "2", "Empty": ""}
    assert part(event("alb"), "headers")["x-two"] == "b"
    assert part(event("alb-multi-value"), "multiValueQueryStringParameters")["Key"] == ["1", "2"]
    assert part(event("alb-multi-value"), "multiValueHeaders")["x-two"] == ["a", "b"]
    assert event("alb-multi-value").keys().isdisjoint({"headers", "queryStringParameters"})


def test_scf_has_a_name_of_its_own_for_the_query() -> None:
    made = event("scf")
    assert made.keys() == {"body", "headers", "httpMethod", "path", "queryString"}
    assert made["queryString"] == {"GroupId": "a b", "Key": "2", "Empty": ""}
    assert part(made, "headers")["x-scf-remote-addr"] == "127.0.0.1"


@pytest.mark.parametrize("dialect", ["http-v2", "function-url", "alb", "alb-multi-value"])
def test_a_body_that_is_not_known_to_be_text_comes_in_base64(dialect: Dialect) -> None:
    """What curl sends by itself is one such."""
    made = event(dialect, b"\x00\xff", content_type="application/x-www-form-urlencoded")
    assert (made["body"], made["isBase64Encoded"]) == (base64.b64encode(b"\x00\xff").decode(), True)
