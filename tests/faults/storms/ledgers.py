"""The ledgers of a storm: each a real store, reached through a relay where there is a connection to be cut."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from tests.sandbox.aws_client import REGION
from tests.sandbox.environment import LEDGER_PASSWORD, LEDGER_USER
from tests.sandbox.ministack import MiniStack
from tests.sandbox.redis_servers import Binary, RedisServer
from tests.sandbox.relay import Cut, Delay, Mishap, Moment, Relay, Silence

Kind: TypeAlias = Literal["sqlite", "redis", "dynamodb"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# What befalls one request in so many, wherever it is on its way.
MISHAP_RATE: Final = 0.04
MISHAPS: Final[tuple[Mishap, ...]] = (
    *(Cut(moment) for moment in Moment for _ in range(3)),
    *(Delay(moment, 0.2) for moment in Moment),
    *(Silence(Moment.BEFORE), Silence(Moment.AFTER)),
)

# Each write is on the disk before it is answered: a server that is killed has forgotten nothing that it said.
DURABLE: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


@dataclass(frozen=True)
class StormLedger:
    """What leads instances to a store, and what may befall it; its server may be killed `restarts` times."""

    variables: Mapping[str, str] = field(default_factory=dict)
    relay: Relay | None = None
    restart: Callable[[], None] = lambda: None
    restarts: int = 0

    @property
    def mishaps(self) -> int:
        return self.relay.mishaps if self.relay is not None else 0

    def rage(self, chance: random.Random) -> None:
        if self.relay is not None:
            self.relay.randomly(MISHAP_RATE, MISHAPS, chance.randrange(2**32))

    def calm(self) -> None:
        if self.relay is not None:
            self.relay.calm()


@contextmanager
def ledger_of(kind: Kind, folder: Path, *, restarts: int = 0, binary: Binary = "redis") -> Iterator[StormLedger]:
    """An empty store, up for as long as the block lasts; what it writes lies in `folder`."""
    if kind == "sqlite":
        yield StormLedger()
    elif kind == "redis":
        with redis_with_password(folder, binary) as server, Relay(server.port) as relay:
            yield StormLedger({"LEDGER_URL": redis_url(relay.server_port)}, relay, server.restart, restarts)
    else:
        with MiniStack(folder, "dynamodb") as stack, Relay(int(stack.endpoint.rpartition(":")[2])) as relay:
            yield StormLedger(dynamodb_variables(relay.server_port), relay)


def redis_with_password(folder: Path, binary: Binary = "redis") -> RedisServer:
    """A server that loses nothing, and lets in who has the password."""
    user = {"user": f"{LEDGER_USER} on >{LEDGER_PASSWORD} ~* &* +@all", "requirepass": LEDGER_PASSWORD}
    return RedisServer(folder, binary=binary, options={**DURABLE, **user})


def redis_url(port: int) -> str:
    return f"redis://{LEDGER_USER}:{LEDGER_PASSWORD}@127.0.0.1:{port}/0"


def dynamodb_variables(port: int) -> dict[str, str]:
    """Where the function finds its table, which it makes itself, and the credentials of the platform."""
    return {
        "LEDGER_URL": f"dynamodb://counters?region={REGION}&endpoint=http://127.0.0.1:{port}&create=true",
        "AWS_ACCESS_KEY_ID": "ASIAMADEUP",
        "AWS_SECRET_ACCESS_KEY": "made-up-secret-key",
        "AWS_SESSION_TOKEN": "made-up-session-token",
    }
