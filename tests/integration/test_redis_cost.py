"""What an operation costs on Redis, counted at the socket: one round trip to accept it and one to settle it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from handler import bootstrap
from handler.main import lambda_handler
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement
from tests.integration.counting import chat_with, order
from tests.integration.redis_ledgers import commands_of, opened
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.poller import sqs_event
from tests.sandbox.queue import message
from tests.sandbox.redis_servers import RedisServer
from tests.sandbox.relay import Relay

ROOM = "live-room"


@pytest.fixture
def chat(relay: Relay, tmp_path: Path) -> Iterator[ChatServer]:
    """The Chat server, and the function set up for both."""
    variables = {"LEDGER_URL": f"redis://{relay.address}/0"}
    with chat_with([ROOM]) as running, cold_function(sandboxed_environment(running.endpoint, tmp_path, **variables)):
        yield running
        bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # every deployed ledger has it


def increase(*keys: str) -> None:
    """One message of a queue for each key, all of them in one batch."""
    event = sqs_event([message(key, order(ROOM, 1)) for key in keys], "arn:aws:sqs:eu-west-1:123456789012:counters")
    assert lambda_handler(event, lambda_context(29.0)) == {"batchItemFailures": []}


def warm() -> None:
    """The first operation asks the API for its time and makes the row, the second tells the server the quick script."""
    increase("first")
    increase("second")


def test_a_warm_operation_takes_two_round_trips(chat: ChatServer, relay: Relay) -> None:
    warm()
    before = relay.round_trips
    increase("third")
    increase("fourth")
    assert relay.round_trips - before == 4
    assert chat.values(ROOM)["like"] == 4


def test_a_batch_takes_two_round_trips(chat: ChatServer, relay: Relay) -> None:
    warm()
    before = relay.round_trips
    increase(*(f"message {number}" for number in range(10)))
    assert relay.round_trips - before == 2
    assert chat.values(ROOM)["like"] == 12


def test_a_step_is_one_script_that_the_server_knows(server: RedisServer) -> None:
    with opened(server.url) as ledger, Redis.from_url(server.url) as client:
        ledger.swap(GROUP, idle_row(), {})
        ledger.swap(GROUP, idle_row().changed(base=5), {})
        before = commands_of(client)
        row = ledger.swap(GROUP, idle_row().changed().changed(base=7), {})
        after = commands_of(client)
    assert row
    assert after["evalsha"] - before["evalsha"] == 1
    assert after["eval"] == before["eval"]


def test_a_server_that_has_forgotten_its_scripts_is_told_them_again(server: RedisServer) -> None:
    with opened(server.url) as ledger, Redis.from_url(server.url) as client:
        ledger.swap(GROUP, idle_row(), {})
        client.script_flush()
        assert ledger.swap(GROUP, idle_row().changed(base=5), {})
        client.script_flush()
        assert ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION) is not None


def test_records_expire_and_rows_never_do(server: RedisServer) -> None:
    """A record lives for its window from its settlement on; nothing else that is kept has an end."""
    with opened(server.url) as ledger, Redis.from_url(server.url, decode_responses=True) as client:
        ledger.swap(GROUP, idle_row(), {})
        run = attempt(entry("settled"))
        ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION)
        ledger.append(GROUP, [entry("waiting")], 36 * 1024)
        ledger.settle(GROUP, settlement(run))
        lives = {key: client.pttl(key) for key in client.scan_iter()}
    records = [life for key, life in lives.items() if ":record:" in key]
    assert records == [pytest.approx(3_600_000, abs=60_000)]
    assert {life for key, life in lives.items() if ":record:" not in key} == {-1}
