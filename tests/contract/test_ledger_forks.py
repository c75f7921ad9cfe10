"""A process may fork while it has a ledger open: parent, child and everybody else go on, and nothing is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from tests.contract import works
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, idle_row
from tests.contract.stores import GivenClock, OpenLedger, SharedStore

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


def test_a_child_goes_on_with_its_parents_ledger(
    shared_store: SharedStore, clock: GivenClock, closing: Callable[[OpenLedger], OpenLedger]
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
    row = stranger.load(GROUP)
    assert row is not None
    assert (row.base, row.version) == (1000 + 4 * TIMES, 1 + 4 * TIMES)


def test_a_fork_waits_for_the_calls_of_other_threads(shared_store: SharedStore, shared_ledger: OpenLedger) -> None:
    """No child is born in the middle of a write."""
    shared_ledger.swap(GROUP, idle_row(), {})
    with running(fork_between_the_calls_of_a_thread, shared_store) as (_, pipe):
        assert received(pipe) == [0] * 5
    row = shared_ledger.load(GROUP)
    assert row is not None
    assert (row.base, row.version) == (1000 + 10 * TIMES, 1 + 10 * TIMES)
