"""What a deployed instance asks the API before its first event: its time, over a connection that is kept (R12)."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from handler import bootstrap
from handler.chat.client import ChatClient
from handler.core.errors import BadInput
from handler.main import lambda_handler
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.wire import OK
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment

Deploy = Callable[[str], None]


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """What sets the function up for an endpoint."""

    def deploy(endpoint: str) -> None:
        for name, value in sandboxed_environment(endpoint, tmp_path, INIT_EARLY="on").items():
            monkeypatch.setenv(name, value)
        bootstrap.reset()

    yield deploy
    bootstrap.reset()


def dated() -> str:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime())


def test_the_time_is_known_and_a_connection_open_before_the_first_event(deployed: Deploy) -> None:
    with ByteServer(answering(http(OK, dated()))) as server:
        deployed(f"http://{server.address}")
        bootstrap.warm_up()
        instance = bootstrap.app_context().instance
        assert instance.api_clock.ask_in_s() is None
        [greeting] = server.requests
        assert json.loads(greeting.partition(b"\r\n\r\n")[2]) == {"GroupId": "_"}
        asking = {"Type": "Operator", "task": "verify", "GroupId": "room", "quick": True}
        with pytest.raises(BadInput, match="has 2 counters of its own"):
            lambda_handler(asking, lambda_context(29.0))
        assert len(server.requests) == 2
        assert len(server.exchanges) == 1


def test_the_api_is_asked_beside_the_other_work(deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's answer here comes only once the API has its request."""
    with ByteServer(answering(http(OK, dated()))) as server:
        deployed(f"http://{server.address}")
        ledger = bootstrap.app_context().instance.ledger
        asked: list[int] = []

        def generation() -> int:
            until = time.monotonic() + 0.9
            while not server.requests and time.monotonic() < until:
                time.sleep(0.01)
            asked.append(len(server.requests))
            return 0

        monkeypatch.setattr(ledger, "generation", generation)
        bootstrap.warm_up()
        assert asked == [1]
        assert bootstrap.app_context().instance.api_clock.ask_in_s() is None


def test_a_name_that_is_looked_up_for_long_does_not_hold_the_instance_up(
    deployed: Deploy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The request is given up after its second, and never completed when the name is found later."""
    found, look_up = Event(), socket.getaddrinfo

    def late(*arguments: object, **options: object) -> object:
        found.wait(5)
        return look_up(*arguments, **options)  # type: ignore[arg-type]  # as they came

    with ByteServer(answering(http(OK, dated()))) as server:
        deployed(f"http://{server.address}")
        monkeypatch.setattr(socket, "getaddrinfo", late)
        began = time.monotonic()
        bootstrap.warm_up()
        assert time.monotonic() - began < 2.5
        [greeting] = [thread for thread in threading.enumerate() if thread.name.endswith("(_greet)")]
        time.sleep(0.3)
        found.set()
        greeting.join(5)
        assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] in ([], [b""])
    assert "call_failed" in capsys.readouterr().out


def test_an_unforeseen_failure_is_logged_and_nothing_else(
    deployed: Deploy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own report of an error in a thread would show its text, and that may hold a signature."""

    def broken(*_: object) -> None:
        raise RuntimeError("made-up-signature")

    deployed("http://127.0.0.1:9")
    monkeypatch.setattr(ChatClient, "greet", broken)
    bootstrap.warm_up()
    written = capsys.readouterr()
    assert '"error":"RuntimeError"' in written.out
    assert "made-up-signature" not in written.out + written.err


def test_an_api_that_does_not_answer_takes_a_second(deployed: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """The failure is logged, and nothing else comes of it."""

    def silent(exchange: Exchange) -> None:
        exchange.receive()
        time.sleep(3)

    with ByteServer(silent) as server:
        deployed(f"http://{server.address}")
        began = time.monotonic()
        bootstrap.warm_up()
        assert time.monotonic() - began < 2.5
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "call_failed" in text]
    assert (line["level"], line["host"]) == ("WARNING", "127.0.0.1")
    assert bootstrap.app_context().instance.api_clock.ask_in_s() == 0.0


def test_without_the_switch_nobody_is_asked(deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    with ByteServer(answering(http(OK, dated()))) as server:
        deployed(f"http://{server.address}")
        monkeypatch.setenv("INIT_EARLY", "off")
        bootstrap.warm_up()
        assert server.exchanges == []
