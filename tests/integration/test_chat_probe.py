"""The client of `verify` over real sockets: what it sends is what the test asked for, good or not."""

from collections.abc import Iterator

import pytest

from handler.chat.client import ProbeClient
from handler.core.model.operation import Counters, Mode
from handler.core.ports.counter_api import Counted, ProbeCall, Refused
from tests.integration.chat_clients import APP, GROUP, KEY, client_of
from tests.sandbox.chat import ChatApp, ChatServer, ManualClock

NOW = 1_700_000_000


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A Chat server with one group, on a clock that stands still."""
    with ChatServer(ChatApp(sdkappid=APP, keys=(KEY,)), clock=ManualClock(NOW)) as running:
        running.create_group(GROUP.id)
        yield running


@pytest.fixture
def probes(server: ChatServer) -> Iterator[ProbeClient]:
    """A probing client over the connections of an ordinary one."""
    client = client_of(server.endpoint)
    yield ProbeClient(client.calls)
    client.close()


def trial(*counters: tuple[str, int], time: int = NOW, life: int = 6, random: int | None = None) -> ProbeCall:
    raised: Counters = counters or (("k", 1),)
    return ProbeCall(group=GROUP, mode=Mode.INCREASE, counters=raised, signed_at=time, life_s=life, random=random)


def test_an_update_is_signed_for_the_time_and_life_of_the_trial(server: ChatServer, probes: ProbeClient) -> None:
    assert probes.update(trial(time=NOW - 5, life=9)) == Counted({"k": 1}, NOW)
    [entry] = server.journal()
    assert (entry.signed_at, entry.life_s) == (NOW - 5, 9)


def test_an_expired_trial_is_sent_and_refused(server: ChatServer, probes: ProbeClient) -> None:
    reply = probes.update(trial(time=NOW - 7, life=6))
    assert isinstance(reply, Refused)
    assert reply.code == 70001


def test_a_random_of_the_trials_own_is_sent(server: ChatServer, probes: ProbeClient) -> None:
    """Zero is one too; without one, each call has a fresh one."""
    for random in (0, 0, None, None):
        probes.update(trial(random=random))
    sent = [entry.random for entry in server.journal()]
    assert sent[:2] == [0, 0]
    assert len(set(sent)) == 3


def test_a_key_given_twice_is_sent_twice(server: ChatServer, probes: ProbeClient) -> None:
    """The API says what it makes of it."""
    reply = probes.update(trial(("k", 1), ("k", 2)))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.info) == (10004, "invalid parameter: a Key is given twice")


def test_a_read_shows_every_counter(server: ChatServer, probes: ProbeClient) -> None:
    """Signed for as long as the test wants."""
    probes.update(trial(("k", 1), ("l", 2)))
    assert probes.read(GROUP, NOW, 100) == Counted({"k": 1, "l": 2}, NOW)
    assert server.journal()[-1].life_s == 100
