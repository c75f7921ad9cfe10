"""The ledgers under contract, each as a store that gives out ledgers. A new kind is added here, and only here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import pytest

from handler.core.errors import AnswerLost
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Group, Row
from handler.core.ports.ledger import Ledger
from handler.core.ports.system import Clock
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.redis_store import PrefixedRedis, prefixed_cluster, prefixed_redis
from tests.sandbox.clocks import ManualClock
from tests.sandbox.memory_ledger import MemoryLedger

if TYPE_CHECKING:
    from sqlite3 import _Parameters


class OpenLedger(Ledger, Protocol):
    """A ledger that can be let go of."""

    def close(self) -> None:
        """Give back what it holds; the store keeps its data."""


Closing: TypeAlias = Callable[[OpenLedger], OpenLedger]
"""Takes a ledger that a test has opened, gives it back, and closes it when the test is over."""


class Store(Protocol):
    """One place where rows and records are kept: all ledgers opened on it see the same ones."""

    def open(self, clock: Clock) -> OpenLedger:
        """A ledger that goes by `clock`."""

    def open_losing_answers(self, clock: Clock, *, applied: bool) -> OpenLedger:
        """A ledger on the same data whose writes, where they hold, take effect or not, and whose answers are lost."""


class SharedStore(Store, Protocol):
    """A store that other processes reach too: it can be pickled, and opened there."""

    def open_out_of_reach(self, clock: Clock) -> OpenLedger:
        """A ledger of the same kind whose store cannot be reached."""


class GivenClock(ManualClock):
    """All the time there is, moved by hand; sleeping moves it."""

    def monotonic(self) -> float:
        return self.now()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)


class MemoryStore:
    """A dictionary behind a lock."""

    def __init__(self, clock: Clock) -> None:
        self._ledger = MemoryLedger(clock)

    def open(self, clock: Clock) -> MemoryLedger:
        return self._ledger

    def open_losing_answers(self, clock: Clock, *, applied: bool) -> MemoryLedger:
        """A second ledger that starts from the same data and brings back what it wrote."""
        return _AnswerLosingMemoryLedger(self._ledger, clock, applied=applied)


class _AnswerLosingMemoryLedger(MemoryLedger):
    def __init__(self, ledger: MemoryLedger, clock: Clock, *, applied: bool) -> None:
        super().__init__(clock)
        self._behind = ledger
        self._applied = applied
        self.restore(ledger.snapshot())

    def _put(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> None:
        if self._applied:
            super()._put(group, row, records, watermarks)
            self._behind.swap(group, row, records, watermarks)
        raise AnswerLost("the answer was lost on purpose")


@dataclass(frozen=True)
class SqliteStore:
    path: str
    factory: type[sqlite3.Connection] = sqlite3.Connection

    def open(self, clock: Clock) -> SqliteLedger:
        return SqliteLedger(self.path, clock, factory=self.factory)

    def open_losing_answers(self, clock: Clock, *, applied: bool) -> SqliteLedger:
        """A ledger whose commits fail, once they are done or instead of being done."""
        return SqliteLedger(self.path, clock, factory=FailsAfterCommit if applied else FailsInsteadOfCommit)

    def open_out_of_reach(self, clock: Clock) -> SqliteLedger:
        """A ledger in a folder that does not exist."""
        return SqliteLedger(f"{self.path}.missing/ledger", clock)


class _Unsynced(sqlite3.Connection):
    """A connection that never waits for the disk, whatever it is told."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # whatever `sqlite3.connect` hands on
        super().execute("PRAGMA synchronous = OFF")

    def execute(self, sql: str, parameters: _Parameters = (), /) -> sqlite3.Cursor:
        return super().execute("SELECT 1" if sql.startswith("PRAGMA synchronous") else sql, parameters)


class WriteHook(sqlite3.Connection):
    """A connection that calls `commit_write` where a write transaction is to be committed."""

    writing = False

    def execute(self, sql: str, parameters: _Parameters = (), /) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.writing:
            self.writing = False
            return self.commit_write()
        if sql.startswith("BEGIN"):
            self.writing = sql == "BEGIN IMMEDIATE"
        return super().execute(sql, parameters)

    def commit_write(self) -> sqlite3.Cursor:
        return super().execute("COMMIT")


class FailsAfterCommit(WriteHook):
    """A connection whose answers are lost."""

    def commit_write(self) -> sqlite3.Cursor:
        super().commit_write()
        raise sqlite3.OperationalError("disk I/O error")


class FailsInsteadOfCommit(WriteHook):
    """A connection whose writes are lost."""

    def commit_write(self) -> sqlite3.Cursor:
        # SQLite itself ends the transaction when a COMMIT fails.
        super().execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")


def _sqlite(request: pytest.FixtureRequest, clock: Clock) -> SqliteStore:
    return SqliteStore(str(request.getfixturevalue("tmp_path") / "ledger.db"))


def _quick_sqlite(request: pytest.FixtureRequest, clock: Clock) -> SqliteStore:
    # No power is lost in most tests, and they need not wait for the disk.
    return replace(_sqlite(request, clock), factory=_Unsynced)


def _memory(request: pytest.FixtureRequest, clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


def _redis(request: pytest.FixtureRequest, clock: Clock) -> PrefixedRedis:
    return prefixed_redis()


def _cluster(request: pytest.FixtureRequest, clock: Clock) -> PrefixedRedis:
    return prefixed_cluster()


def _dynamodb(request: pytest.FixtureRequest, clock: Clock) -> DynamoDbStore:
    return DynamoDbStore.new(request.getfixturevalue("dynamodb_endpoint"))


LEDGERS: dict[str, Callable[[pytest.FixtureRequest, Clock], Store]] = {
    "dynamodb": _dynamodb,
    "memory": _memory,
    "redis": _redis,
    "redis cluster": _cluster,
    "sqlite": _quick_sqlite,
}

SHARED_LEDGERS: dict[str, Callable[[pytest.FixtureRequest, Clock], SharedStore]] = {
    "dynamodb": _dynamodb,
    "redis": _redis,
    "redis cluster": _cluster,
    "sqlite": _sqlite,
}
"""Those that any number of processes use together: every ledger that may be deployed."""
