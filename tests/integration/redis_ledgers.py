"""What the tests of the Redis ledger share: a ledger on a server, a request that nobody disturbs, a plain client."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

from redis import Redis

from handler.config.ledger_url import RedisUrl
from handler.core.model.row import Group, Pause
from handler.core.ports.ledger import Generation, Ledger
from handler.ledgers.redis.ledger import RedisLedger
from tests.contract.redis_store import no_warning
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement
from tests.contract.stores import GivenClock

WRITES: Final[dict[str, Callable[[Ledger], object]]] = {
    "begin": lambda ledger: ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION),
    "append": lambda ledger: ledger.append(GROUP, [entry()], 36 * 1024),
    "swap": lambda ledger: ledger.swap(GROUP, idle_row().changed(base=5), {}),
    "raise": lambda ledger: ledger.raise_generation(),
    "pause": lambda ledger: ledger.pause(Pause(1_700_000_000, "why")),
    "start": lambda ledger: ledger.start_generation(Generation(1), 1_800_000_000),
}
READS: Final[dict[str, Callable[[Ledger], object]]] = {
    "load": lambda ledger: ledger.load(GROUP),
    "find": lambda ledger: ledger.find(GROUP, ["operation"]),
    "look": lambda ledger: ledger.look(GROUP, ["operation"]),
    "unfinished": lambda ledger: ledger.unfinished(GROUP.app, 10),
    "held": lambda ledger: ledger.held(GROUP.app, 10),
    "rows": lambda ledger: ledger.rows(GROUP.app, [GROUP.id, "other"]),
}


@contextmanager
def opened(
    url: str,
    *,
    cluster: bool = False,
    authorities: str | None = None,
    wait: int = 0,
    warn: Callable[[str], None] = no_warning,
) -> Iterator[RedisLedger]:
    place = RedisUrl(url, wait=wait, cluster=cluster, authorities=authorities)
    with closing(RedisLedger(place, GivenClock(), warn=warn)) as ledger:
        yield ledger


def update(ledger: Ledger, name: str = "operation", group: Group = GROUP) -> None:
    """Accept and settle one operation, in a group that is made if it is not there."""
    row = ledger.load(group)
    if row is None:
        assert ledger.swap(group, idle_row(), {})
    base = (row or idle_row()).base or 0
    run = attempt(entry(name), name=f"attempt of {name}")
    assert ledger.begin(group, run, RECEIPT_KEY, ledger.generation().number) is not None
    assert ledger.settle(group, settlement(run, base))


def commands_of(client: Redis) -> dict[str, int]:
    """How often the server has done each command."""
    return {name.removeprefix("cmdstat_"): int(stat["calls"]) for name, stat in client.info("commandstats").items()}
