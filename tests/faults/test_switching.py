"""A function that stands for its mutants: the original is called until another one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import switching
from tests.faults.switching import ORIGINAL, MutantDict, called, choose, switchable

HERE = __name__


@pytest.fixture(autouse=True)
def _switches() -> Iterator[None]:
    """The switches of one test are not those of the next one."""
    before = list(switching.SWITCHES)
    yield
    switching.SWITCHES[:] = before


def one_more() -> Callable[[int], int]:
    """A function that adds one, and its mutant that takes one away."""
    mutants: MutantDict = {}

    @switchable(mutants)
    def changed(number: int) -> int:
        """Add one."""
        raise AssertionError

    mutants[ORIGINAL] = lambda number: number + 1
    mutants["x_changed__mutmut_1"] = lambda number: number - 1
    return changed


def test_the_original_is_called_until_a_mutant_is_chosen() -> None:
    """By the name of its module and its own."""
    changed = one_more()
    assert changed(1) == 2
    choose(f"{HERE}.x_changed__mutmut_2")
    choose("another.module.x_changed__mutmut_1")
    assert changed(1) == 2
    choose(f"{HERE}.x_changed__mutmut_1")
    assert changed(1) == 0


def test_a_call_shows_which_mutants_it_could_have_met() -> None:
    """Once, until the function is called again."""
    changed = one_more()
    list(called())
    assert list(called()) == []
    changed(1)
    assert list(called()) == [f"{HERE}.x_changed__mutmut_1"]
    assert list(called()) == []


def test_a_function_keeps_its_name_and_its_words() -> None:
    """Whoever looks at it sees the original."""
    changed = one_more()
    assert (changed.__name__, changed.__doc__) == ("changed", "Add one.")


def test_a_classmethod_is_called_on_the_class_at_hand() -> None:
    """A subclass as well."""
    mutants: MutantDict = {}

    class Parent:
        @classmethod
        @switchable(mutants, is_classmethod=True)
        def named(cls, ending: str) -> str:
            raise AssertionError(ending)

        @classmethod
        def original(cls, ending: str) -> str:
            return cls.__name__ + ending

    class Child(Parent):
        pass

    mutants[ORIGINAL] = Parent.original
    assert (Parent.named("!"), Child.named("?")) == ("Parent!", "Child?")
