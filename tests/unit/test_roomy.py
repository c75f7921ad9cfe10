"""Whatever is called from a roomy function finds its place on the interpreter's stack without having it mapped."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import pytest

from handler.roomy import roomy

DEPTHS = 200
CALLS = 300


def nothing() -> None:
    """What is called: its frame is larger than that of who calls it, so it does not fit in at one depth at least."""


nothing.__code__ = nothing.__code__.replace(co_stacksize=100)


def worst(depth: int = DEPTHS) -> int:
    """The most pages that the system had to give for the calls from one depth, of all depths from here on."""
    deeper = worst(depth - 1) if depth else 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        nothing()
    return max(deeper, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def in_room(work: Callable[[], int]) -> int:
    """The result of work that is done in a roomy function."""
    found = []

    @roomy
    def do() -> None:
        found.append(work())

    do()
    return found[0]


def test_calls_in_a_roomy_function_need_no_memory_of_their_own() -> None:
    """However deep they are made."""
    in_room(worst)
    assert in_room(worst) < CALLS / 2


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 keeps frames elsewhere")
def test_elsewhere_there_is_a_depth_at_which_each_call_needs_memory() -> None:
    """Where this fails, CPython has changed, and there is no need for room any more."""
    worst()
    assert worst() >= CALLS
