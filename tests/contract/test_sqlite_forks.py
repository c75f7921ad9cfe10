"""No connection to SQLite is open while a process forks."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import GivenClock, WriteHook


def fork_during_a_write(pipe: Connection, path: str) -> None:
    """Fork while a thread is about to commit; tell what happened in which order."""
    told: list[str] = []
    writing, go_on = threading.Event(), threading.Event()

    class Slow(WriteHook):
        def commit_write(self) -> sqlite3.Cursor:
            writing.set()
            go_on.wait()
            cursor = super().commit_write()
            told.append("committed")
            return cursor

    ledger = SqliteLedger(path, GivenClock(), factory=Slow)
    writer = threading.Thread(target=ledger.swap, args=(GROUP, idle_row(), {}))
    writer.start()
    writing.wait()
    threading.Timer(0.05, go_on.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if ledger.load(GROUP) == idle_row() else 1)
    told.append("forked")
    writer.join()
    told.append(f"child ended with {os.waitpid(child, 0)[1]}")
    pipe.send(told)


def test_a_fork_waits_for_the_end_of_a_write(tmp_path: Path, clock: GivenClock) -> None:
    """The child then opens the file for itself, and sees what was written."""
    path = str(tmp_path / "ledger.db")
    with closing(SqliteLedger(path, clock)) as ledger:
        ledger.generation()
    with running(fork_during_a_write, path) as (_, pipe):
        assert received(pipe) == ["committed", "forked", "child ended with 0"]
