"""What the function's dataclasses are made of where it is deployed: `layers/written_out.py` writes out their methods.

In a checkout `dataclasses` makes the same classes, and nothing imports this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, FrozenInstanceError, dataclass, fields
from typing import ClassVar


class Made:
    """Stands for a value that is made anew for each instance."""


class Fields:
    """`__dataclass_fields__` of a class, put there when `dataclasses` first asks for them, as it rarely does."""

    def __get__(self, instance: object, owner: type[Written]) -> dict[str, Field[object]]:
        """Find them by a real dataclass that has the same fields and nothing else.

        The bases here are none, and whatever inherits from a dataclass has the fields of that.
        """
        owner = next((each for each in owner.__mro__ if "__match_args__" in vars(each)), Written)
        if owner is Written:
            raise AttributeError("__dataclass_fields__")
        body = {"__module__": owner.__module__, "__annotations__": owner.__annotations__, **owner.VALUES}
        twin: type = dataclass(init=False, repr=False, eq=False)(type(owner.__name__, (), body))
        found = {field.name: field for field in fields(twin)}
        type.__setattr__(owner, "__dataclass_fields__", found)
        return found


class Written:
    """A dataclass. `VALUES` are the defaults of its fields, or what `field` was told of them."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[Fields] = Fields()
    VALUES: ClassVar[Mapping[str, object]] = {}

    def __repr__(self) -> str:
        """As `dataclasses` writes it."""
        shown = [name for name, field in self.__dataclass_fields__.items() if field.repr]
        return type(self).__qualname__ + "(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in shown) + ")"


class Frozen(Written):
    """One that nothing changes."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse."""
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse."""
        raise FrozenInstanceError(f"cannot delete field {name!r}")


class FrozenSlots(Frozen):
    """One that nothing changes, with a place for each field and no others."""

    __slots__: tuple[str, ...] = ()

    def __getstate__(self) -> list[object]:
        """What a copy is made from."""
        return [getattr(self, name) for name in self.__slots__]

    def __setstate__(self, state: list[object]) -> None:
        """Fill a copy."""
        for name, value in zip(self.__slots__, state, strict=True):
            object.__setattr__(self, name, value)
