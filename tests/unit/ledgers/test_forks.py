"""A process may fork in the middle of anything: its child waits for nobody and writes into nobody's connection.

The contract shows that nothing is lost by it (tests/contract/test_ledger_forks.py); here each part does its share.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handler.core.model.row import Row
from handler.ledgers.dynamodb.client import Client
from handler.ledgers.dynamodb.items import Stored
from handler.ledgers.dynamodb.memory import Memory
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import GivenClock
from tests.integration.byte_server import ByteServer, answering, http
from tests.sandbox import dynamodb
from tests.unit.ledgers.redis.played_redis import PlayedRedis

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0
"""Whoever waits for a lock that nobody here could let go of waits for ever."""

TABLES = http(b'{"TableNames": ["counters"]}', "Content-Type: application/x-amz-json-1.0")


def said(part: str, argument: str) -> list[str]:
    command = [sys.executable, "-m", "tests.unit.ledgers.forking", part, argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_file_of_sqlite_is_closed_while_its_process_forks(tmp_path: Path) -> None:
    """A child would inherit locks that the system does not give it. Both open it again when they need it."""
    path = str(tmp_path / "ledger.db")
    assert said("sqlite", path) == ["True", "True [True, False] True"]


def test_a_child_talks_to_redis_over_a_connection_of_its_own() -> None:
    """Both would take each other's answers. The parent goes on with the one it has."""
    with PlayedRedis() as server:
        assert said("redis", str(server.server_port)) == ["['OK']", "['OK']"]
        assert [connection for connection, name in server.told if name == "PING"] == [0, 1, 0]


def test_a_child_talks_to_dynamodb_over_connections_of_its_own() -> None:
    """Also where a thread of the parent was just making one, and held a lock for it."""
    with ByteServer(answering(TABLES)) as server:
        assert said("client", f"http://{server.address}") == ["[['counters'], ['counters']]", "['counters']"]
        # The parent's first connection has its first and its last call; the second one was being made.
        assert sorted(len(exchange.requests) for exchange in server.exchanges) == [1, 1, 1, 2]


def test_a_child_remembers_what_its_parent_did() -> None:
    """Also where a thread of the parent was just looking into that memory, and held a lock for it."""
    assert said("memory", "") == ["True", "True"]


def test_what_nobody_holds_any_more_is_not_kept_for_the_forks_to_come(tmp_path: Path) -> None:
    """An instance that builds itself anew would otherwise hold every ledger that it ever had."""
    assert said("gone", str(tmp_path / "ledger.db")) == ["False", "False"]


@pytest.fixture
def _cannot_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork")


@pytest.mark.usefixtures("_cannot_fork")
def test_where_no_process_can_fork_ledgers_work_as_well(tmp_path: Path) -> None:
    """On Windows, where somebody may try the function out."""
    ledger = SqliteLedger(str(tmp_path / "ledger.db"), GivenClock())
    assert ledger.swap(GROUP, idle_row(), {})
    ledger.close()
    memory = Memory()
    memory.see(GROUP, Stored(idle_row(), 1, 100))
    assert isinstance((memory.row(GROUP) or Stored(idle_row(), 0, 0)).row, Row)
    with ByteServer(answering(TABLES)) as server:
        client = Client(None, f"http://{server.address}", dynamodb.session, lambda _: None)
        assert client.call("list_tables", {})["TableNames"] == ["counters"]
        client.close()
