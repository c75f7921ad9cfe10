"""Workers that use one store at the same time, in threads and in processes, and how tests start and end them."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeAlias

from handler.core.ports.ledger import Ledger
from tests.contract.stores import GivenClock, SharedStore

Work: TypeAlias = Callable[[Ledger], object]

# Forked by a server that has neither threads nor an open ledger, whatever the process of the tests has.
FORKS = multiprocessing.get_context("forkserver")

# Long enough for a slow machine; a test that has waited this long has failed.
PATIENCE_S = 30.0


@contextmanager
def running(task: Callable[..., None], *arguments: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that runs `task(pipe, *arguments)`, with our end of the pipe; killed if it outlives the block."""
    # What the workers import is imported once, by the server.
    FORKS.set_forkserver_preload(["tests.contract.works", __name__])
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=task, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def received(pipe: Connection) -> object:
    assert pipe.poll(PATIENCE_S), "the process did not answer"
    return pipe.recv()


def in_processes(store: SharedStore, works: Sequence[Work]) -> list[object]:
    """Do every work in a process of its own, all beginning together; what each gave back."""
    with ExitStack() as stack:
        pipes = [stack.enter_context(running(in_step, store, work))[1] for work in works]
        for pipe in pipes:
            assert received(pipe) == "ready"
        for pipe in pipes:
            pipe.send("go")
        return [received(pipe) for pipe in pipes]


def in_step(pipe: Connection, store: SharedStore, work: Work) -> None:
    """Open a ledger, say so, wait for the word, work, and tell what came out."""
    ledger = store.open(GivenClock())
    ledger.generation()
    pipe.send("ready")
    pipe.recv()
    outcome = work(ledger)
    ledger.close()
    pipe.send(outcome)
