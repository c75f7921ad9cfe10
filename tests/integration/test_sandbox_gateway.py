"""The gateway over real sockets: what a function is given, what its caller gets, and how both end."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit

import pytest

from tests.sandbox.caller import ask
from tests.sandbox.contexts import LambdaContext
from tests.sandbox.dialects import DIALECTS, Dialect
from tests.sandbox.gateway import Gateway


def echo(event: dict[str, object], context: object) -> object:
    """A function that shows what it was given."""
    shown = {"event": event, "limit": context["time_limit_in_ms"] if isinstance(context, dict) else None}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(shown)}


@pytest.fixture
def connection() -> Iterator[http.client.HTTPConnection]:
    """A kept-alive connection to a gateway before `echo`."""
    with Gateway(echo) as gateway:
        opened = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=5)
        yield opened
        opened.close()


def asked(url: str, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    answer = ask(f"{url}/path?a=1", method, body=body)
    return answer.status, answer.body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function(connection: http.client.HTTPConnection, method: str) -> None:
    for _ in range(2):
        connection.request(method, "/path?a=1", b"text" if method != "GET" else None, {"Content-Type": "text/plain"})
        shown = json.loads(connection.getresponse().read())["event"]
        assert shown["requestContext"]["http"]["method"] == method
        assert (shown["rawPath"], shown["queryStringParameters"]) == ("/path", {"a": "1"})
        assert shown.get("body") == ("text" if method != "GET" else None)


def test_a_head_request_gets_no_body(connection: http.client.HTTPConnection) -> None:
    """Its length is told all the same, and the connection can be used again."""
    for _ in range(2):
        connection.request("HEAD", "/path")
        response = connection.getresponse()
        assert (response.status, response.read(), int(response.headers["Content-Length"]) > 0) == (200, b"", True)


def test_the_context_is_the_platforms_own() -> None:
    """An object with a clock that runs down on AWS, a dict with the limit on SCF."""
    left: list[int] = []

    def handler(event: dict[str, object], context: object) -> object:
        assert isinstance(context, LambdaContext)
        left.append(context.get_remaining_time_in_millis())
        return {"statusCode": 204}

    with Gateway(handler, timeout_s=3.0) as gateway:
        assert asked(gateway.url) == (204, b"")
    with Gateway(echo, "scf", timeout_s=3.0) as gateway:
        assert json.loads(asked(gateway.url)[1])["limit"] == 3000
    assert 2900 < left[0] <= 3000


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_function_that_raises_is_the_platforms_error(dialect: Dialect, capfd: pytest.CaptureFixture[str]) -> None:

    def handler(event: dict[str, object], context: object) -> object:
        raise ValueError("for the log only")

    with Gateway(handler, dialect) as gateway:
        status, body = asked(gateway.url)
    assert (status >= 500, b"for the log only" in body) == (True, False)
    assert "ValueError: for the log only" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("header", "status"), [("Transfer-Encoding: chunked", b" 411 "), ("Content-Length: 6291457", b" 413 ")]
)
def test_a_body_without_a_length_or_over_the_platforms_limit_is_refused(header: str, status: bytes) -> None:
    with Gateway(echo) as gateway, socket.create_connection(("127.0.0.1", gateway.server_port), timeout=5) as raw:
        raw.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n0\r\n\r\n".encode())
        assert status in raw.makefile("rb").read()


def test_half_a_body_is_not_handed_on() -> None:
    """A client that has gone in the middle of it has asked for nothing."""
    served: list[object] = []

    def note(event: dict[str, object], context: object) -> object:
        served.append(event)
        return {"statusCode": 204}

    with Gateway(note) as gateway:
        address = urlsplit(gateway.url)
        with socket.create_connection((str(address.hostname), address.port or 0), timeout=5) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
            half.shutdown(socket.SHUT_WR)
            assert half.recv(100) == b""
    assert served == []


def test_requests_are_served_side_by_side() -> None:
    """Two that wait for each other both come to an end."""
    met = [Event(), Event()]

    def handler(event: dict[str, object], context: object) -> object:
        mine = int(str(event["body"]))
        met[mine].set()
        return {"statusCode": 200 if met[1 - mine].wait(5) else 500}

    with Gateway(handler, "rest") as gateway, ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda body: asked(gateway.url, "POST", body), [b"0", b"1"])
        assert [status for status, _ in answers] == [200, 200]


def test_closing_ends_idle_connections_and_gives_the_port_back(connection: http.client.HTTPConnection) -> None:
    """A kept-alive connection does not hold the gateway open."""
    with Gateway(echo) as gateway:
        idle = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=5)
        idle.request("GET", "/")
        idle.getresponse().read()
    assert idle.sock.recv(1) == b""
    idle.close()
    with Gateway(echo, port=gateway.server_port) as again:
        assert asked(again.url)[0] == 200


def test_closing_waits_for_what_is_being_answered() -> None:
    """So that nothing of the function runs on when its ledger is gone."""
    began, ended = Event(), Event()

    def handler(event: dict[str, object], context: object) -> object:
        began.set()
        time.sleep(0.1)
        ended.set()
        return {"statusCode": 200}

    with ThreadPoolExecutor(1) as pool:
        with Gateway(handler) as gateway:
            lost = pool.submit(asked, gateway.url)
            assert began.wait(5)
        assert ended.is_set()
        assert isinstance(lost.exception(), ConnectionError | http.client.HTTPException)
