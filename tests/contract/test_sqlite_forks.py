"""A process may fork while a file of SQLite is open: no connection is open at that moment, and nothing is lost."""

import gc
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract import works
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, idle_row, there
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore, WriteHook

SQLITE = pytest.mark.parametrize("shared_store", ["sqlite"], indirect=True)

TIMES = 6


def in_a_child(work: Callable[[], None]) -> int:
    """Fork; the child works and ends. Its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(0)


def close_while_the_child_goes_on(pipe: Connection, store: SharedStore) -> None:
    """Fork with the ledger open. The child increments before and after a word is given, the parent closes before it."""
    ledger = store.open(GivenClock())
    works.increment(ledger, TIMES)

    def work() -> None:
        works.increment(ledger, TIMES)
        pipe.send("child ready")
        pipe.recv()
        works.increment(ledger, TIMES)
        pipe.send("child done")

    child = in_a_child(work)
    ledger.close()
    pipe.send("parent closed")
    os.waitpid(child, 0)


def fork_between_the_calls_of_a_thread(pipe: Connection, store: SharedStore) -> None:
    """Fork again and again while another thread uses the same ledger; every child increments, too."""
    ledger = store.open(GivenClock())
    thread = threading.Thread(target=works.increment, args=(ledger, 5 * TIMES))
    thread.start()
    children = [in_a_child(lambda: works.increment(ledger, TIMES)) for _ in range(5)]
    thread.join()
    pipe.send([os.waitpid(child, 0)[1] for child in children])


@SQLITE
def test_a_child_goes_on_with_its_parents_ledger(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    """Also when the parent lets go and a stranger comes: the child's locks are its own."""
    first = shared_store.open(clock)
    first.swap(GROUP, idle_row(), {})
    first.close()
    with running(close_while_the_child_goes_on, shared_store) as (_, pipe):
        assert {received(pipe), received(pipe)} == {"child ready", "parent closed"}
        stranger = closing(shared_store.open(clock))
        works.increment(stranger, TIMES)
        pipe.send("go")
        assert received(pipe) == "child done"
    row = there(stranger.load(GROUP))
    assert (row.base, row.version) == (1000 + 4 * TIMES, 1 + 4 * TIMES)


@SQLITE
def test_a_fork_waits_for_the_calls_of_other_threads(shared_store: SharedStore, shared_ledger: OpenLedger) -> None:
    shared_ledger.swap(GROUP, idle_row(), {})
    with running(fork_between_the_calls_of_a_thread, shared_store) as (_, pipe):
        assert received(pipe) == [0] * 5
    row = there(shared_ledger.load(GROUP))
    assert (row.base, row.version) == (1000 + 10 * TIMES, 1 + 10 * TIMES)


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


def fork_with_an_open_file(pipe: Connection, path: str) -> None:
    """Fork between two uses of a ledger; tell whether its file was open before, during and after the fork."""

    def is_open() -> bool:
        return any(str(descriptor.resolve()) == path for descriptor in Path("/proc/self/fd").iterdir())

    opened: list[bool] = []
    # What is registered first runs last, so when this is called the ledger has made ready for the fork.
    os.register_at_fork(before=lambda: opened.append(is_open()))
    ledger = SqliteLedger(path, GivenClock())
    ledger.load(GROUP)
    opened.append(is_open())
    os.waitpid(in_a_child(lambda: None), 0)
    ledger.load(GROUP)
    pipe.send([*opened, is_open()])


def test_the_file_is_closed_while_its_process_forks(tmp_path: Path) -> None:
    """A child would inherit locks that the system does not give it. Both open it again when they need it."""
    with running(fork_with_an_open_file, str(tmp_path / "ledger.db")) as (_, pipe):
        assert received(pipe) == [True, False, True]


def test_a_ledger_that_is_let_go_of_is_not_kept_for_the_forks_to_come(tmp_path: Path, clock: GivenClock) -> None:
    """An instance that builds itself again would otherwise hold every ledger that it ever had."""
    ledger = SqliteLedger(str(tmp_path / "ledger.db"), clock)
    reference = weakref.ref(ledger)
    del ledger
    gc.collect()
    assert reference() is None


def test_where_no_process_can_fork_a_ledger_works_as_well(
    tmp_path: Path, clock: GivenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "register_at_fork")
    with closing(SqliteLedger(str(tmp_path / "ledger.db"), clock)) as ledger:
        assert ledger.swap(GROUP, idle_row(), {})
