"""One function and all its mutants under one name: what is called is switched from outside.

The modules that `tests.faults.mutated` writes decorate each of their functions with `switchable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

MutantDict = dict[str, Callable[..., object]]

ORIGINAL = "_mutmut_orig"


class Switch:
    """Which of a function's mutants is called, and whether the function was called at all."""

    def __init__(self, mutants: MutantDict) -> None:
        self.mutants = mutants
        self.module = ""
        self.chosen = ORIGINAL
        self.was_called = False


SWITCHES: list[Switch] = []
"""Of every function that has mutants, in the modules imported so far."""


def switchable(mutants: MutantDict, *, is_classmethod: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function stand for its mutants, which the module adds to the dictionary once they are defined."""
    switch = Switch(mutants)
    SWITCHES.append(switch)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        switch.module = function.__module__

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            switch.was_called = True
            chosen: Callable[..., R] = mutants[switch.chosen]  # type: ignore[assignment]  # each is made from `function`
            if is_classmethod:
                # The mutant in the dictionary is bound to the class that defines it; a subclass may be the one called.
                return getattr(args[0], chosen.__name__)(*args[1:], **kwargs)  # type: ignore[no-any-return]
            return chosen(*args, **kwargs)

        return call

    return decorate


def called() -> Iterator[str]:
    """The mutants whose function was called since this was asked last."""
    for switch in SWITCHES:
        if switch.was_called:
            switch.was_called = False
            yield from (f"{switch.module}.{name}" for name in switch.mutants if name != ORIGINAL)


def choose(mutant: str) -> None:
    """Let a mutant stand for its function from now on."""
    module, _, name = mutant.rpartition(".")
    for switch in SWITCHES:
        if switch.module == module and name in switch.mutants:
            switch.chosen = name
