"""Where the servers of a Redis Cluster send on to, and whom a store asks that they have sent astray."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from redis.crc import key_slot

from handler.core.errors import LedgerUnavailable
from handler.core.ports.ledger import Generation
from handler.ledgers.redis.client import REDIRECTIONS_MAX, RedisClient, Use
from handler.ledgers.redis.scripts import Script
from handler.ledgers.redis.topology import ClusterServers
from tests.unit.ledgers.redis.played_redis import (
    GENERATION_KEY,
    TIMEOUT_S,
    PlayedRedis,
    Reply,
    Says,
    generation,
    no_warning,
    number,
    refused,
    several,
    text,
)

SLOTS = 16384
KEY = "{b}:row"
"""Its slot is among the lower half."""

SCRIPT = Script("return 1")
VALUE = several(text("1"))


class Pair:
    """Two primaries: `here`, where a store enters, with the lower half of the slots, and `there` with the upper."""

    def __init__(self, here: PlayedRedis, there: PlayedRedis, wait: int) -> None:
        self.here, self.there = here, there
        for server in (here, there):
            server.says["CLUSTER"] = [layout(here, there)]
        self.servers = ClusterServers(here.settings, GENERATION_KEY, no_warning)
        self.store = RedisClient(self.servers, GENERATION_KEY, wait=wait, timeout_s=TIMEOUT_S)

    def sends_on(self, word: str, times: int = 1) -> Sequence[Reply]:
        """As many redirections from here to there, and then an answer."""
        return [refused(f"{word} {key_slot(KEY.encode())} {self.there.address}")] * times + [VALUE]


@contextmanager
def cluster(wait: int = 0) -> Iterator[Pair]:
    with PlayedRedis(run_id="here") as here, PlayedRedis(run_id="there") as there:
        pair = Pair(here, there, wait)
        assert pair.store.generation.number == 1
        for server in (here, there):
            server.told.clear()
        yield pair
        pair.store.close()


def layout(*primaries: PlayedRedis, hosts: bool = True) -> bytes:
    """Who has which slots: each an equal share, in this order."""
    shares = [SLOTS * place // len(primaries) for place in range(len(primaries) + 1)]
    return several(
        *(
            several(
                *(number(first), number(after - 1)),
                several(text("127.0.0.1") if hosts else b"$-1\r\n", number(server.server_port)),
            )
            for first, after, server in zip(shares, shares[1:], primaries, strict=False)
        )
    )


def read(store: RedisClient) -> object:
    return store.ask(KEY, ("HMGET", KEY, "v"), use=Use.READ_ROW)


def write(store: RedisClient) -> object:
    return store.run(SCRIPT, [KEY], ["argument"])


@pytest.mark.parametrize("word", ["MOVED", "ASK"])
def test_servers_that_send_in_circles_are_left(word: str) -> None:
    with cluster() as pair:
        pair.here.says["HMGET"] = pair.sends_on(word, 100)
        pair.there.says["HMGET"] = [refused(f"{word} 1 {pair.here.address}")]
        with pytest.raises(LedgerUnavailable, match="send from one to another"):
            read(pair.store)
        assert (pair.here.names + pair.there.names).count("HMGET") == 1 + REDIRECTIONS_MAX


@pytest.mark.parametrize("call", [read, write])
def test_a_slot_that_has_moved_away_from_a_primary_without_replicas_is_followed(
    call: Callable[[RedisClient], object],
) -> None:
    """It has none, as one that is being taken out of the cluster: what it says of the row is only where that is."""
    with cluster(wait=1) as pair:
        moved = pair.sends_on("MOVED", 100)
        pair.here.says |= {"HMGET": moved, "EVALSHA": moved, "SET": moved, "WAIT": [number(0)]}
        pair.here.says["CLUSTER"] = [layout(pair.there, pair.here)]
        pair.there.says |= {"HMGET": [VALUE], "EVALSHA": [number(1)], "WAIT": [number(1)]}
        call(pair.store)
        call(pair.store)
        assert pair.there.names.count("WAIT") == 2


def test_a_server_that_tells_no_host_is_where_the_cluster_was_entered() -> None:
    with PlayedRedis(run_id="here") as here:
        here.says |= {"CLUSTER": [layout(here, hosts=False)], "HMGET": [VALUE]}
        servers = ClusterServers(here.settings, GENERATION_KEY, no_warning)
        assert read(RedisClient(servers, GENERATION_KEY, wait=0, timeout_s=TIMEOUT_S)) == [["1"]]
        servers.close()


def test_a_key_whose_slot_nobody_has_is_unavailable() -> None:
    with cluster() as pair:
        pair.here.says |= {"HMGET": pair.sends_on("MOVED"), "CLUSTER": [several()]}
        pair.there.says["HMGET"] = [VALUE]
        assert read(pair.store) == [["1"]]
        with pytest.raises(LedgerUnavailable, match="no server of the Redis cluster has this group's slot"):
            read(pair.store)


def test_a_primary_that_is_gone_is_asked_about_at_the_others() -> None:
    """The call fails, for nothing may be sent twice; the next one knows who has its slots."""
    with cluster() as pair:
        pair.there.says |= {"CLUSTER": [layout(pair.there)], "HMGET": [VALUE]}
        pair.here.close()
        with pytest.raises(LedgerUnavailable):
            read(pair.store)
        assert read(pair.store) == [["1"]]


def test_a_cluster_nobody_of_which_answers_says_why_the_first_did_not() -> None:
    with cluster() as pair:
        for server in (pair.here, pair.there):
            server.close()
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match=r"^no connection to Redis could be made: ConnectionRefused"):
                read(pair.store)


def test_a_server_that_is_not_of_a_cluster_says_so() -> None:
    with PlayedRedis({"CLUSTER": [refused("ERR This instance has cluster support disabled")]}) as server:
        servers = ClusterServers(server.settings, GENERATION_KEY, no_warning)
        with pytest.raises(LedgerUnavailable, match=r"^Redis refused a command with ERR$"):
            servers.lend(KEY)
        servers.close()


def test_a_server_that_is_not_one_of_those_that_were_met_is_met_first() -> None:
    """It has taken the place of one: the command is not run there, and the cluster is of another generation."""
    with cluster() as pair, PlayedRedis(run_id="new") as new:
        changed: Says = {"CLUSTER": [layout(pair.here, new)], "MEET": [generation(2, 1_800_000_000)]}
        pair.here.says |= {"HMGET": [refused(f"MOVED 1 {new.address}")], **changed}
        new.says |= changed
        with pytest.raises(LedgerUnavailable, match="another server than before"):
            read(pair.store)
        assert new.names == ["CLUSTER"]
        assert pair.store.generation == Generation(2, 1_800_000_000)


def test_a_server_that_is_no_primary_yet_is_not_written_to() -> None:
    """One sends to it, but by the cluster's word it has no slots: somebody is just taking over."""
    with cluster() as pair, PlayedRedis(run_id="new") as new:
        pair.here.says["EVALSHA"] = [refused(f"MOVED 1 {new.address}")]
        new.says["CLUSTER"] = pair.here.says["CLUSTER"]
        with pytest.raises(LedgerUnavailable, match="changing places"):
            write(pair.store)
        assert "EVALSHA" not in new.names
        assert pair.store.generation.number == 1


def test_a_connection_that_was_refused_an_introduction_is_lent_to_one_at_a_time() -> None:
    """Two that write to it at once would take each other's answers."""
    with PlayedRedis(run_id="here") as here:
        here.says |= {"CLUSTER": [layout(here)], "MEET": [refused("OOM command not allowed"), generation(1)]}
        servers = ClusterServers(here.settings, GENERATION_KEY, no_warning)
        with pytest.raises(LedgerUnavailable, match="OOM"):
            servers.lend(KEY)
        first, second = servers.lend(KEY), servers.lend(KEY)
        assert first.link.connection is not second.link.connection
        for lent in (first, second):
            lent.drop()
        servers.close()
