"""An aspect of the protocol: small worlds, larger ones, and the rules without which the small ones break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from tests.faults.model.checker import Report, World, check

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class RuledWorld(World[Any], Protocol):
    """A world in which each rule can be left out; it is a dataclass, and its rules are."""

    @property
    def rules(self) -> DataclassInstance: ...


@dataclass(frozen=True)
class Mutant:
    """A rule left out, or put otherwise, what breaks then, and the world in which it does."""

    rule: str
    breaks: str
    world: RuledWorld
    put: object = False

    def check(self) -> Report:
        """Look for the shortest trace that breaks it."""
        rules = replace(self.world.rules, **{self.rule: self.put})
        return check(replace(cast("Any", self.world), rules=rules), self.breaks)


@dataclass(frozen=True)
class Aspect:
    """One part of the protocol. `small` is checked by every run of the tests, `large` by the command line."""

    name: str
    headings: str
    """The rules of the rule book that it is about."""
    small: Sequence[RuledWorld]
    large: Sequence[RuledWorld]
    mutants: Sequence[Mutant]
