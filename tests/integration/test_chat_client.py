"""The client against the sandbox: what is applied is counted, what is refused is refused, and the rest is unclear."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from handler.chat.client import READ_LIFE_S, ChatClient
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Unclear, Unsent
from tests.integration.chat_clients import APP, GROUP, KEY, SECRET, MemoryVault, client_of, increase
from tests.sandbox.chat import ChatApp, ChatServer, ManualClock
from tests.sandbox.chat import Fault as SandboxFault

NOW = 1_700_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def server(clock: ManualClock) -> Iterator[ChatServer]:
    """A running sandbox with one group, `G`, whose counter `like` is 5."""
    with ChatServer(ChatApp(sdkappid=APP, keys=(KEY,), rate_limit=None), clock=clock) as running:
        running.create_group("G", counters={"like": 5})
        yield running


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def client(server: ChatServer, vault: MemoryVault) -> Iterator[ChatClient]:
    made = client_of(server.endpoint, vault)
    yield made
    made.close()


@pytest.mark.parametrize(("mode", "value"), [(Mode.SET, 2), (Mode.INCREASE, 7), (Mode.DECREASE, 3)])
def test_each_mode_does_what_it_says(client: ChatClient, mode: Mode, value: int) -> None:
    assert client.update(Call(group=GROUP, mode=mode, values={"like": 2}, signed_at=NOW, life_s=6)) == Counted(
        {"like": value}, NOW
    )


def test_any_key_and_any_value_arrive_unchanged(client: ChatClient, server: ChatServer) -> None:
    """Letters of every alphabet, quotes, control characters, and the ends of the range."""
    values = {'"ключ\n\U0001f44d\\': 2**63 - 1, "鍵": -(2**63), " ": 0}
    assert client.update(Call(group=GROUP, mode=Mode.SET, values=values, signed_at=NOW, life_s=6)) == Counted(
        values, NOW
    )
    assert server.values("G") == {"like": 5, **values}


def test_a_call_is_signed_for_its_own_time_and_life(client: ChatClient, server: ChatServer, clock: ManualClock) -> None:
    clock.advance(3)
    client.update(increase(NOW, life=4))
    assert [(entry.signed_at, entry.life_s) for entry in server.journal()] == [(NOW, 4)]


def test_a_call_that_is_sent_too_late_is_refused(client: ChatClient, server: ChatServer, clock: ManualClock) -> None:
    clock.advance(5)
    reply = client.update(increase(NOW, life=4))
    assert reply == Refused(70001, "UserSig expired", Fault.SIGNATURE, NOW + 5)
    assert server.values("G") == {"like": 5}


def test_an_update_is_counted_and_read_again(client: ChatClient, server: ChatServer) -> None:
    """By the names of counters, or all of them without names; the values after it come with the API's time."""
    assert client.update(increase(NOW)) == Counted({"like": 6, "_receipt": 7}, NOW)
    assert client.read(GROUP, ["like", "other"], NOW) == Counted({"like": 6}, NOW)
    assert client.read(GROUP, [], NOW) == Counted({"like": 6, "_receipt": 7}, NOW)
    assert server.values("G") == {"like": 6, "_receipt": 7}


def test_a_read_lives_long_enough_for_a_clock_that_is_behind(client: ChatClient, server: ChatServer) -> None:
    """Before the first `Date` only the local clock is known, and a read that comes late does no harm."""
    assert client.read(GROUP, [], NOW - READ_LIFE_S) == Counted({"like": 5}, NOW)
    assert server.journal()[-1].life_s == READ_LIFE_S


def test_the_life_of_a_reads_signature_can_be_set(server: ChatServer, vault: MemoryVault) -> None:
    """An app whose API refuses short ones needs it."""
    client = client_of(server.endpoint, vault, read_life_s=86400)
    assert client.read(GROUP, [], NOW) == Counted({"like": 5}, NOW)
    assert server.journal()[-1].life_s == 86400
    client.close()


def test_threads_share_the_client(server: ChatServer, vault: MemoryVault) -> None:
    """Each call has a connection to itself, no call is lost, and none is made twice."""
    client = client_of(server.endpoint, vault, connections=8)
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: client.update(increase(NOW)), range(200)))
    client.close()
    seen = [reply.values["like"] for reply in replies if isinstance(reply, Counted)]
    assert sorted(seen) == list(range(6, 206))
    assert server.values("G") == {"like": 205, "_receipt": 1400}
    assert server.connections() <= 8


def test_a_group_that_is_not_there_is_the_operations_fault(client: ChatClient) -> None:
    group = Group(APP, "none")
    for reply in (client.update(increase(NOW, group=group)), client.read(group, [], NOW)):
        assert isinstance(reply, Refused)
        assert (reply.code, reply.fault, reply.date) == (10010, Fault.OPERATION, NOW)


def test_a_rotated_key_is_met_by_a_renewed_secret(client: ChatClient, server: ChatServer, vault: MemoryVault) -> None:
    """The vendor says that the signature was made with another key."""
    server.set_keys(["new-key"])
    vault.next = replace(SECRET, key="new-key")
    refusal = client.update(increase(NOW))
    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.fault) == (70009, Fault.CREDENTIALS)
    assert (client.renew_credentials(), client.renew_credentials()) == (True, False)
    assert client.update(increase(NOW)) == Counted({"like": 6, "_receipt": 7}, NOW)


def test_a_rate_limit_is_passing(client: ChatClient, server: ChatServer) -> None:
    server.set_rate_limit(0)
    reply = client.update(increase(NOW))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.fault) == (60007, Fault.RATE)
    assert server.values("G") == {"like": 5}


def test_a_secret_of_another_app_sends_nothing(client: ChatClient, server: ChatServer, vault: MemoryVault) -> None:
    """Rows are kept by app, and another app's group is another group."""
    vault.secret = replace(SECRET, sdkappid=1)
    refusal = Refused(70014, "the secret belongs to another app", Fault.APP, None)
    assert client.update(increase(NOW)) == refusal
    assert client.read(GROUP, [], NOW) == refusal
    assert server.journal() == ()


def test_no_secret_means_that_nothing_was_sent(client: ChatClient, server: ChatServer, vault: MemoryVault) -> None:
    """The operation is accepted already, so this is no refusal of it."""
    vault.secret = None
    assert client.update(increase(NOW)) == Unsent("no secret: SecretUnavailable")
    assert server.journal() == ()
    vault.refresh()
    assert isinstance(client.update(increase(NOW)), Counted)


@pytest.mark.parametrize(
    ("fault", "reason", "date", "landed"),
    [
        (SandboxFault("drop_before"), "ConnectionError", None, False),
        (SandboxFault("drop_after"), "ConnectionError", None, True),
        (SandboxFault("reset_before"), "ConnectionError", None, False),
        (SandboxFault("reset_after"), "ConnectionError", None, True),
        (SandboxFault("bad_gateway_before"), "HTTP status 502", None, False),
        (SandboxFault("bad_gateway_after"), "HTTP status 502", None, True),
        (SandboxFault("cut_body"), "ProtocolError", None, True),
        (SandboxFault("html_body"), "the reply is not a JSON object with an ErrorCode", None, False),
        (SandboxFault("html_body", applied=True), "the reply is not a JSON object with an ErrorCode", None, True),
        (SandboxFault("missing_receipt"), "the reply shows no GroupCounter", NOW, True),
        (
            SandboxFault("missing_receipt", key="_receipt"),
            "the reply does not show every counter of the call",
            NOW,
            True,
        ),
        (SandboxFault("code", code=10002), "ErrorCode 10002: internal error", NOW, False),
        (SandboxFault("code", code=10002, applied=True), "ErrorCode 10002: internal error", NOW, True),
        (SandboxFault("code", code=12345, applied=True), "ErrorCode 12345: not in the vendor's list", NOW, True),
    ],
    ids=str,
)
def test_a_fault_that_hides_what_happened_is_unclear(
    client: ChatClient, server: ChatServer, fault: SandboxFault, reason: str, date: int | None, landed: bool
) -> None:
    """It may have landed or not; the request was sent once, and the next one goes through."""
    server.plan([fault])
    assert client.update(increase(NOW)) == Unclear(reason, date)
    assert server.drain()
    assert (server.values("G") == {"like": 6, "_receipt": 7}) is landed
    assert len(server.journal()) == 1
    assert isinstance(client.update(increase(NOW)), Counted)


def test_a_slow_reply_is_unclear_and_the_next_call_has_a_connection_of_its_own(vault: MemoryVault) -> None:
    """The late reply to the first one must not be taken for the second one's."""
    with ChatServer(ChatApp(sdkappid=APP, keys=(KEY,))) as server:
        server.create_group("G")
        now = int(server.now())
        client = client_of(server.endpoint, vault, timeout_s=0.2)
        server.plan([SandboxFault("slow", delay_s=0.4)])
        assert client.update(increase(now)) == Unclear("ReadTimeout")
        reply = client.update(increase(now))
        client.close()
        assert server.connections() == 2
    assert isinstance(reply, Counted)
    assert reply.values == {"like": 2, "_receipt": 14}
