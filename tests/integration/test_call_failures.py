"""A vendor that cannot be reached is told by the function's own log, metrics and inspection; callers only wait."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from handler.main import lambda_handler
from tests.integration.byte_server import ByteServer, Exchange, Script, answering, http
from tests.integration.counting import order, over_http
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment

Event = dict[str, object]

ORDER = order("room", 5)
NOT_FOUND = http(b"<html>nothing here</html>", status="404 Not Found")


def _gibberish(exchange: Exchange) -> None:
    exchange.send(b"this is no TLS")


@contextmanager
def reaching(endpoint: str, folder: Path) -> Iterator[None]:
    """The function set up with an endpoint of the vendor."""
    with cold_function(sandboxed_environment(endpoint, folder, CHAT_TIMEOUT_S="0.5", WAIT_S="1")):
        yield


def told(capsys: pytest.CaptureFixture[str]) -> tuple[list[Event], float]:
    """The lines about calls that failed, and how many the metric counted."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = sum(line["call_failed"][0] for line in lines if "call_failed" in line)
    return [line for line in lines if line.get("message") == "call_failed"], counted


SCRIPTS: Mapping[str, Script] = {
    "TLS": _gibberish,
    "another kind": answering(NOT_FOUND),
    "silence": Exchange.wait,
    "nobody": Exchange.wait,
}


@pytest.mark.parametrize(
    ("server", "endpoint", "failure"),
    [
        ("nobody", "http://chat.invalid", "NameResolutionError"),
        ("nobody", "http://127.0.0.1:9", "ConnectionRefusedError"),
        ("TLS", "https://{address}", "SSLError"),
        ("another kind", "http://{address}", "HTTP status 404"),
        ("silence", "http://{address}", "ReadTimeout"),
    ],
)
def test_a_host_that_cannot_be_called_is_logged_and_its_caller_waits(
    server: str, endpoint: str, failure: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ByteServer(SCRIPTS[server]) as running, reaching(endpoint.format(address=running.address), tmp_path):
        assert over_http(ORDER, "k")[0] == 202
    lines, counted = told(capsys)
    assert lines
    assert counted == len(lines)
    host = "chat.invalid" if "invalid" in endpoint else "127.0.0.1"
    assert {(line["level"], line["host"], line["failure"]) for line in lines} == {("WARNING", host, failure)}
    assert all(isinstance(line["seconds"], float) and line["seconds"] < 1 for line in lines)
    assert not any("usersig" in json.dumps(line).lower() for line in lines)


def test_an_inspection_shows_the_last_failure_instead_of_waiting_for_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator asks because nothing goes on, and has to be told why in time."""
    monkeypatch.setattr("handler.triggers.operator.handler.INSPECT_S", 0.5)
    with ByteServer(answering(NOT_FOUND)) as server, reaching(f"http://{server.address}", tmp_path):
        over_http(ORDER, "k")
        event: Event = {"Type": "Operator", "task": "inspect", "GroupId": "room"}
        seen = lambda_handler(event, lambda_context(900))
    failure = seen["last_failure"]
    assert isinstance(failure, dict)
    assert (failure["host"], failure["failure"]) == ("127.0.0.1", "HTTP status 404")
    assert str(failure["at"]).endswith("Z")
