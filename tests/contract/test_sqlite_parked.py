"""The embedded store of parked records fails as its ledger does, and outlives the process that wrote to it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.ports.ledger import ParkedAndNotes
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.parked_stores import APP, parked, sqlite_parked
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import FailsAfterCommit, FailsInsteadOfCommit, GivenClock

WRITES: list[Callable[[ParkedAndNotes], object]] = [
    lambda kept: kept.park(APP, parked("new")),
    lambda kept: kept.unpark(APP, "message-1"),
    lambda kept: kept.note(APP, "a", "1"),
]
READS: list[Callable[[ParkedAndNotes], object]] = [
    lambda kept: kept.page(APP, 10),
    lambda kept: list(kept.labels(APP)),
    lambda kept: kept.noted(APP, "a"),
]


@pytest.mark.parametrize("call", [*WRITES, *READS], ids=["park", "unpark", "note", "parked", "labels", "noted"])
def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path, call: Callable[[ParkedAndNotes], object]) -> None:
    with sqlite_parked(tmp_path / "missing") as kept, pytest.raises(LedgerUnavailable):
        call(kept)


@pytest.mark.parametrize("factory", [FailsAfterCommit, FailsInsteadOfCommit])
@pytest.mark.parametrize("write", WRITES, ids=["park", "unpark", "note"])
def test_a_commit_that_fails_is_an_answer_lost(
    tmp_path: Path, write: Callable[[ParkedAndNotes], object], factory: type[sqlite3.Connection]
) -> None:
    with sqlite_parked(tmp_path) as kept:
        kept.park(APP, parked())
    with sqlite_parked(tmp_path, factory) as kept, pytest.raises(AnswerLost):
        write(kept)


def test_what_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    """So no answer about it can be lost, and a redelivered batch of poison waits for no disk."""
    with sqlite_parked(tmp_path) as kept:
        kept.park(APP, parked())
    with sqlite_parked(tmp_path, FailsInsteadOfCommit) as kept:
        kept.park(APP, parked(reason="another"))
        assert not kept.unpark(APP, "message-2")


def test_what_was_kept_is_there_for_the_next_instance(tmp_path: Path) -> None:
    with closing(SqliteLedger(str(tmp_path / "ledger.db"), GivenClock())) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        ledger.parked().park(APP, parked())
        ledger.parked().note(APP, "a", "1")
    with sqlite_parked(tmp_path) as kept:
        assert (list(kept.page(APP, 10)), kept.noted(APP, "a")) == ([parked()], "1")


def test_a_file_of_the_version_before_is_refused_by_name(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        database.execute("CREATE TABLE groups (id TEXT)")
        database.execute("PRAGMA application_id = 1969709873")
    with sqlite_parked(tmp_path) as kept, pytest.raises(LedgerUnavailable, match="of another version"):
        kept.page(APP, 10)
