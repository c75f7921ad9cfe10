"""The sandbox's faults over real sockets: what clients see of each, and whether and when its request was applied."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.e2e.watching import wait_for
from tests.integration.sandbox_client import KEY, SDKAPPID, impatient, increase, seen
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatApp, ChatServer, Fault, ManualClock, every_kind
from tests.sandbox.listener import reset_on_close


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


@pytest.mark.parametrize(
    ("fault", "sight", "like"),
    [
        *((Fault("drop_before"), "hung up", 5), (Fault("drop_after"), "hung up", 6)),
        *((Fault("reset_before"), "reset", 5), (Fault("reset_after"), "reset", 6)),
        *((Fault("bad_gateway_before"), "502 HTML", 5), (Fault("bad_gateway_after"), "502 HTML", 6)),
        *((Fault("late", delay_s=5.0), "hung up", 5), (Fault("late", delay_s=5.0, hold_s=5.0), "nothing", 5)),
        *((Fault("slow", delay_s=5.0), "nothing", 6), (Fault("slow_before", delay_s=5.0), "nothing", 5)),
        *((Fault("cut_body"), "cut", 6), (Fault("html_body"), "200 HTML", 5)),
        *((Fault("html_body", applied=True), "200 HTML", 6), (Fault("missing_receipt"), "0 no counters", 6)),
        (Fault("missing_receipt", key="_receipt"), "0 ['like']", 6),
        (Fault("code", code=10002), "10002 no counters", 5),
        (Fault("code", code=10002, applied=True), "10002 no counters", 6),
    ],
    ids=str,
)
def test_an_update_meets_its_fault(server: ChatServer, caller: Caller, fault: Fault, sight: str, like: int) -> None:
    """The client cannot tell whether it was applied; the sandbox can. The next call is well again."""
    server.plan([fault])
    client = impatient(caller) if sight == "nothing" else caller
    assert seen(lambda: increase(client)) == sight
    wait_for(lambda: server.values("G")["like"] == like, "the counter")
    assert seen(lambda: increase(caller)) == "0 ['like', '_receipt']"


@pytest.mark.parametrize(
    ("fault", "sight"),
    [
        (Fault("drop_after"), "hung up"),
        (Fault("slow", delay_s=5.0), "nothing"),
        (Fault("missing_receipt", key="like"), "0 []"),
        (Fault("code", code=60008), "60008 no counters"),
    ],
    ids=str,
)
def test_a_read_meets_its_fault(server: ChatServer, caller: Caller, fault: Fault, sight: str) -> None:
    server.plan([fault], command="get")
    client = impatient(caller) if sight == "nothing" else caller
    assert seen(lambda: client.get("G")) == sight
    assert seen(lambda: caller.get("G")) == "0 ['like']"


def test_a_client_that_resets_its_connection_is_passed_over(
    server: ChatServer, caller: Caller, clock: ManualClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """The answer that nobody waits for makes no noise, and the next call is well."""
    server.plan([Fault("slow", delay_s=5.0)], command="get")
    connection = http.client.HTTPConnection(urlsplit(server.endpoint).netloc)
    connection.request("POST", caller.target("get"), b'{"GroupId": "G"}')
    wait_for(lambda: len(server.journal()) == 1, "the request")
    reset_on_close(connection.sock)
    connection.close()
    clock.advance(5)
    assert server.drain(5)
    assert seen(lambda: increase(caller)) == "0 ['like', '_receipt']"
    server.close()
    assert capfd.readouterr() == ("", "")


def test_an_error_of_the_sandbox_itself_is_loud(
    server: ChatServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client takes the end of its connection for a fault; whoever runs the tests must not."""
    errors: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: errors.append(str(arguments.exc_value)))
    monkeypatch.delattr(server, "app")
    assert seen(lambda: increase(caller)) == "hung up"
    wait_for(lambda: errors == ["'ChatServer' object has no attribute 'app'"], "the error")


def test_the_journal_agrees_with_what_clients_saw(caller: Caller, server: ChatServer) -> None:
    """With eight clients and every fault at random, the truth is what was applied, and no client read another code."""
    server.randomly(0.7, every_kind(delay_s=0.0, key="_receipt"), seed=5)
    with ThreadPoolExecutor(8) as pool:
        sights = list(pool.map(lambda _: seen(lambda: increase(caller)), range(150)))
    assert server.drain(5)
    entries = server.journal()
    applied = sum(entry.state == "applied" for entry in entries)
    assert server.values("G") == {"like": 5 + applied, "_receipt": 7 * applied}
    codes = Counter(sight.split()[0] for sight in sights if sight[0].isdigit() and not sight.endswith("HTML"))
    assert codes == Counter(str(entry.replied) for entry in entries if entry.replied is not None)
    assert {"hung up", "reset", "cut", "502 HTML", "200 HTML"} < set(sights)


@pytest.mark.parametrize("hold_s", [0.0, 60.0])
def test_a_late_request_lands_when_its_time_has_come(
    server: ChatServer, caller: Caller, clock: ManualClock, hold_s: float
) -> None:
    server.plan([Fault("late", delay_s=5.0, hold_s=hold_s)])
    client = replace(impatient(caller), life_s=100)
    assert seen(lambda: increase(client)) == ("nothing" if hold_s else "hung up")
    wait_for(lambda: [entry.state for entry in server.journal()] == ["waiting"], "the request")
    clock.advance(60)
    assert server.drain(5)
    assert [entry.state for entry in server.journal()] == ["applied"]


@pytest.mark.parametrize("fault", [Fault("slow", delay_s=0.1), Fault("slow_before", delay_s=0.1)], ids=str)
def test_a_patient_client_gets_the_slow_answer(fault: Fault) -> None:
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
        wait_for(lambda: len(server.journal()) == 2, "both requests")
        assert not server.drain(0.0)
    assert [entry.state for entry in server.journal()] == ["lost", "lost"]
    assert server.drain(0.0)
