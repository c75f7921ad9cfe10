"""What a call costs on SQLite: one transaction, look-ups by index, and a bounded share of what has expired."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract import works
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, WINDOW_S, attempt, entry, idle_row, record
from tests.contract.stores import Closing, GivenClock, OpenLedger

if TYPE_CHECKING:
    from sqlite3 import _Parameters


class Statements(list[str]):
    """What connections of `factory` were told to do, and the connections."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: list[sqlite3.Connection] = []

    @property
    def transactions(self) -> list[str]:
        return [sql for sql in self if sql.startswith("BEGIN")]

    def factory(self) -> type[sqlite3.Connection]:
        """A kind of connection that keeps this list."""
        statements = self

        class Told(sqlite3.Connection):
            def __init__(self, *arguments: object, **options: object) -> None:
                super().__init__(*arguments, **options)  # type: ignore[arg-type]  # what `sqlite3.connect` hands on
                statements.connections.append(self)

            def execute(self, sql: str, parameters: _Parameters = (), /) -> sqlite3.Cursor:
                statements.append(sql)
                return super().execute(sql, parameters)

        return Told


@pytest.fixture
def statements() -> Statements:
    return Statements()


@pytest.fixture
def ledger(tmp_path: Path, clock: GivenClock, statements: Statements, closing: Closing) -> OpenLedger:
    """A ledger with an idle row, whose statements are listened to from now on."""
    ledger = closing(SqliteLedger(str(tmp_path / "ledger.db"), clock, factory=statements.factory()))
    ledger.swap(GROUP, idle_row(), {})
    statements.clear()
    return ledger


def test_an_undisturbed_operation_costs_two_write_transactions(ledger: OpenLedger, statements: Statements) -> None:
    works.update(ledger, GROUP, 0)
    assert statements.transactions == ["BEGIN IMMEDIATE"] * 2


@pytest.mark.parametrize(
    "read",
    [
        lambda ledger: ledger.load(GROUP),
        lambda ledger: ledger.find(GROUP, ["a", "b", "c"]),
        lambda ledger: ledger.unfinished(GROUP.app, 10),
        lambda ledger: ledger.held(GROUP.app, 10),
        lambda ledger: ledger.rows(GROUP.app, ["a", "b", "c"]),
        lambda ledger: ledger.generation(),
    ],
    ids=["load", "find", "unfinished", "held", "rows", "generation"],
)
def test_a_question_costs_one_read_transaction(
    ledger: OpenLedger, statements: Statements, read: Callable[[OpenLedger], object]
) -> None:
    read(ledger)
    assert statements.transactions == ["BEGIN"]


def test_no_statement_reads_a_whole_table(ledger: OpenLedger, statements: Statements, tmp_path: Path) -> None:
    """Every table but the one of a single line is entered by an index."""
    works.update(ledger, GROUP, 0)
    ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION)
    ledger.swap(GROUP, idle_row(), {})
    ledger.load(GROUP)
    ledger.unfinished(GROUP.app, 10)
    ledger.held(GROUP.app, 10)
    questions = [sql for sql in statements if sql.lstrip().startswith(("SELECT", "INSERT", "DELETE"))]
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        plans = {
            sql: str(database.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?")).fetchall())
            for sql in questions
        }
    database.close()
    assert len(plans) >= 6
    assert {sql: plan for sql, plan in plans.items() if "SCAN" in plan} == {}
    for index in ("unfinished_groups", "held_groups"):
        assert any(index in plan for plan in plans.values())
    assert any("records_by_expiry" in plan for plan in plans.values())


def test_no_write_pays_for_a_backlog(ledger: OpenLedger, clock: GivenClock) -> None:
    """Expired records go a few at a time, and are found until they do."""
    old = {f"old {number}": record(at=clock.now()) for number in range(100)}
    ledger.swap(GROUP, idle_row().changed(), old)
    clock.advance(2 * WINDOW_S)
    assert len(ledger.find(GROUP, list(old))) == 100
    ledger.swap(GROUP, idle_row().changed().changed(), {})
    assert 90 <= len(ledger.find(GROUP, list(old))) < 100


def test_an_expired_record_counts_while_it_is_there(ledger: OpenLedger, clock: GivenClock) -> None:
    """Otherwise the same operation would be new to one worker and known to another."""
    ledger.swap(GROUP, idle_row().changed(), {"operation": record(at=clock.now())})
    clock.advance(2 * WINDOW_S)
    assert ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION) is None


def test_calls_one_after_the_other_share_one_connection(ledger: OpenLedger, statements: Statements) -> None:
    for number in range(3):
        works.update(ledger, GROUP, number)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(ledger.load, GROUP).result()
    assert len(statements.connections) == 1


def test_threads_use_no_more_connections_than_calls_at_a_time(ledger: OpenLedger, statements: Statements) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(ledger.load, [GROUP] * 200):
            pass
    assert len(statements.connections) <= 4


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
def test_commits_are_synced_as_told(
    tmp_path: Path, clock: GivenClock, statements: Statements, closing: Closing, synchronous: str, level: int
) -> None:
    path = str(tmp_path / "ledger.db")
    ledger = closing(SqliteLedger(path, clock, synchronous=synchronous, factory=statements.factory()))
    ledger.load(GROUP)
    (connection,) = statements.connections
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
