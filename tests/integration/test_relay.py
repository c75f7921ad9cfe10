"""The relay between clients and stores: what it passes on, what it loses and where, and what it counts."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.e2e.watching import wait_for
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.sandbox.relay import Cut, Delay, Mishap, Moment, Relay, Silence

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789"
ANSWER = http(b"stored")

REACHING = {Moment.BEFORE: 0, Moment.DURING: 0, Moment.SENT: 1, Moment.AFTER: 1}


@pytest.fixture
def store() -> Iterator[ByteServer]:
    """A store that speaks HTTP and takes note of every request that reaches it whole."""
    with ByteServer(answering(ANSWER)) as server:
        yield server


@pytest.fixture
def relay(store: ByteServer) -> Iterator[Relay]:
    with Relay(port_of(store)) as running:
        yield running


def port_of(server: ByteServer) -> int:
    return int(server.address.rpartition(":")[2])


def connected(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.server_port), timeout=5)


def ask(client: socket.socket, *packets: bytes) -> bytes:
    """Send a request in packets and read its answer; what there was of it when the connection ended."""
    answer = b""
    try:
        for packet in packets:
            client.sendall(packet)
            # Long enough that they are packets, short enough for a test.
            time.sleep(0.01 if len(packets) > 1 else 0)
        while len(answer) < len(ANSWER) and (data := client.recv(4096)):
            answer += data
    except ConnectionError:
        return answer
    return answer


def ask_once(relay: Relay) -> bytes:
    with closing(connected(relay)) as client:
        return ask(client, REQUEST)


def test_requests_and_answers_pass_unchanged(relay: Relay, store: ByteServer) -> None:
    """Any number of them on one connection."""
    with closing(connected(relay)) as client:
        assert [ask(client, REQUEST) for _ in range(3)] == [ANSWER] * 3
    assert store.requests == [REQUEST] * 3


def test_a_request_and_its_answer_are_one_round_trip(relay: Relay) -> None:
    with closing(connected(relay)) as client:
        ask(client, REQUEST)
        ask(client, REQUEST[:5], REQUEST[5:40], REQUEST[40:])
    ask_once(relay)
    assert relay.round_trips == 3


def test_requests_sent_together_are_one_round_trip() -> None:
    def answering_both(exchange: Exchange) -> None:
        while exchange.receive() and exchange.receive():
            exchange.send(ANSWER * 2)

    with ByteServer(answering_both) as server, Relay(port_of(server)) as relay, closing(connected(relay)) as client:
        client.sendall(REQUEST * 2)
        answers = b""
        while len(answers) < 2 * len(ANSWER):
            answers += client.recv(4096)
        assert relay.round_trips == 1


@pytest.mark.parametrize("moment", Moment)
def test_a_connection_is_cut_at_any_moment(relay: Relay, store: ByteServer, moment: Moment) -> None:
    """The client hears nothing; whether the store has the request depends on the moment."""
    relay.befall(Cut(moment))
    assert ask_once(relay) == b""
    wait_for(lambda: len(store.requests) == REACHING[moment], "the request")
    assert ask_once(relay) == ANSWER
    assert len(store.requests) == REACHING[moment] + 1
    assert relay.mishaps == 1


@pytest.mark.parametrize("moment", Moment)
def test_a_silent_connection_leaves_its_client_waiting(relay: Relay, store: ByteServer, moment: Moment) -> None:
    relay.befall(Silence(moment))
    with closing(connected(relay)) as client:
        client.settimeout(0.1)
        client.sendall(REQUEST)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert ask_once(relay) == ANSWER
    assert len(store.requests) == REACHING[moment] + 1


@pytest.mark.parametrize("moment", Moment)
def test_a_delay_holds_everything_back(relay: Relay, moment: Moment) -> None:
    relay.befall(Delay(moment, 0.1))
    begun = time.monotonic()
    assert ask_once(relay) == ANSWER
    assert time.monotonic() - begun >= 0.1


def test_all_connections_are_cut_on_request(relay: Relay) -> None:
    relay.befall(Silence(Moment.SENT))
    with closing(connected(relay)) as waiting, closing(connected(relay)) as idle:
        waiting.sendall(REQUEST)
        wait_for(lambda: relay.mishaps == 1, "the request")
        relay.cut_all()
        assert (waiting.recv(1), idle.recv(1)) == (b"", b"")
    assert ask_once(relay) == ANSWER


def test_a_plan_follows_from_its_seed(store: ByteServer) -> None:
    kinds: tuple[Mishap, ...] = (Cut(Moment.BEFORE), Cut(Moment.AFTER), Delay(Moment.SENT, 0.001))

    def played(seed: int) -> list[Mishap | None]:
        with Relay(port_of(store)) as relay:
            relay.randomly(0.5, kinds, seed)
            return [relay.fate() for _ in range(50)]

    assert played(1) == played(1) != played(2)
    assert {type(fate) for fate in played(1)} == {Cut, Delay, type(None)}


def test_nothing_happens_any_more_in_calm_weather(relay: Relay) -> None:
    relay.befall(Cut(Moment.BEFORE))
    relay.randomly(1.0, (Cut(Moment.AFTER),), seed=1)
    relay.calm()
    assert [ask_once(relay) for _ in range(5)] == [ANSWER] * 5
