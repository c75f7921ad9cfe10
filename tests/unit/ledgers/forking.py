"""Processes that fork while they hold a part of a ledger, each told by a name: `python -m tests.unit.ledgers.forking`.

What the child says is printed first, and what the parent says afterwards.
"""

from __future__ import annotations

import gc
import os
import sys
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from botocore.client import BaseClient

from handler.core.model.row import Group
from handler.ledgers.dynamodb.client import Client
from handler.ledgers.dynamodb.items import Stored
from handler.ledgers.dynamodb.memory import Memory
from handler.ledgers.redis.connections import Connections, Endpoint, settings_of
from handler.ledgers.redis.wire import exchange
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import GivenClock
from tests.sandbox import dynamodb
from tests.unit.ledgers.redis.played_redis import no_warning


def in_a_child(work: Callable[[], object]) -> None:
    """Let a child say what comes out, and end; wait for it."""
    child = os.fork()
    if child == 0:
        print(work(), flush=True)  # noqa: T201  # whoever started this reads it
        sys.exit()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the child has failed")


def sqlite(path: str) -> str:
    """A ledger in a file that is open before the fork and after it: whether it was at the moment of the fork."""

    def is_open() -> bool:
        return any(str(descriptor.resolve()) == path for descriptor in Path("/proc/self/fd").iterdir())

    opened: list[bool] = []
    # What is registered first runs last, so when this is called everybody else is ready for the fork.
    os.register_at_fork(before=lambda: opened.append(is_open()))
    with closing(SqliteLedger(path, GivenClock())) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        opened.append(is_open())
        in_a_child(lambda: ledger.load(GROUP) == idle_row())
        return f"{ledger.load(GROUP) == idle_row()} {opened} {is_open()}"


def redis(port: str) -> str:
    """Connections of which one is idle at the moment of the fork."""
    settings = settings_of(Endpoint(f"redis://127.0.0.1:{port}/0"), timeout_s=1.0)
    lending = Connections(settings, ("127.0.0.1", int(port)), no_warning)

    def ask() -> list[object]:
        link = lending.take() or lending.open()
        replies = exchange(link.connection, [("PING",)])
        lending.give_back(link)
        return replies

    ask()
    in_a_child(ask)
    return f"{ask()}"


def client(endpoint: str) -> str:
    """A client of DynamoDB that has a connection, and another that a thread is making, at the moment of the fork."""
    parent, begun, go_on = os.getpid(), Event(), Event()

    def prepare(_: BaseClient) -> None:
        begun.set()
        if os.getpid() == parent:
            go_on.wait()

    used = Client(None, endpoint, dynamodb.session, lambda _: None)
    used.call("list_tables", {})
    being_made = Client(None, endpoint, dynamodb.session, prepare)
    thread = Thread(target=being_made.call, args=("list_tables", {}))
    thread.start()
    begun.wait()
    in_a_child(lambda: [each.call("list_tables", {})["TableNames"] for each in (used, being_made)])
    go_on.set()
    thread.join()
    return f"{used.call('list_tables', {})['TableNames']}"


class SlowGroup(Group):
    """A group that takes as long to find as a test wants."""

    looked_for = Event()
    go_on = Event()

    def __hash__(self) -> int:
        self.looked_for.set()
        self.go_on.wait()
        return super().__hash__()


def memory(_: str) -> str:
    """A memory in which a thread looks something up at the moment of the fork."""
    memory = Memory()
    memory.see(GROUP, Stored(idle_row(), 1, 100))
    thread = Thread(target=memory.row, args=(SlowGroup(GROUP.app, "slow"),))
    thread.start()
    SlowGroup.looked_for.wait()

    def remembered() -> bool:
        stored = memory.row(GROUP)
        return stored is not None and stored.row == idle_row()

    in_a_child(remembered)
    SlowGroup.go_on.set()
    thread.join()
    return f"{remembered()}"


def gone(path: str) -> str:
    """Parts that nobody holds any more: whether any of them is still there."""
    parts = [
        SqliteLedger(path, GivenClock()),
        Client(None, "http://127.0.0.1:9", dynamodb.session, lambda _: None),
        Memory(),
    ]
    references = [weakref.ref(part) for part in parts]
    parts.clear()
    gc.collect()
    in_a_child(lambda: any(reference() for reference in references))
    return str(any(reference() for reference in references))


def main(name: str, argument: str) -> None:
    """Do what is called by that name."""
    parts: dict[str, Callable[[str], str]] = {
        "sqlite": sqlite,
        "redis": redis,
        "client": client,
        "memory": memory,
        "gone": gone,
    }
    print(parts[name](argument))  # noqa: T201  # whoever started this reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
