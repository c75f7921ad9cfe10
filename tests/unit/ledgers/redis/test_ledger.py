"""When a Redis ledger learns of a generation that somebody else has raised."""

from contextlib import closing

from handler.config.ledger_url import RedisUrl
from handler.ledgers.redis.ledger import ASKS_AFTER_S, RedisLedger
from tests.contract.stores import GivenClock
from tests.unit.ledgers.redis.played_redis import PlayedRedis, generation, no_warning, number, several, text


def test_in_a_cluster_the_generation_is_asked_for_every_few_seconds() -> None:
    """It lies on another server than most groups, where no write looks at it."""
    clock = GivenClock()
    with PlayedRedis({"EVALSHA": [generation(2), generation(3)]}) as server:
        slots = several(several(number(0), number(16383), several(text("127.0.0.1"), number(server.server_port))))
        server.says["CLUSTER"] = [slots]
        endpoint = RedisUrl(server.endpoint.url, cluster=True)
        with closing(RedisLedger(endpoint, clock, warn=no_warning)) as ledger:
            assert ledger.generation().number == 1
            clock.advance(ASKS_AFTER_S - 1)
            assert ledger.generation().number == 1
            clock.advance(1)
            assert [ledger.generation().number for _ in range(2)] == [2, 2]
            clock.advance(ASKS_AFTER_S)
            assert ledger.generation().number == 3
