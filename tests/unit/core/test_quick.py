"""Quick dataclasses are frozen dataclasses like any other: only the time that they take is another."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields

import pytest

from handler.core.model.row import Attempt, Row
from handler.core.quick import quick, replace
from tests.unit.core.samples import attempt, entry, row


@dataclass(frozen=True, slots=True)
class Point:
    """Two fields that must be given, and one that need not."""

    x: int
    frozen: int
    name: str = "P"


@dataclass(frozen=True, slots=True)
class Plain:
    """One that is not quick."""

    x: int
    y: int = 0


@pytest.fixture(autouse=True)
def _quick() -> None:
    """Made quick by the test itself, so that it is under test how."""
    assert quick(Point) is Point


def test_it_is_made_like_any_other() -> None:
    assert Point(1, 2) == Point(x=1, frozen=2, name="P")
    assert repr(Point(1, 2)) == "Point(x=1, frozen=2, name='P')"
    assert {Point(1, 2): "here"}[Point(1, 2)] == "here"
    assert str(inspect.signature(Point)) == "(x: 'int', frozen: 'int', name: 'str' = 'P') -> None"


@pytest.mark.parametrize("given", [(), (1,), (1, 2, "P", 4)])
def test_too_few_and_too_many_values_are_refused(given: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Point(*given)  # type: ignore[arg-type]  # that is the mistake


def test_it_stays_as_it_was_made() -> None:
    """The guard is back before anybody sees the object, and it keeps a copy as well."""
    for point in (Point(1, 2), replace(Point(1, 2), x=3)):
        with pytest.raises(FrozenInstanceError):
            point.x = 4  # type: ignore[misc]  # that is the mistake
        with pytest.raises(FrozenInstanceError):
            del point.x
        assert type(point) is Point


def test_a_copy_has_the_changes_and_leaves_the_original() -> None:
    point = Point(1, 2, "Q")
    assert replace(point, x=5) == Point(5, 2, "Q")
    assert replace(point) == point
    assert point == Point(1, 2, "Q")


def test_a_name_that_no_field_has_is_refused() -> None:
    """A typing error must not be lost."""
    with pytest.raises(AttributeError):
        replace(Point(1, 2), z=1)  # type: ignore[call-arg]  # that is the mistake


def test_what_is_not_quick_is_copied_all_the_same() -> None:
    """Whoever copies need not know which is which."""
    assert replace(Plain(1, 2), y=3) == Plain(1, 3)


def test_it_can_be_pickled_and_copied() -> None:
    point = Point(1, 2, "Q")
    assert pickle.loads(pickle.dumps(point)) == point  # noqa: S301  # the bytes are our own
    assert copy.deepcopy(point) == copy.copy(point) == point


def test_rows_and_attempts_are_copied_field_by_field() -> None:
    opened = attempt(entry("a"), correction=(("like", 1),))
    full = row(attempt=opened, queue=(entry("b"),), debt=(("like", 2),))
    for thing in (full, opened):
        for one in fields(thing):
            changed = {one.name: object()}
            assert replace(thing, **changed) == dataclasses.replace(thing, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True)
class WithoutSlots:
    """It has room for more than its fields."""

    x: int


@dataclass(slots=True)
class NotFrozen:
    """Nothing keeps its fields from being changed."""

    x: int


@dataclass(frozen=True, slots=True)
class WithFactory:
    """A field is made anew for each object."""

    x: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WithAbsentee:
    """A field is no parameter."""

    x: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True)
class ByName:
    """A parameter has to be named."""

    x: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class WithMore:
    x: int

    def __post_init__(self) -> None:
        """Whatever that is."""


@pytest.mark.parametrize("refused", [WithoutSlots, NotFrozen, WithFactory, WithAbsentee, ByName, WithMore])
def test_only_what_keeps_its_fields_in_slots_can_be_quick(refused: type) -> None:
    """Anything else would lose what its constructor does."""
    problem = f"^{refused.__name__} is not frozen, or does more than keep its fields in slots$"
    with pytest.raises(TypeError, match=problem):
        quick(refused)


def test_the_rows_of_a_ledger_are_quick() -> None:
    assert all(hasattr(made.__init__, "__wrapped__") for made in (Row, Attempt))
