"""What a client of the API sends, and what is known without sending it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from handler.chat.client import OTHER_APP, ChatClient, ProbeClient
from handler.core.model.operation import Mode
from handler.core.ports.counter_api import Fault, ProbeCall, Refused, Unsent
from tests.integration.byte_server import ByteServer, answering, http
from tests.integration.chat_clients import APP, GROUP, KEY, SECRET, MemoryVault, client_of
from tests.integration.wire import CALL, COUNTED, DATE, OK, forget_environment
from tests.sandbox.signatures import check, decode

TIME = 1_700_000_000


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's environment says about proxies and certificates."""
    forget_environment(monkeypatch)


@contextmanager
def talking(vault: MemoryVault | None = None) -> Iterator[tuple[ChatClient, ByteServer]]:
    with ByteServer(answering(http(OK, DATE))) as server:
        client = client_of(f"http://{server.address}", vault)
        yield client, server
        client.close()


def test_without_a_secret_nothing_is_sent() -> None:
    vault = MemoryVault(None)
    with talking(vault) as (client, server):
        assert client.update(CALL) == Unsent("no secret: SecretUnavailable")
        assert server.requests == []
        vault.next = SECRET
        client.renew_credentials()
        assert client.update(CALL) == COUNTED


def test_a_group_of_another_app_is_refused_as_the_vendor_would_do_it() -> None:
    """A rotation has brought the secret of another app, whose identity may not sign for this group; nothing is sent."""
    with talking(MemoryVault(replace(SECRET, sdkappid=APP + 1))) as (client, server):
        refused = Refused(OTHER_APP, "the secret belongs to another app", Fault.APP, date=None)
        assert client.update(CALL) == refused
        assert client.read(GROUP, (), TIME) == refused
        assert server.requests == []


def trial(random: int | None, *counters: tuple[str, int]) -> ProbeCall:
    return ProbeCall(group=GROUP, mode=Mode.INCREASE, counters=counters, signed_at=TIME, life_s=9, random=random)


def query(request: bytes) -> dict[str, str]:
    path = request.partition(b" HTTP/")[0].decode().partition(" ")[2]
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def body(request: bytes) -> object:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def test_a_probe_is_signed_for_its_own_time_and_life_and_sends_a_random_of_its_own() -> None:
    """Zero is one as well; without one each call has a fresh one."""
    with talking() as (client, server):
        probes = ProbeClient(client.calls)
        for random in (0, 7, None, None):
            assert probes.update(trial(random, ("like", 1), ("_receipt", 7))) == COUNTED
        sent = [query(request) for request in server.requests]
        signature = decode(sent[0]["usersig"])
        check(signature, sdkappid=APP, identifier=SECRET.identifier, keys=[KEY], now=TIME + 9)
        assert (signature.time, signature.expire) == (TIME, 9)
        assert [parameters["random"] for parameters in sent[:2]] == ["0", "7"]
        assert len({parameters["random"] for parameters in sent}) == 4


def test_a_probe_sends_a_key_twice_where_its_trial_says_so() -> None:
    """What the vendor makes of it is what the trial is about."""
    with talking() as (client, server):
        ProbeClient(client.calls).update(trial(None, ("like", 1), ("like", 2)))
        counters = [{"Key": "like", "Value": 1}, {"Key": "like", "Value": 2}]
        assert body(server.requests[0]) == {"GroupId": "G", "GroupCounter": counters, "Mode": "Increase"}


def test_a_probe_reads_all_counters_of_its_group() -> None:
    """Signed for as long as it wants."""
    with talking() as (client, server):
        assert ProbeClient(client.calls).read(GROUP, TIME, 100) == COUNTED
        [request] = server.requests
        assert (body(request), decode(query(request)["usersig"]).expire) == ({"GroupId": "G"}, 100)
