"""Requests that the sandbox applies or answers late, over real sockets, by a clock that each test moves."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.integration.sandbox_client import KEY, SDKAPPID, eventually, impatient, increase, seen
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatApp, ChatServer, Fault, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the sandbox and of its callers."""
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[ChatServer]:
    """A running sandbox with one group, `G`, whose counter `like` is 5."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,)), clock=clock) as running:
        running.create_group("G", counters={"like": 5})
        yield running


@pytest.fixture
def caller(server: ChatServer, clock: ManualClock) -> Caller:
    """A backend with the right key, whose signatures live for 6 seconds."""
    return Caller(server.endpoint, SDKAPPID, KEY, life_s=6, clock=clock)


@pytest.mark.parametrize("hold_s", [0.0, 60.0])
def test_a_late_request_lands_when_its_time_has_come(
    server: ChatServer, caller: Caller, clock: ManualClock, hold_s: float
) -> None:
    server.plan([Fault("late", delay_s=5.0, hold_s=hold_s)])
    client = replace(impatient(caller), life_s=100)
    assert seen(lambda: increase(client)) == ("nothing" if hold_s else "hung up")
    assert eventually(lambda: [entry.state for entry in server.journal()] == ["waiting"])
    clock.advance(60)
    assert server.drain(5)
    assert [entry.state for entry in server.journal()] == ["applied"]


def test_a_slow_request_lands_although_its_client_gave_up(
    server: ChatServer, caller: Caller, clock: ManualClock
) -> None:
    """A timeout of the client does not call its request back."""
    server.plan([Fault("slow_before", delay_s=5.0)])
    assert seen(lambda: increase(impatient(caller))) == "nothing"
    assert eventually(lambda: len(server.journal()) == 1)
    clock.advance(5)
    assert server.drain(5)
    assert server.values("G")["like"] == 6


@pytest.mark.parametrize("fault", [Fault("slow", delay_s=0.1), Fault("slow_before", delay_s=0.1)], ids=str)
def test_a_patient_client_gets_the_slow_answer(fault: Fault) -> None:
    """The reply comes when the delay is over, and holds the counters."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group("G")
        server.plan([fault])
        started = time.monotonic()
        answer = Caller(server.endpoint, SDKAPPID, KEY).update("G", "Increase", {"like": 1})
        assert time.monotonic() - started >= 0.1
        assert answer.fields["GroupCounter"] == [{"Key": "like", "Value": 1}]


def test_closing_cancels_what_was_to_land(clock: ManualClock) -> None:
    """No thread is left behind, and the journal tells that the request is lost."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,)), clock=clock) as server:
        server.create_group("G")
        server.plan([Fault("late", delay_s=5.0), Fault("slow_before", delay_s=5.0)])
        caller = impatient(Caller(server.endpoint, SDKAPPID, KEY, clock=clock))
        assert [seen(lambda: increase(caller)) for _ in range(2)] == ["hung up", "nothing"]
        assert eventually(lambda: len(server.journal()) == 2)
        assert not server.drain(0.0)
    assert [entry.state for entry in server.journal()] == ["lost", "lost"]
    assert server.drain(0.0)
