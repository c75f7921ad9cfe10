"""Work on many groups at a time within one invocation; what goes wrong with one of them stays with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import TypeAlias, TypeVar

from handler.core.errors import GroupFailed, NotAccepted, OutcomeUnknown
from handler.core.ports.system import Reporter, group_failed
from handler.triggers.crew import WORKERS, Crew

Failure: TypeAlias = NotAccepted | OutcomeUnknown
"""Nothing is known to be accepted, for a reason that may pass."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def each(items: Iterable[_Item], work: Callable[[_Item], _Result], crew: Crew | None = None) -> dict[_Item, _Result]:
    """Do the work for every item, some at a time, in the context of this invocation.

    A `crew` says how many at a time, and learns from it unless there was less work than that.
    """
    size = crew.size if crew else WORKERS
    began, worked = time.monotonic(), time.process_time()
    listed, results = list(items), dict[_Item, _Result]()

    def do(item: _Item) -> None:
        results[item] = work(item)

    one_after_another(listed, do, size)
    if crew and len(listed) > size:
        crew.learn((time.process_time() - worked) / (time.monotonic() - began))
    return {item: results[item] for item in listed}


def together(works: Sequence[Callable[[], _Result]]) -> list[_Result]:
    """Do a few works at the same time, each in the context of this invocation, and wait for all of them."""
    return list(each(range(len(works)), lambda place: works[place]()).values())


def one_after_another(items: Iterable[_Item], work: Callable[[_Item], None], workers: int) -> None:
    """Do the work for every item; each worker takes the next one when it is done with its last.

    So none waits for the slowest of its neighbours, and `items` are made as they are wanted. No more workers begin than
    there are items, where that is known. Raises what the work, or the making, has raised first, once all have ended.
    """
    left, lock = iter(items), Lock()
    count = min(workers, len(items)) if isinstance(items, Sized) else workers

    def go_on() -> None:
        for item in _taken(left, lock):
            work(item)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(copy_context().run, go_on) for _ in range(count)]
    for future in futures:
        future.result()


def _taken(left: Iterator[_Item], lock: Lock) -> Iterator[_Item]:
    """The items that are left, shared by several workers."""
    while True:
        with lock:
            try:
                item = next(left)
            except StopIteration:
                return
        yield item


def contained(work: Callable[[], _Result], reporter: Reporter, **whose: str | float | None) -> _Result | Failure:
    """The result of the work on one group. Any error is a result too; an unexpected one is reported before."""
    try:
        return work()
    except (NotAccepted, OutcomeUnknown) as failure:
        return failure
    except Exception as error:  # noqa: BLE001  # it must not stop the other groups
        return unforeseen(error, reporter, **whose)


def unforeseen(error: Exception, reporter: Reporter, **whose: str | float | None) -> GroupFailed:
    """Report an error that no rule foresees, without its text, which may show anything."""
    group_failed(reporter, error, **whose)
    return GroupFailed(f"an unexpected {type(error).__name__}; the log says where")
