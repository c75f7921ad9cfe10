"""Connections to a Redis server: what it has to say of itself before one is used, and which ones are kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis.exceptions import RedisError

from handler.core.errors import LedgerUnavailable
from handler.ledgers.redis.connections import NO_POLICY_SHOWN, NO_SERVER_SHOWN, Connections, Link, exchange
from tests.e2e.watching import wait_for
from tests.unit.ledgers.redis.played_redis import SILENCE, PlayedRedis, Reply, no_warning, refused, text

GOOD = "maxmemory:0\r\nmaxmemory_policy:noeviction\r\n"


@contextmanager
def connections(server: PlayedRedis, warnings: list[str] | None = None) -> Iterator[Connections]:
    """Connections to a server; nothing may be warned of unless `warnings` takes it."""
    warn = no_warning if warnings is None else warnings.append
    made = Connections(server.settings, ("127.0.0.1", server.server_port), warn)
    yield made
    made.close()


def has_ended(link: Link) -> bool:
    try:
        link.connection.can_read()
    except RedisError:
        return True
    return False


def ping(link: Link) -> list[object]:
    return exchange(link.connection, [("PING",)])


def test_a_connection_that_comes_back_is_lent_again() -> None:
    with PlayedRedis() as server, connections(server) as lending:
        assert lending.take() is None
        link = lending.open()
        assert (link.run_id, ping(link)) == ("a", ["OK"])
        lending.give_back(link)
        assert lending.take() is link
        lending.give_back(link)


def test_a_connection_that_the_server_has_closed_is_not_lent_again() -> None:
    """Neither is one on which something has arrived that nobody asked for."""
    with PlayedRedis({"PING": [None, b"+OK\r\n+AND\r\n"]}) as server, connections(server) as lending:
        closed, unasked = lending.open(), lending.open()
        closed.connection.send_packed_command([b"*1\r\n$4\r\nPING\r\n"], check_health=False)
        wait_for(lambda: has_ended(closed), "the end of a connection")
        assert ping(unasked) == ["OK"]
        for link in (closed, unasked):
            lending.give_back(link)
        assert lending.take() is None


def test_closing_ends_what_is_idle_and_no_more() -> None:
    """What is lent goes on, and another is opened when it is needed."""
    with PlayedRedis() as server, connections(server) as lending:
        lent, idle = lending.open(), lending.open()
        lending.give_back(idle)
        lending.close()
        assert (ping(lent), idle.connection.is_connected, lending.take()) == (["OK"], False, None)
        lending.give_back(lent)


@pytest.mark.parametrize(
    ("memory", "server", "warned"),
    [
        (text(GOOD), text("run_id:a\r\n"), []),
        (refused("NOPERM this user has no permissions"), text("run_id:a\r\n"), [NO_POLICY_SHOWN]),
        (text("used_memory:1\r\n"), text("run_id:a\r\n"), [NO_POLICY_SHOWN]),
        (text(GOOD), refused("NOPERM this user has no permissions"), [NO_SERVER_SHOWN]),
        (text(GOOD), text("run_id:\r\n"), [NO_SERVER_SHOWN]),
    ],
    ids=["tells all", "no policy", "a policy left out", "no name", "an empty name"],
)
def test_what_a_server_does_not_tell_of_itself_is_warned_of(memory: bytes, server: bytes, warned: list[str]) -> None:
    warnings: list[str] = []
    says = {"INFO memory": [memory], "INFO server": [server]}
    with PlayedRedis(says) as played, connections(played, warnings) as lending:
        link = lending.open()
        lending.give_back(link)
    assert (warnings, link.run_id) == (warned, "" if NO_SERVER_SHOWN in warned else "a")


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (None, r"^no connection to Redis could be made: \w+$"),
        (SILENCE, "^no connection to Redis was made in time$"),
        (refused("LOADING Redis is loading the dataset in memory"), "refused a command with LOADING: the server is"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "^no connection to Redis could be made: "),
    ],
    ids=["hung up", "silent", "loading", "another protocol"],
)
def test_a_server_that_does_not_introduce_itself_is_unavailable(reply: Reply, told: str) -> None:
    says = {"INFO server": [reply]}
    with PlayedRedis(says) as server, connections(server) as lending, pytest.raises(LedgerUnavailable, match=told):
        lending.open()
