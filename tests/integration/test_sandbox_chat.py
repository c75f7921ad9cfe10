"""The sandbox over real sockets: what a caller of the API meets when nothing goes wrong on the way."""

import socket
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatApp, ChatServer, ManualClock
from tests.sandbox.signatures import Signature, sign

SDKAPPID = 1400000000
KEY = "key-1"


@pytest.fixture
def clock() -> ManualClock:
    """The sandbox's and the caller's clock, half a second into a second."""
    return ManualClock(1_700_000_000.5)


@pytest.fixture
def server(clock: ManualClock) -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,)), clock=clock) as running:
        running.create_group("G")
        yield running


@pytest.fixture
def caller(server: ChatServer, clock: ManualClock) -> Caller:
    return Caller(server.endpoint, SDKAPPID, KEY, clock=clock)


def raw(server: ChatServer, request: bytes) -> bytes:
    """All that comes back for bytes on a socket, until the sandbox closes it."""
    address = urlsplit(server.endpoint)
    with socket.create_connection((address.hostname, address.port or 0), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_counters_are_written_read_and_deleted(caller: Caller, server: ChatServer) -> None:
    assert caller.update("G", "Increase", {"like": 2, "share": 1}).fields == {
        "ActionStatus": "OK",
        "ErrorCode": 0,
        "ErrorInfo": "",
        "GroupCounter": [{"Key": "like", "Value": 2}, {"Key": "share", "Value": 1}],
    }
    assert caller.get("G", "like").fields["GroupCounter"] == [{"Key": "like", "Value": 2}]
    assert caller.delete("G", "like").fields == {"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""}
    assert server.values("G") == {"share": 1}


def test_the_date_is_the_sandboxs_own_in_whole_seconds(caller: Caller, server: ChatServer) -> None:
    """`Date` is rounded down, and follows the clock's offset."""
    dates = []
    for offset_s in (0.0, 90.0, -90.0):
        server.set_clock_offset(offset_s)
        dates.append(parsedate_to_datetime(caller.get("G").headers["date"]).timestamp())
    assert dates == [1_700_000_000, 1_700_000_090, 1_699_999_910]


def test_nothing_that_is_sent_or_printed_repeats_a_signature(
    server: ChatServer, caller: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not the reply to a refused call, not that to a request that is no HTTP, and not the sandbox's output."""
    wrong = sign(Signature("administrator", SDKAPPID, 1_700_000_000, 60), "another key")
    refused = caller.send("get", {"GroupId": "G"}, usersig=wrong)
    garbled = raw(server, f"POST /v4/x?usersig={wrong} too many words HTTP/1.1\r\n\r\n".encode())
    unknown = raw(server, f"PUT /v4/x?usersig={wrong} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    printed = capfd.readouterr()
    assert refused.fields["ErrorCode"] == 70009
    assert (b" 400 " in garbled, b" 501 " in unknown) == (True, True)
    assert wrong.encode() not in refused.body + garbled + unknown + (printed.out + printed.err).encode()
