"""Which life of the store a Redis server is, and what becomes of connections to one whose place was taken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from handler.core.errors import LedgerUnavailable
from handler.ledgers.redis.connections import Connections, Link
from handler.ledgers.redis.topology import Servers
from tests.unit.ledgers.redis.played_redis import (
    GENERATION_KEY,
    SILENCE,
    PlayedRedis,
    Reply,
    Says,
    generation,
    no_warning,
    refused,
    text,
)

KEY = "{played}:row"
ONE, OTHER = text("run_id:one\r\n"), text("run_id:other\r\n")


@contextmanager
def registering(says: Says, warn: Callable[[str], None] = no_warning) -> Iterator[tuple[Servers, PlayedRedis]]:
    """A server that says this, and nobody has met yet."""
    with PlayedRedis(says) as server:
        servers = Servers(server.settings, GENERATION_KEY, warn)
        yield servers, server
        servers.close()


def test_connections_to_the_server_before_are_closed_and_not_lent() -> None:
    """They were lent out while its place was taken, and came back later."""
    with registering({"INFO server": [ONE, ONE, OTHER]}) as (servers, _):
        before = [servers.lend(KEY), servers.lend(KEY)]
        with pytest.raises(LedgerUnavailable):
            servers.lend(KEY)
        for lent in before:
            lent.give_back()
        assert servers.lend(KEY).link.run_id == "other"
        assert [lent.link.connection.is_connected for lent in before] == [False, False]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (None, "^no connection to Redis could be made: "),
        (SILENCE, r"^no connection to Redis was made in time$"),
        (refused("READONLY You can't write against a read only replica."), "READONLY: the server is a replica$"),
        (refused("NOPERM User app has no permissions to run the 'eval' command"), "NOPERM: the user of LEDGER_URL"),
    ],
    ids=["cut off", "silent", "replica", "no permission"],
)
def test_a_registration_that_fails_is_made_again_by_the_next_call(reply: Reply, told: str) -> None:
    """Nothing was written by it that counts: a generation may be raised twice."""
    with registering({"MEET": [reply, generation(3)]}) as (servers, _):
        with pytest.raises(LedgerUnavailable, match=told):
            servers.lend(KEY)
        assert servers.generation.number == 3


class Overtaken(Servers):
    """While a connection of one call is being opened, another call registers the server."""

    def _opened(self, home: Connections) -> Link:
        link = super()._opened(home)
        if not self.overtaken and link.run_id == "other":
            self.overtaken = True
            with pytest.raises(LedgerUnavailable, match="another server than before"):
                self.lend(KEY)
        return link

    overtaken = False


def test_of_two_that_come_to_another_server_at_once_the_second_finds_it_met() -> None:
    """It goes on with what has been learned, and leaves it to the store whether its row is from there."""
    with PlayedRedis({"INFO server": [ONE, OTHER], "MEET": [generation(1), generation(2)]}) as server:
        servers = Overtaken(server.settings, GENERATION_KEY, no_warning)
        servers.lend(KEY).drop()
        lent = servers.lend(KEY)
        assert (servers.overtaken, lent.link.run_id, lent.servers) == (True, "other", frozenset({"other"}))
        assert servers.generation.number == 2
        servers.close()
