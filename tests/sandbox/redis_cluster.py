"""A Redis Cluster on 127.0.0.1: primaries with equal shares of the slots, and on request a replica of the first."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from redis import Redis

from tests.sandbox.redis_servers import RedisServer, free_port

SLOTS: Final = 16384
FORMED_S: Final = 20.0
"""The longest that the servers may take to agree; 2 s are usual."""

_PAUSE_S: Final = 0.05


@contextmanager
def redis_cluster(folder: Path, primaries: int = 3, replicas: int = 0) -> Iterator[Sequence[RedisServer]]:
    """The servers, once every slot is served and every replica has what its primary has; primaries first."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_server(folder / str(number))) for number in range(primaries + replicas)]
        clients = [stack.enter_context(Redis.from_url(server.url)) for server in servers]
        for number, client in enumerate(clients):
            client.cluster("SET-CONFIG-EPOCH", number + 1)
        for number, client in enumerate(clients[:primaries]):
            first, last = (SLOTS * each // primaries for each in (number, number + 1))
            client.cluster("ADDSLOTSRANGE", first, last - 1)
        for server in servers[1:]:
            bus = server.option("cluster-port")
            clients[0].cluster("MEET", "127.0.0.1", server.port, bus)
        _wait(lambda: all(_nodes(client) == len(servers) for client in clients), "the servers to know each other")
        for client in clients[primaries:]:
            client.cluster("REPLICATE", _text(clients[0].cluster("MYID")))
        _wait(lambda: all(map(_is_formed, clients)), "the cluster to be formed")
        _wait(lambda: all(map(_is_in_step, clients[primaries:])), "the replicas to be in step")
        yield servers


def _server(folder: Path) -> RedisServer:
    folder.mkdir()
    options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000", "cluster-port": str(free_port())}
    return RedisServer(folder, options={**options, "repl-diskless-sync-delay": "0"})


def _nodes(client: Redis) -> int:
    return int(_cluster_info(client)["cluster_known_nodes"])


def _is_formed(client: Redis) -> bool:
    info = _cluster_info(client)
    return info["cluster_state"] == "ok" and info["cluster_slots_ok"] == str(SLOTS)


def _is_in_step(client: Redis) -> bool:
    return client.info("replication").get("master_link_status") == "up"


def _cluster_info(client: Redis) -> dict[str, str]:
    reply = client.cluster("INFO")
    return {str(name): str(value) for name, value in reply.items()}


def _text(reply: object) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _wait(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + FORMED_S
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(_PAUSE_S)
