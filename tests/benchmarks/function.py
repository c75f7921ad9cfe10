"""The function under measurement: an instance in this process, or many, each forked into one of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TypeAlias

from handler import bootstrap
from handler.main import lambda_handler
from tests.faults.storm import Asked
from tests.sandbox.contexts import lambda_context

TIMEOUT_S: Final = 28.0
PATIENCE_S: Final = 120.0

Work: TypeAlias = Callable[[], object]
Start: TypeAlias = Callable[[], list[object]]

# Forked by a server that has loaded the function once, and has neither threads nor connections.
FORKS: Final = multiprocessing.get_context("forkserver")


@contextmanager
def instance(variables: Mapping[str, str]) -> Iterator[None]:
    """A cold instance in this process, with these variables; what it says goes nowhere."""
    before = dict(os.environ)
    os.environ.update(variables)
    bootstrap.forget()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            yield
        finally:
            bootstrap.forget()
            os.environ.clear()
            os.environ.update(before)


def ask(group: str, key: str, mode: str = "Increase") -> int:
    """The HTTP status of one operation; a Set has a counter of its own, as nobody adds to what is set."""
    counter = "level" if mode == "Set" else "like"
    reply = lambda_handler(Asked(group, key, mode, counter, 1).event, lambda_context(TIMEOUT_S))
    return int(reply["statusCode"])


@contextmanager
def crew(variables: Mapping[str, str], warm_ups: Sequence[Work], works: Sequence[Work]) -> Iterator[Start]:
    """As many instances, each in a process of its own and warmed up; the start lets all of them work at once."""
    FORKS.set_forkserver_preload(["handler.main", __name__])
    with ExitStack() as stack:
        pipes = [stack.enter_context(_running(variables, *pair)) for pair in zip(warm_ups, works, strict=True)]
        for pipe in pipes:
            _received(pipe)

        def start() -> list[object]:
            for pipe in pipes:
                pipe.send("go")
            return [_received(pipe) for pipe in pipes]

        yield start


@contextmanager
def _running(variables: Mapping[str, str], warm_up: Work, work: Work) -> Iterator[Connection]:
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=_live, args=(theirs, variables, warm_up, work))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _live(pipe: Connection, variables: Mapping[str, str], warm_up: Work, work: Work) -> None:
    with instance(variables):
        warm_up()
        pipe.send("ready")
        pipe.recv()
        pipe.send(work())


def _received(pipe: Connection) -> object:
    if not pipe.poll(PATIENCE_S):
        raise TimeoutError("an instance did not answer")
    return pipe.recv()
