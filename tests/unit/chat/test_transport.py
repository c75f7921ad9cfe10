"""One exchange: what came of it, whether the request may have left, and whom the environment lets it trust."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from typing_extensions import Never

from handler.chat.transport import REPLY_BYTES, Answer, Transport
from handler.core.errors import SettingsError
from handler.core.ports.counter_api import Unclear, Unsent
from tests.integration.byte_server import ByteServer, Exchange, Script, answering, http
from tests.integration.wire import DATE, forget_environment
from tests.sandbox import certificates
from tests.sandbox.loopback import LoopbackConnection
from tests.sandbox.tls_server import TlsServer

BODY = b'{"GroupId": "G"}'


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's environment says about proxies and certificates."""
    forget_environment(monkeypatch)


def post(base_url: str, timeout_s: float = 2.0) -> Answer | Unclear | Unsent:
    transport = Transport(base_url, timeout_s, connections=1)
    try:
        return transport.post("/path", {"random": 7}, BODY)
    finally:
        transport.close()


def posted(script: Script, timeout_s: float = 2.0) -> tuple[Answer | Unclear | Unsent, list[bytes]]:
    """What becomes of one request to a server that plays this, and what reached that server."""
    with ByteServer(script) as server:
        outcome = post(f"http://{server.address}/", timeout_s)
    return outcome, server.requests


def test_a_whole_reply_is_an_answer_with_the_text_of_its_date() -> None:
    """The base URL may end with a slash."""
    outcome, [request] = posted(answering(http(b"{}", DATE)))
    assert outcome == Answer(b"{}", DATE.removeprefix("Date: "))
    assert request.startswith(b"POST /path?random=7 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n" + BODY)


@pytest.mark.parametrize(("size", "fits"), [(REPLY_BYTES, True), (REPLY_BYTES + 1, False)])
def test_a_reply_is_read_as_far_as_the_vendors_own_limit(size: int, fits: bool) -> None:
    """What is longer comes from somebody else."""
    outcome, _ = posted(answering(http(b" " * size)))
    assert outcome == (Answer(b" " * size, None) if fits else Unclear("the reply is too large"))


def test_another_status_says_nothing_about_the_request() -> None:
    """A gateway may have passed it on before it failed."""
    assert posted(answering(http(b"{}", status="502 Bad Gateway")))[0] == Unclear("HTTP status 502")


def test_where_nobody_listens_nothing_was_sent() -> None:
    """The error's own text would show the signature in the URL."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}") == Unsent("ConnectionRefusedError")


def test_a_request_whose_time_is_over_before_it_could_leave_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking the host's name up is bounded by nothing, and its reply could not be waited for any more."""
    look_up = socket.getaddrinfo

    def slowly(*arguments: Never, **options: Never) -> object:
        time.sleep(0.1)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    outcome, requests = posted(answering(http(b"{}")), timeout_s=0.05)
    assert isinstance(outcome, Unsent)
    assert BODY not in b"".join(requests)


@pytest.mark.parametrize("pause_s", [0.02, 0.0], ids=["slowly", "without a pause"])
def test_a_reply_that_comes_byte_by_byte_gets_no_longer_than_any_other(pause_s: float) -> None:
    """No read of it waits for long, and the last one may have no time left before it begins."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.drip(b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 60_000, pause_s)

    begun = time.monotonic()
    outcome, _ = posted(script, timeout_s=0.1)
    assert isinstance(outcome, Unclear)
    assert time.monotonic() - begun < 3


def test_a_proxy_of_the_environment_is_asked_for_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.drip(http(b"{}"), pause_s=0.02)

    with ByteServer(script) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        assert post("http://chat.invalid") == Answer(b"{}", None)
        begun = time.monotonic()
        assert isinstance(post("http://chat.invalid", timeout_s=0.1), Unclear)
        assert time.monotonic() - begun < 3
    assert proxy.requests[0].startswith(b"POST http://chat.invalid/path?random=7 HTTP/1.1\r\n")


class _Greeting(LoopbackConnection):
    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        self.body()
        self.reply(200, [], b"{}")


@pytest.mark.parametrize(
    ("environment", "trusted"),
    [
        ({"REQUESTS_CA_BUNDLE": "authority.pem"}, True),
        ({"CURL_CA_BUNDLE": "authority.pem"}, True),
        ({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "authority.pem"}, True),
        ({"REQUESTS_CA_BUNDLE": "authority.pem", "CURL_CA_BUNDLE": "server.key"}, True),
        ({}, False),
        ({"REQUESTS_CA_BUNDLE": ""}, False),
    ],
    ids=str,
)
def test_authorities_are_those_that_the_environment_names(
    environment: dict[str, str], trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first variable that is set to something; without any they are the usual ones, which do not know this one."""
    folder = certificates.make(tmp_path / "certificates")
    for name, value in environment.items():
        monkeypatch.setenv(name, str(folder / value) if value else "")
    with TlsServer(folder, _Greeting) as server:
        outcome = post(f"https://{server.address}")
    assert outcome.body == b"{}" if isinstance(outcome, Answer) else outcome == Unsent("SSLError")
    assert isinstance(outcome, Answer) is trusted


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_authorities_that_is_not_there_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/nowhere/authorities.pem")
    with pytest.raises(SettingsError, match=f"^{variable}: names no file$"):
        Transport("https://chat.invalid", 1.0, 1)
