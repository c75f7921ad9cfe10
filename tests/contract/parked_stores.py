"""The stores of parked records and notes under contract, each opened empty. A new kind is added here, and only here."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from handler.core.ports.ledger import Parked, ParkedAndNotes
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.redis_store import PrefixedRedis, prefixed_cluster, prefixed_redis
from tests.contract.stores import GivenClock
from tests.sandbox.memory_parked import MemoryParked

APP = 1_400_000_000

Opened: TypeAlias = AbstractContextManager[ParkedAndNotes]


@contextmanager
def sqlite_parked(
    folder: Path, factory: type[sqlite3.Connection] = sqlite3.Connection, name: str = "ledger.db"
) -> Iterator[ParkedAndNotes]:
    with closing(SqliteLedger(str(folder / name), GivenClock(), factory=factory)) as ledger:
        yield ledger.parked()


@contextmanager
def _memory(request: pytest.FixtureRequest) -> Iterator[ParkedAndNotes]:
    yield MemoryParked()


def _sqlite(request: pytest.FixtureRequest) -> Opened:
    return sqlite_parked(request.getfixturevalue("tmp_path"))


def _redis(request: pytest.FixtureRequest) -> Opened:
    return _redis_parked(prefixed_redis())


def _cluster(request: pytest.FixtureRequest) -> Opened:
    return _redis_parked(prefixed_cluster())


@contextmanager
def _redis_parked(place: PrefixedRedis) -> Iterator[ParkedAndNotes]:
    with closing(place.open(GivenClock())) as ledger:
        yield ledger.parked()


@contextmanager
def _dynamodb(request: pytest.FixtureRequest) -> Iterator[ParkedAndNotes]:
    store = DynamoDbStore.new(request.getfixturevalue("dynamodb_endpoint"))
    with closing(store.open(GivenClock())) as ledger:
        yield ledger.parked()


PARKED_STORES: dict[str, Callable[[pytest.FixtureRequest], Opened]] = {
    "dynamodb": _dynamodb,
    "memory": _memory,
    "redis": _redis,
    "redis cluster": _cluster,
    "sqlite": _sqlite,
}


def parked(
    name: str = "message-1",
    *,
    source: str = "arn:aws:sqs:eu-west-1:123456789012:counters",
    reason: str = "body: is not JSON",
    payload: str = "{",
    expires_at: float = 0.0,
) -> Parked:
    """A record of a queue that was not JSON."""
    return Parked(name, source, reason, 1_795_305_600.25, payload, expires_at)
