"""A vendor that cannot be reached is told by the function's own log, metrics and inspection; callers only wait."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handler import bootstrap
from handler.main import lambda_handler
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import TOKEN, sandboxed_environment

Event = dict[str, object]

BODY = json.dumps({"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"})
NOT_FOUND = http(b"<html>nothing here</html>", status="404 Not Found")


def _gibberish(exchange: Exchange) -> None:
    exchange.send(b"this is no TLS")


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the function up with an endpoint of the vendor."""

    def use(endpoint: str) -> None:
        for name, value in sandboxed_environment(endpoint, tmp_path, CHAT_TIMEOUT_S="0.5", WAIT_S="1").items():
            monkeypatch.setenv(name, value)
        bootstrap.reset()

    yield use
    bootstrap.reset()


def increase() -> dict[str, object]:
    """An update by a caller who waits for a second."""
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", "k")]
    event = event_of("http-v2", "POST", "/v1/update_group_counter", headers, BODY.encode())
    return lambda_handler(event, lambda_context(29))


def told(capsys: pytest.CaptureFixture[str]) -> tuple[list[Event], float]:
    """The lines about calls that failed, and how many the metric counted."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = sum(line["call_failed"][0] for line in lines if "call_failed" in line)
    return [line for line in lines if line.get("message") == "call_failed"], counted


def check(capsys: pytest.CaptureFixture[str], host: str, failure: str) -> None:
    """A caller is told to wait, the log says why."""
    assert increase()["statusCode"] == 202
    lines, counted = told(capsys)
    assert lines
    assert counted == len(lines)
    assert {(line["level"], line["host"], line["failure"]) for line in lines} == {("WARNING", host, failure)}
    assert all(isinstance(line["seconds"], float) and line["seconds"] < 1 for line in lines)
    assert not any("usersig" in json.dumps(line).lower() for line in lines)


def test_a_port_where_nobody_listens(reach: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    reach(f"http://127.0.0.1:{port}")
    check(capsys, "127.0.0.1", "ConnectionRefusedError")


def test_a_host_that_no_name_service_knows(reach: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    reach("http://chat.invalid")
    check(capsys, "chat.invalid", "NameResolutionError")


def test_a_host_that_does_not_speak_tls(reach: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    with ByteServer(_gibberish) as server:
        reach(f"https://{server.address}")
        check(capsys, "127.0.0.1", "SSLError")


def test_a_host_of_another_kind(reach: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    with ByteServer(answering(NOT_FOUND)) as server:
        reach(f"http://{server.address}")
        check(capsys, "127.0.0.1", "HTTP status 404")


def test_a_host_that_never_answers(reach: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    """The reply does not come in time."""
    with ByteServer(Exchange.wait) as server:
        reach(f"http://{server.address}")
        check(capsys, "127.0.0.1", "ReadTimeout")


def test_an_inspection_shows_the_last_failure_instead_of_waiting_for_a_look(
    reach: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator asks because nothing goes on, and has to be told why in time."""
    monkeypatch.setattr("handler.triggers.operator.handler.INSPECT_S", 0.5)
    with ByteServer(answering(NOT_FOUND)) as server:
        reach(f"http://{server.address}")
        increase()
        event: Event = {"Type": "Operator", "task": "inspect", "GroupId": "room"}
        seen = lambda_handler(event, lambda_context(900))
    failure = seen["last_failure"]
    assert isinstance(failure, dict)
    assert (failure["host"], failure["failure"]) == ("127.0.0.1", "HTTP status 404")
    assert str(failure["at"]).endswith("Z")
