"""The function under measurement: an instance in this process, or jobs, each forked into a process of its own."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from handler import bootstrap
from handler.main import lambda_handler
from tests.faults.storms.asked import Asked
from tests.sandbox.contexts import LambdaContext, lambda_context

TIMEOUT_S: Final = 28.0
PATIENCE_S: Final = 300.0

Start: TypeAlias = Callable[[], list[object]]

# Forked by a server that has loaded the function once, and has neither threads nor connections.
FORKS: Final = multiprocessing.get_context("forkserver")


class Job(Protocol):
    """What one process does; it is pickled on its way there, before anything is done."""

    def warm_up(self) -> None:
        """Do what is not measured."""

    def work(self) -> object:
        """Do what is."""


@contextmanager
def instance(variables: Mapping[str, str]) -> Iterator[None]:
    """A new instance in this process, with these variables; what it says goes nowhere."""
    before = dict(os.environ)
    os.environ.update(variables)
    bootstrap.reset()
    # As where it is deployed (handler/preload.py): garbage is not looked for in what every invocation needs.
    gc.collect()
    gc.freeze()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            yield
        finally:
            gc.unfreeze()
            bootstrap.reset()
            os.environ.clear()
            os.environ.update(before)


def event_of(group: str, key: str, mode: str = "Increase") -> dict[str, object]:
    """One operation as an HTTP event; a Set has a counter of its own, as nobody adds to what is set."""
    return Asked(group, key, mode, "level" if mode == "Set" else "like", 1).event


def ask(group: str, key: str, mode: str = "Increase") -> None:
    invoke(event_of(group, key, mode), lambda_context(TIMEOUT_S))


def invoke(event: dict[str, object], context: LambdaContext) -> None:
    reply = lambda_handler(event, context)
    if reply["statusCode"] != 200:
        raise RuntimeError(f"an operation that nobody disturbs was answered {reply['statusCode']}")


@contextmanager
def crew(variables: Mapping[str, str], jobs: Sequence[Job]) -> Iterator[Start]:
    """A process for each job, warmed up; the start lets all of them work at once, and gives what they found."""
    FORKS.set_forkserver_preload(["handler.main", __name__])
    with ExitStack() as stack:
        pipes = [stack.enter_context(_running(variables, job)) for job in jobs]
        for pipe in pipes:
            _received(pipe)

        def start() -> list[object]:
            for pipe in pipes:
                pipe.send("go")
            return [_received(pipe) for pipe in pipes]

        yield start


@contextmanager
def _running(variables: Mapping[str, str], job: Job) -> Iterator[Connection]:
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=_live, args=(theirs, variables, job))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _live(pipe: Connection, variables: Mapping[str, str], job: Job) -> None:
    with instance(variables):
        job.warm_up()
        pipe.send("ready")
        pipe.recv()
        pipe.send(job.work())


def _received(pipe: Connection) -> object:
    if not pipe.poll(PATIENCE_S):
        raise TimeoutError("a process did not answer")
    return pipe.recv()
