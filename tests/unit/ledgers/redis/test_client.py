"""What becomes of an exchange with Redis: its answer, nothing, or an answer that was lost; and who is asked instead."""

from __future__ import annotations

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
    SILENCE,
    TIMEOUT_S,
    PlayedRedis,
    Reply,
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


def test_a_script_that_the_server_does_not_know_is_told_by_its_text() -> None:
    """A server that was restarted knows none, and has done nothing."""
    says = {"EVALSHA": [refused("NOSCRIPT No matching script."), number(2)], "EVAL": [number(1)]}
    with playing(says) as (store, server):
        assert [write(store), write(store)] == [1, 2]
        assert server.names == ["EVALSHA", "EVAL", "EVALSHA"]


@pytest.mark.parametrize(("reply", "lost"), [(None, SERVER_DOWN), (SILENCE, SLOW)], ids=["cut off", "silence"])
def test_a_write_without_an_answer_is_an_answer_lost_and_not_made_again(reply: Reply, lost: str) -> None:
    with playing({"EVALSHA": [reply, number(1)]}) as (store, server):
        with pytest.raises(AnswerLost, match=f"^{lost}$"):
            write(store)
        assert server.names == ["EVALSHA"]


def test_a_read_that_was_cut_off_is_made_once_more_on_another_connection() -> None:
    """A connection may have been closed while nobody looked."""
    with playing({"HMGET": [None, VALUE]}) as (store, server):
        assert read(store) == [["1"]]
        assert len({connection for connection, _ in server.told}) == 2


def test_a_read_that_is_cut_off_twice_is_unavailable() -> None:
    """The store is, and nothing was written."""
    with playing({"HMGET": [None]}) as (store, server):
        with pytest.raises(LedgerUnavailable, match=f"^{SERVER_DOWN}$"):
            read(store)
        assert server.names == ["HMGET", "HMGET"]


def test_a_read_that_took_too_long_is_not_made_again() -> None:
    with playing({"HMGET": [SILENCE]}) as (store, server):
        with pytest.raises(LedgerUnavailable, match=f"^{SLOW}$"):
            read(store)
        assert server.names == ["HMGET"]


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


def test_a_write_counts_once_enough_replicas_have_it() -> None:
    with playing({"EVALSHA": [number(1)], "WAIT": [number(1), number(2)]}, wait=1) as (store, server):
        assert [write(store), write(store)] == [1, 1]
        assert server.names == ["EVALSHA", "WAIT"] * 2


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


def test_a_row_that_too_few_replicas_have_is_not_acted_on() -> None:
    """What it tells might be forgotten with the primary."""
    with playing({"HMGET": [VALUE], "WAIT": [number(1), number(0)]}, wait=1) as (store, server):
        assert read(store) == [["1"]]
        with pytest.raises(LedgerUnavailable, match=r"^a row is on fewer replicas of Redis than 1$"):
            read(store)
        # A wait is for the connection's own last write, so the read makes one.
        assert server.names == ["HMGET", "SET", "WAIT"] * 2


def test_what_is_no_row_is_read_without_waiting() -> None:
    with playing({"HMGET": [VALUE]}, wait=1) as (store, server):
        assert store.ask(KEY, READ) == [["1"]]
        assert server.names == ["HMGET"]


def test_a_row_is_not_written_where_it_was_not_read() -> None:
    """Another server has taken the place of the one that it goes back to, and may have forgotten what that one had."""
    says: Says = {"INFO server": [text("run_id:a\r\n"), text("run_id:b\r\n")], "HMGET": [VALUE, None]}
    with playing(says) as (store, server):
        read(store)
        with pytest.raises(LedgerUnavailable, match="another server than before"):
            read(store)
        with pytest.raises(LedgerUnavailable, match="read from a Redis server whose place another has taken"):
            store.run(SCRIPT, [KEY], [], Use.WRITE_ROW)
        assert server.names == ["HMGET", "HMGET"]
        server.says["HMGET"] = [VALUE]
        read(store)
        assert store.run(SCRIPT, [KEY], [], Use.WRITE_ROW) == "OK"


def test_a_server_that_sends_to_another_needs_another_setting() -> None:
    says = {"HMGET": [refused("MOVED 7 127.0.0.1:1")]}
    expected = r"MOVED: .* LEDGER_URL needs cluster=true$"
    with playing(says) as (store, _), pytest.raises(LedgerUnavailable, match=expected):
        read(store)
