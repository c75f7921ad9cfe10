"""The same routes on every platform, each reply in its platform's form, behind any stage and base path."""

from __future__ import annotations

import json
import threading
from urllib.parse import urljoin

import pytest
from msgspec.structs import replace

from handler.core.errors import SettingsError
from handler.triggers.event_kind import detect
from handler.triggers.http import handler as http
from handler.triggers.http.context import HttpContext
from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.stage import UPDATE, Stage, body, headers, invocation


@pytest.fixture
def stage() -> Stage:
    """A group `room` without counters, and everything else in order."""
    return Stage()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_update_works_on_every_platform(stage: Stage, dialect: Dialect) -> None:
    """The reply's headers stand where the platform looks for them."""
    stage.post("k", dialect=dialect)
    seen = stage.post("k", dialect=dialect)
    assert (seen.status, seen.headers["content-type"]) == (200, "application/json")
    assert seen.headers["idempotency-replayed"] == "true"
    assert stage.chat.groups["room"]["like"] == 5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_query_reaches_the_routes_on_every_platform(stage: Stage, dialect: Dialect) -> None:
    """Percent-encoded or not, and under whatever name."""
    stage.chat.groups["@TGS#1"] = {}
    stage.post("a/b", GroupId="@TGS#1")
    target = "/v1/operations?GroupId=%40TGS%231&IdempotencyKey=a%2Fb"
    assert stage.send("GET", target, headers(), dialect=dialect).body["state"] == "applied"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_header_names_are_read_in_any_case(stage: Stage, dialect: Dialect) -> None:
    """Platforms and clients spell them as they like."""
    spelled = {name.upper(): value for name, value in headers("k").items()}
    assert stage.send("POST", UPDATE, spelled, body(), dialect).status == 200


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("POST", "/v2/update_group_counter", 404, None),
        ("POST", "/v1/operations/", 405, "GET"),
        ("GET", UPDATE, 405, "POST"),
        ("DELETE", "/v1/health", 405, "GET"),
    ],
)
def test_what_is_not_served_is_said_on_every_platform(
    stage: Stage, dialect: Dialect, method: str, path: str, status: int, allow: str | None
) -> None:
    """404 for a path that no route has, 405 for another method."""
    seen = stage.send(method, path, headers(), dialect=dialect)
    assert (seen.status, seen.headers.get("allow"), seen.body["status"]) == (status, allow, status)
    assert seen.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("dialect", "part", "value"),
    [
        *(
            ("rest", "headers", []),
            ("http-v2", "headers", "x"),
            ("scf", "path", None),
            ("alb", "queryStringParameters", 1),
        ),
        *(("alb-multi-value", "multiValueHeaders", {"a": 1}), ("function-url", "rawPath", {})),
    ],
)
def test_an_event_with_a_part_of_the_wrong_shape_is_answered_400(
    stage: Stage, dialect: Dialect, part: str, value: object
) -> None:
    """In the platform's form, never by an exception."""
    reply = stage.answer(event_of(dialect, "GET", "/v1/health", [("host", "x")], b"") | {part: value})
    assert (reply["statusCode"], json.loads(str(reply["body"]))["field"]) == (400, part)
    assert stage.failures == []


def test_a_load_balancer_is_answered_in_the_style_of_its_request(stage: Stage) -> None:
    """It passes over the other one."""
    single = stage.answer(event_of("alb", "GET", "/v1/health", [("host", "x")], b""))
    multiple = stage.answer(event_of("alb-multi-value", "GET", "/v1/health", [("host", "x")], b""))
    assert ("headers" in single, "multiValueHeaders" in single) == (True, False)
    assert ("headers" in multiple, "multiValueHeaders" in multiple) == (False, True)


def test_scf_is_answered_with_single_headers(stage: Stage) -> None:
    """Its function URL knows no others."""
    reply = stage.answer(event_of("scf", "GET", "/v1/health", [], b""))
    assert reply["headers"] == {"Content-Type": "application/json"}
    assert "multiValueHeaders" not in reply


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_base_path_is_no_part_of_the_route(stage: Stage, dialect: Dialect) -> None:
    """A custom domain adds it; the bare path goes on to work."""
    stage.http = replace(stage.http, base_path="/chat")
    statuses = [
        stage.send("GET", path, dialect=dialect).status
        for path in ("/chat/v1/health", "/v1/health", "/chats/v1/health", "/chat")
    ]
    assert statuses == [200, 200, 404, 404]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("base", ["", "/chat", "/prod/chat"])
def test_the_location_works_as_given_behind_any_prefix(stage: Stage, dialect: Dialect, base: str) -> None:
    """It is resolved against the address that the caller used, which the function need not know."""
    public = f"https://host{base}{UPDATE}"
    location = stage.post(dialect=dialect, prefer="respond-async").headers["location"]
    resolved = urljoin(public, location)
    assert resolved == f"https://host{base}/v1/operations?GroupId=room&IdempotencyKey=k"


def test_the_location_is_right_where_a_platform_lets_the_path_end_in_a_slash(stage: Stage) -> None:
    """API Gateway's format 1.0, and SCF, whose event is of that form."""
    seen = stage.send("POST", f"{UPDATE}/", headers("k", "respond-async"), body(), "rest")
    resolved = urljoin(f"https://host{UPDATE}/", seen.headers["location"])
    assert resolved == "https://host/v1/operations?GroupId=room&IdempotencyKey=k"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_wrong_settings_are_answered_on_every_platform(dialect: Dialect) -> None:
    """Whatever the path; the variable's name is for the operator."""
    told: list[Exception] = []
    error = SettingsError("WAIT_S", "must be a number")

    def context_of() -> HttpContext:
        raise error

    kind, event = detect(event_of(dialect, "GET", "/anything", [("host", "x")], b""))
    reply = http.answer(kind, event, invocation(), context_of, told.append)
    assert reply["statusCode"] == 503
    assert "WAIT_S" not in str(reply)
    assert told == [error]


def test_requests_in_several_threads_do_not_see_each_other(stage: Stage) -> None:
    """A local server calls the function so; each gets the reply to its own request, in its platform's form.

    They share a clock that each of them moves on, so an answer may take a second question.
    """
    wrong: list[object] = []

    def caller(dialect: Dialect) -> None:
        for number in range(40):
            target = f"/v1/operations?GroupId={dialect}&IdempotencyKey={number}"
            stage.post(f"{number}", dialect=dialect, GroupId=dialect)
            seen, questions = stage.send("GET", target, headers(), dialect=dialect), 1
            while seen.body.get("state") == "pending" and questions < 20:
                seen, questions = stage.send("GET", target, headers(), dialect=dialect), questions + 1
            if seen.status != 200 or "content-type" not in seen.headers or seen.body["state"] != "applied":
                wrong.append(seen)

    stage.chat.groups = {dialect: {} for dialect in DIALECTS}
    threads = [threading.Thread(target=caller, args=(dialect,)) for dialect in DIALECTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [group["like"] for group in stage.chat.groups.values()] == [200] * len(DIALECTS)


def test_the_switches_for_development_print_no_credentials_and_no_bodies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Powertools' event handler prints its event then; no request goes through it."""
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    monkeypatch.setenv("POWERTOOLS_DEBUG", "true")
    stage.post("k")
    stage.post("k", Mode="wrong")
    printed = capsys.readouterr()
    assert "sandbox-token" not in printed.out + printed.err
    assert "like" not in printed.out + printed.err
