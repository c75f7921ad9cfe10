"""The rules of the real code, each of which can be switched off: a function, and what stands in it instead.

Only the code object of the function is exchanged, so that everybody who has imported it meets the mutant.
"""

import __future__ as future

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from tests.faults.simulator.plan import ANYTHING, Theme
from tests.faults.simulator.simulate import CORE

# A change that no longer fits the code dies of these, and shows nothing.
OF_PYTHON = ("AttributeError", "NameError", "TypeError", "UnboundLocalError")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, switched off.

    `path` names a function as `module:Qualified.name`; each text in `changes` stands in it once. The worlds that it is
    looked for in are about the `theme`.
    """

    name: str
    rule: str
    path: str
    changes: tuple[tuple[str, str], ...]
    theme: Theme = ANYTHING
    way: str = CORE
    second_line: str = ""
    """Why nothing goes wrong without the rule, where another one holds the same."""
    test: str = ""
    """The test that finds it, where no small world can: a file of tests."""

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Let the mutant take the place of the real function."""
        function = self._function()
        real = function.__code__
        function.__code__ = _code_of(self)
        try:
            yield
        finally:
            function.__code__ = real

    def _function(self) -> FunctionType:
        module, _, names = self.path.partition(":")
        found: object = importlib.import_module(f"handler.{module}")
        for name in names.split("."):
            found = inspect.getattr_static(found, name)
        if isinstance(found, classmethod):
            found = found.__func__
        if isinstance(found, property):
            found = found.fget
        if not isinstance(found, FunctionType):
            raise TypeError(f"{self.path} is no function")
        return found

    def mutated(self) -> FunctionType:
        function = self._function()
        source = textwrap.dedent(inspect.getsource(function)).removeprefix("@property\n").removeprefix("@classmethod\n")
        for old, new in self.changes:
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} does not stand in {self.path} once")
            source = source.replace(old, new)
        namespace = dict(function.__globals__)
        flags = future.annotations.compiler_flag
        exec(compile(source, f"<{self.name}>", "exec", flags, dont_inherit=True), namespace)  # noqa: S102  # our own code
        mutated = namespace[function.__name__]
        if not isinstance(mutated, FunctionType):
            raise TypeError(f"{self.name} makes no function")
        return mutated


@lru_cache
def _code_of(mutant: Mutant) -> CodeType:
    return mutant.mutated().__code__


def one(name: str, rule: str, path: str, change: tuple[str, str], theme: Theme = ANYTHING) -> Mutant:
    """A mutant with one change in the core."""
    return Mutant(name, rule, path, (change,), theme)
