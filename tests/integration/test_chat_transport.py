"""What goes to the API, over which connections, and what the client makes of replies from elsewhere."""

import json

import pytest

from handler.core.ports.counter_api import Unclear
from tests.e2e.watching import wait_for
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.chat_clients import GROUP, client_of
from tests.integration.wire import CALL, COUNTED, DATE, OK, asked, learned


def test_the_request_is_the_vendors() -> None:
    """A POST of JSON to the vendor's path, with the five parameters and all that the body needs."""
    _, server = asked(answering(http(OK, DATE)))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    names = [each.partition("=")[0] for each in line.split("?")[1].split(" ")[0].split("&")]
    assert line.startswith("POST /v4/group_open_http_svc/update_group_counter?")
    assert names == ["sdkappid", "identifier", "usersig", "random", "contenttype"]
    assert {"Content-Type: application/json", f"Content-Length: {len(body)}", "Accept-Encoding: identity"} <= set(
        headers
    )
    assert json.loads(body) == {
        "GroupId": "G",
        "GroupCounter": [{"Key": "like", "Value": 1}, {"Key": "_receipt", "Value": 7}],
        "Mode": "Increase",
    }


@pytest.mark.parametrize("keys", [(), ("like", "_receipt")])
def test_a_read_names_its_keys_only_if_there_are_any(keys: tuple[str, ...]) -> None:
    with ByteServer(answering(http(OK, DATE))) as server:
        client = client_of(f"http://{server.address}")
        assert client.read(GROUP, keys, 1_700_000_000) == COUNTED
        client.close()
    line, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert line.startswith(b"POST /v4/group_open_http_svc/get_group_counter?")
    assert json.loads(body) == {"GroupId": "G", **({"GroupCounterKeys": list(keys)} if keys else {})}


def test_a_connection_is_kept_for_the_next_call() -> None:
    replies, server = asked(answering(http(OK, DATE)), calls=5)
    assert replies == [COUNTED] * 5
    assert len(server.exchanges) == 1


def test_a_fresh_read_goes_over_a_connection_of_its_own() -> None:
    """The others go on over the kept one, and each reply tells which connection it came on."""
    with ByteServer(answering(http(OK, DATE))) as server:
        client = client_of(f"http://{server.address}")
        replies = [client.read(GROUP, (), 1_700_000_000, fresh=fresh) for fresh in (False, True, False, True)]
        client.close()
    numbers = [reply.connection for reply in replies]
    assert replies == [COUNTED] * 4
    assert numbers[0] == numbers[2]
    assert len(set(numbers)) == len(server.exchanges) == 3


def test_a_connection_is_kept_after_a_chunked_reply() -> None:
    """A reply without a length ends with an empty chunk."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (OK[:7], OK[7:])) + b"0\r\n\r\n"
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{DATE}\r\n\r\n"
    replies, server = asked(answering(head.encode() + chunks), calls=3)
    assert replies == [COUNTED] * 3
    assert len(server.exchanges) == 1


def test_a_connection_that_the_server_does_not_keep_is_opened_anew() -> None:
    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(http(OK, DATE, "Connection: close"))

    replies, server = asked(script, calls=3)
    assert replies == [COUNTED] * 3
    assert len(server.exchanges) == 3


def test_a_connection_that_was_closed_while_it_was_idle_is_not_used() -> None:
    with ByteServer(_once) as server:
        client = client_of(f"http://{server.address}")
        assert client.update(CALL) == COUNTED
        wait_for(lambda: server.exchanges[0].closed, "the end of the connection")
        assert client.update(CALL) == COUNTED
        client.close()
    assert len(server.requests) == 2


def test_a_connection_that_has_been_idle_for_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may have forgotten it without a word."""
    monkeypatch.setattr("handler.chat.connections.IDLE_MAX_S", 0.0)
    replies, server = asked(answering(http(OK, DATE)), calls=2)
    assert replies == [COUNTED] * 2
    assert len(server.exchanges) == 2


def test_a_kept_connection_that_dies_under_a_request_is_unclear() -> None:
    """The request may have arrived, so it is not sent again."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(http(OK, DATE))
        exchange.receive()

    replies, server = asked(script, calls=2)
    assert replies == [COUNTED, Unclear("ConnectionError")]
    assert len(server.requests) == 2


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"220 mail ready\r\n", b"\x00\xff" * 40])
def test_a_connection_that_ends_before_a_reply_is_unclear(reply: bytes) -> None:
    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(reply)

    said, server = asked(script)
    assert said in ([Unclear("ConnectionError")], [Unclear("the reply is not a JSON object with an ErrorCode")])
    assert len(server.requests) == 1


@pytest.mark.parametrize("cut", [1, len(OK) // 2, len(OK)])
def test_a_cut_body_is_unclear(cut: int) -> None:
    """Fewer bytes came than were announced, and the reply's time is not believed either."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(http(OK[:-cut], DATE, length=len(OK)))

    assert learned(script) == Unclear("ProtocolError")


@pytest.mark.parametrize("chunks", [b"%x\r\n%s\r\n" % (len(OK), OK), b"-5\r\n" + OK, b"what\r\n", b""])
def test_a_broken_chunked_body_is_unclear(chunks: bytes) -> None:
    """The empty chunk at its end is missing, or the length of a chunk is none."""

    def script(exchange: Exchange) -> None:
        exchange.receive()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    assert isinstance(learned(script), Unclear)


@pytest.mark.parametrize("status", ["201 Created", "302 Found", "307 Again", "400 Bad Request", "502 Bad Gateway"])
def test_another_status_than_200_is_unclear_and_a_redirect_is_not_followed(status: str) -> None:
    with ByteServer(answering(http(OK, DATE))) as elsewhere:
        moved = http(OK, DATE, f"Location: http://{elsewhere.address}/", status=status)
        assert learned(answering(moved)) == Unclear(f"HTTP status {status[:3]}")
    assert elsewhere.exchanges == []


def test_a_compressed_body_is_unclear() -> None:
    assert isinstance(learned(answering(http(b"\x1f\x8b\x08\x00", DATE, "Content-Encoding: gzip"))), Unclear)


def _once(exchange: Exchange) -> None:
    """Answer one request and hang up without having said so."""
    exchange.receive()
    exchange.send(http(OK, DATE))
