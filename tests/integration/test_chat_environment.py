"""Proxies and certificates are taken from the environment, and nothing secret gets out into it."""

import io
import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.core.errors import SettingsError
from handler.core.ports.counter_api import Fault, Refused, Unclear, Unsent
from handler.redaction import URL_LOGGERS
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.chat_clients import KEY, TOKEN, client_of
from tests.integration.vaults import everything_logged
from tests.integration.wire import CALL, COUNTED, DATE, OK, asked, learned
from tests.sandbox import certificates
from tests.sandbox.loopback import LoopbackConnection
from tests.sandbox.tls_server import TlsServer

NOT_THE_APIS = "the reply is not a JSON object with an ErrorCode"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged anywhere, at any level, as in a process that has made no client yet."""
    for name in URL_LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    with everything_logged() as written:
        yield written


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ByteServer(answering(http(OK, DATE))) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        client = client_of("http://chat.invalid")
        assert [client.update(CALL), client.update(CALL)] == [COUNTED, COUNTED]
        client.close()
    assert proxy.requests[0].startswith(b"POST http://chat.invalid/v4/")
    assert len(proxy.exchanges) == 1


def test_a_host_may_be_exempt_from_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert learned(answering(http(OK, DATE))) == COUNTED


def test_the_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking it at each call would take more time than all the rest."""
    with ByteServer(answering(http(OK, DATE))) as server:
        client = client_of(f"http://{server.address}")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert client.update(CALL) == COUNTED
        client.close()


def test_a_proxy_that_refuses_a_tunnel_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request itself would have gone through the tunnel."""
    with ByteServer(answering(http(b"", status="403 Forbidden"))) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
        assert isinstance(client_of("https://chat.invalid").update(CALL), Unsent)
    assert [request.split(b" HTTP/")[0] for request in proxy.requests] == [b"CONNECT chat.invalid:443"]


def test_a_proxy_that_cannot_be_reached_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    assert client_of("http://chat.invalid").update(CALL) == Unsent("ProxyError")


def _receiving(exchange: Exchange) -> None:
    exchange.receive()


def test_a_proxy_that_hangs_up_under_a_request_is_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    with ByteServer(_receiving) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        assert isinstance(client_of("http://chat.invalid").update(CALL), Unclear)


def test_a_proxy_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections to a proxy are bounded as well."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.drip(b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 1000, pause_s=0.02)

    with ByteServer(script) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        begun = time.monotonic()
        assert isinstance(client_of("http://chat.invalid", timeout_s=0.4).update(CALL), Unclear)
        assert time.monotonic() - begun < 3


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
        client = client_of(f"https://{server.address}")
        assert client.update(CALL) == (Unclear(NOT_THE_APIS) if trusted else Unsent("SSLError"))
        client.close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_authorities_that_is_not_there_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/nowhere/authorities.pem")
    with pytest.raises(SettingsError, match=f"^{variable}: names no file$"):
        client_of("https://chat.invalid")


def test_a_cookie_is_not_sent_back() -> None:
    """Calls have nothing to do with each other."""
    _, server = asked(answering(http(OK, DATE, "Set-Cookie: id=1; Path=/")), calls=2)
    assert b"cookie" not in server.requests[1].lower()


def test_a_refusal_that_repeats_secrets_does_not_show_them() -> None:
    """The vendor's words go to callers and into the ledger."""

    def script(exchange: Exchange) -> None:
        query = (exchange.receive() or b"").split(b" ")[1].decode()
        info = f"no: {query} {KEY} {TOKEN}"
        exchange.send(http(json.dumps({"ActionStatus": "FAIL", "ErrorCode": 70009, "ErrorInfo": info}).encode()))

    reply = learned(script)
    assert isinstance(reply, Refused)
    assert reply.fault is Fault.CREDENTIALS
    assert reply.info.endswith("&contenttype=json [redacted] [redacted]")
    assert "usersig=[redacted]&random=" in reply.info


@pytest.mark.parametrize(
    "reply",
    [
        http(OK, DATE),
        http(OK, DATE, "no header at all"),
        http(OK, DATE, "Transfer-Encoding: chunked"),
        http(OK, "Location: /", status="302 Found"),
        http(OK[:-5], length=len(OK)),
        b"gibberish\r\n\r\n",
    ],
    ids=["ok", "header", "chunked", "redirect", "cut", "gibberish"],
)
def test_nothing_secret_is_logged_even_at_debug_level(reply: bytes, log: io.StringIO) -> None:
    """The HTTP library logs each URL, and warns with a traceback of headers that it does not understand."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(reply)

    _, server = asked(script)
    usersig = server.requests[0].split(b"usersig=")[1].split(b"&")[0].decode()
    written = log.getvalue()
    assert "urllib3" in written or "http" in written.lower()
    assert [secret for secret in (usersig, usersig[:40], KEY, TOKEN) if secret in written] == []
    assert "Traceback" not in written


def test_nothing_secret_is_logged_where_no_connection_can_be_made(log: io.StringIO) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    reply = client_of(f"http://127.0.0.1:{port}").update(CALL)
    assert "usersig" not in f"{reply} {log.getvalue()}"
