"""A call ends in time and takes in only so much, whatever the other side does; and what never left is told."""

import socket
import time

import pytest
import urllib3
from typing_extensions import Never

from handler.chat.transport import REPLY_BYTES
from handler.core.ports.counter_api import Unclear, Unsent
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.chat_clients import client_of
from tests.integration.wire import CALL, DATE, OK, asked, learned, timed

NOT_THE_APIS = "the reply is not a JSON object with an ErrorCode"


def test_a_redirects_body_is_not_read() -> None:
    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(http(b"", "Location: /", status="302 Found", length=10**9))
        exchange.wait()

    reply, lasted_s = timed(script, timeout_s=5)
    assert reply == Unclear("HTTP status 302")
    assert lasted_s < 2


@pytest.mark.parametrize(("size", "told"), [(REPLY_BYTES, NOT_THE_APIS), (REPLY_BYTES + 1, "the reply is too large")])
def test_a_reply_is_read_as_far_as_the_vendors_own_limit(size: int, told: str) -> None:
    assert learned(answering(http(b" " * size))) == Unclear(told)


@pytest.mark.parametrize("length", [None, 10**12])
def test_a_huge_body_is_given_up(length: int | None) -> None:
    sent = 0

    def script(exchange: Exchange) -> None:
        nonlocal sent
        exchange.receive()
        announced = f"Content-Length: {length}\r\n" if length else ""
        exchange.send(f"HTTP/1.1 200 OK\r\n{announced}\r\n".encode())
        while sent < 100 * REPLY_BYTES and exchange.send(b" " * 65536):
            sent += 65536

    assert learned(script, timeout_s=10) == Unclear("the reply is too large")
    assert sent < 100 * REPLY_BYTES


def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    """The request has gone, so nothing is known."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.wait()

    reply, lasted_s = timed(script, timeout_s=0.3)
    assert reply == Unclear("ReadTimeout")
    assert 0.25 < lasted_s < 2


@pytest.mark.parametrize(
    ("beginning", "pause_s"),
    [
        ("", 0.02),
        ("", 0.0),
        ("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", 0.02),
        ("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n", 0.02),
    ],
    ids=["headers", "headers without a pause", "body", "body of a connection to be closed"],
)
def test_a_reply_that_drips_is_given_up_in_time(beginning: str, pause_s: float) -> None:
    """Each byte comes soon enough after the one before, but not all; the last may find no time left to be read."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(beginning.encode())
        exchange.drip(b" " * 60_000 if beginning else b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 60_000, pause_s)

    reply, lasted_s = timed(script, timeout_s=0.1)
    assert isinstance(reply, Unclear)
    assert 0.05 < lasted_s < 3


def test_a_reply_that_stops_late_is_given_up_in_time() -> None:
    """What came before the silence is no reason to wait longer."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.drip(b"HTTP", pause_s=0.2)
        exchange.wait()

    reply, lasted_s = timed(script, timeout_s=1)
    assert reply == Unclear("ReadTimeout")
    assert 0.9 < lasted_s < 1.5


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert client_of(f"http://127.0.0.1:{port}").update(CALL) == Unsent("ConnectionRefusedError")


def test_a_host_without_an_address_means_that_nothing_was_sent() -> None:
    """A label is too long for the name service to be asked."""
    assert isinstance(client_of(f"http://{'x' * 64}.invalid").update(CALL), Unsent)


def test_a_failed_handshake_means_that_nothing_was_sent() -> None:
    with ByteServer(_gibberish) as server:
        assert client_of(f"https://{server.address}").update(CALL) == Unsent("SSLError")
    assert server.requests == []


def test_a_handshake_that_does_not_end_means_that_nothing_was_sent() -> None:
    with ByteServer(Exchange.wait) as server:
        begun = time.monotonic()
        reply = client_of(f"https://{server.address}", timeout_s=1.2).update(CALL)
        assert time.monotonic() - begun < 1
    assert reply == Unsent("ReadTimeout")


def test_a_connection_that_is_made_too_late_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reply could not be waited for; the body, without which nothing can be counted, stays here."""
    connect = urllib3.util.connection.create_connection

    def slowly(*arguments: Never, **options: Never) -> socket.socket:
        time.sleep(0.1)
        return connect(*arguments, **options)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slowly)
    replies, server = asked(answering(http(OK, DATE)), timeout_s=0.05)
    assert replies == [Unsent("ConnectionError")]
    assert b"".join(request.partition(b"\r\n\r\n")[2] for request in server.requests) == b""


def _gibberish(exchange: Exchange) -> None:
    exchange.send(b"220 mail ready\r\n")
