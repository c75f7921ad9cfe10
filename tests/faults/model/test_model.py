"""The protocol as it is implemented, in every state of small worlds, and each rule that they show to be needed."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tests.faults.model import checker
from tests.faults.model.aspect import Aspect, Mutant
from tests.faults.model.aspects import aspects

RULE_BOOK = Path(__file__).resolve().parents[3] / "handler" / "core" / "README.md"

ASPECTS = aspects()
MUTANTS = {
    f"{aspect.name}, without {mutant.rule}" + (f" ({mutant.put})" if mutant.put else ""): mutant
    for aspect in ASPECTS
    for mutant in aspect.mutants
}


class _Walk:
    """A walk from 0, in which 3 is wrong, 4 is a trap, and 5 is the end."""

    def initial(self) -> int:
        return 0

    def moves(self, state: int) -> list[tuple[str, int]]:
        to = {0: (1, 2), 1: (3,), 2: (4, 5), 3: (5,), 4: (4,), 5: ()}[state]
        return [(f"to {number}", number) for number in to]

    def broken(self, state: int) -> list[str]:
        return ["THREE"] if state == 3 else []

    def broken_at_end(self, state: int) -> list[str]:
        return ["FIVE"] if state == 5 else []


def test_the_checker_tells_the_shortest_traces() -> None:
    """Of a wrong state, of a wrong end, and of a state from which there is no end."""
    report = checker.check(_Walk())
    assert (report.states, report.depth, report.ends) == (6, 2, 1)
    assert report.violations == {"THREE": ("to 1", "to 3"), "FIVE": ("to 2", "to 5"), checker.STUCK: ("to 2", "to 4")}


def test_the_checker_refuses_a_world_without_bounds() -> None:
    with pytest.raises(OverflowError):
        checker.check(_Walk(), states_max=3)


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.name)
def test_no_state_breaks_a_property(aspect: Aspect) -> None:
    """Nothing is doubled, lost, told falsely or frozen without need, and from every state an end can be reached."""
    for world in aspect.small:
        report = checker.check(world)
        assert report.violations == {}, world
        assert report.ends > 0


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_rule_left_out_is_found(mutant: Mutant) -> None:
    assert mutant.breaks in mutant.check().violations


def test_every_rule_is_left_out_once() -> None:
    """A rule that no world needs would be one that the model does not understand."""
    left_out = {(type(mutant.world), mutant.rule) for mutant in MUTANTS.values()}
    worlds = {type(world): world for aspect in ASPECTS for world in aspect.small}
    assert left_out == {(kind, rule.name) for kind, world in worlds.items() for rule in fields(world.rules)}


def test_every_rule_of_the_rule_book_has_an_aspect() -> None:
    """R16 sets calls apart, and R17 says what an older version may touch: both judge nothing of what was sent."""
    headings = re.findall(r"^## (R[0-9]+) ", RULE_BOOK.read_text("utf-8"), re.MULTILINE)
    named = {rule for aspect in ASPECTS for rule in aspect.headings.split()}
    assert named | {"R16", "R17"} == set(headings)
