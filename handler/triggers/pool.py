"""Work on many groups at a time within one invocation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

# Groups at a time: enough to hide the API's latency, few enough for one instance's connections.
WORKERS = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def each(items: Iterable[_Item], work: Callable[[_Item], _Result]) -> dict[_Item, _Result]:
    """Do the work for every item, some at a time, in the context of this invocation."""
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {item: pool.submit(copy_context().run, work, item) for item in items}
    return {item: future.result() for item, future in futures.items()}
