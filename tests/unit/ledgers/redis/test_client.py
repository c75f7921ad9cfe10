"""What becomes of an exchange with Redis: its answer, nothing, or an answer that was lost; and who is asked instead."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.ledgers.redis.client import RedisClient, Use
from handler.ledgers.redis.scripts import Script
from handler.ledgers.redis.topology import Servers
from tests.unit.ledgers.redis.played_redis import (
    GENERATION_KEY,
    NOTHING,
    TIMEOUT_S,
    PlayedRedis,
    Says,
    no_warning,
    number,
    refused,
    several,
    text,
)

KEY = "{played}:row"
SCRIPT = Script("return 1")
READ = ("HMGET", KEY, "v")
VALUE = several(text("1"))
SERVER_DOWN = "the connection to Redis broke"
SLOW = "Redis did not answer in time"


@contextmanager
def playing(says: Says, *, wait: int = 0) -> Iterator[tuple[RedisClient, PlayedRedis]]:
    """A store on a server that says this."""
    with PlayedRedis(says) as server:
        servers = Servers(server.settings, GENERATION_KEY, no_warning)
        with closing(RedisClient(servers, GENERATION_KEY, wait=wait, timeout_s=TIMEOUT_S)) as store:
            yield store, server


def write(store: RedisClient) -> object:
    return store.run(SCRIPT, [KEY], ["argument"])


def read(store: RedisClient) -> object:
    return store.ask(KEY, READ, use=Use.READ_ROW)


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("LOADING Redis is loading the dataset in memory", "LOADING: the server is still reading its data"),
        ("MISCONF Errors writing to the AOF file", "MISCONF: the server cannot write its data to disk"),
        ("CLUSTERDOWN The cluster is down", "CLUSTERDOWN"),
        ("nobody-may-see-this", "ERR"),
    ],
)
def test_a_refusal_is_unavailable_and_told_by_its_code(
    call: Callable[[RedisClient], object], words: str, told: str
) -> None:
    """Nothing was written, whichever class redis-py gives the refusal; the server's own words are not shown."""
    says = {"HMGET": [refused(words)], "EVALSHA": [refused(words)]}
    expected = f"^Redis refused a command with {told}$"
    with playing(says) as (store, _), pytest.raises(LedgerUnavailable, match=expected):
        call(store)


def test_a_refusal_beside_a_write_does_not_say_that_nothing_was_written() -> None:
    says = {"EVALSHA": [number(1)], "WAIT": [refused("LOADING Redis is loading the dataset in memory")]}
    with playing(says, wait=1) as (store, _), pytest.raises(AnswerLost):
        write(store)


@pytest.mark.parametrize("reached", [number(0), refused("ERR unknown command")], ids=["none", "no wait"])
def test_a_write_that_too_few_replicas_have_is_an_answer_lost(reached: bytes) -> None:
    """The primary has it, and may be the next to fail."""
    says = {"EVALSHA": [number(1)], "WAIT": [reached]}
    expected = r"^a write has not reached 1 replicas of Redis in time$"
    with playing(says, wait=1) as (store, _), pytest.raises(AnswerLost, match=expected):
        write(store)


@pytest.mark.parametrize(("reply", "told"), [(NOTHING, None), (text("stale"), "stale")], ids=["nothing held", "a word"])
def test_a_script_that_wrote_nothing_waits_for_nobody(reply: bytes, told: str | None) -> None:
    with playing({"EVALSHA": [reply], "WAIT": [number(0)]}, wait=1) as (store, _):
        assert write(store) == told
