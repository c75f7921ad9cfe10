"""The protocol as it is implemented, in every state of small worlds, and each rule that they show to be needed."""

from dataclasses import fields

import pytest

from tests.faults.model import checker, dating, group, store
from tests.faults.model.acceptance import Acceptance
from tests.faults.model.aspects import Aspect, Mutant, aspects, check
from tests.faults.model.dating import Dating
from tests.faults.model.worlds import GroupWorld

ASPECTS = aspects()
MUTANTS = {f"{aspect.name}, without {mutant.rule}": mutant for aspect in ASPECTS for mutant in aspect.mutants}


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
    assert (report.states, report.ends) == (6, 1)
    assert report.violations == {"THREE": ("to 1", "to 3"), "FIVE": ("to 2", "to 5"), checker.STUCK: ("to 2", "to 4")}


def test_the_checker_refuses_a_world_without_bounds() -> None:
    with pytest.raises(OverflowError):
        checker.check(_Walk(), states_max=3)


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.name)
def test_no_state_breaks_a_property(aspect: Aspect) -> None:
    """Nothing is doubled, lost, told falsely or frozen without need, and from every state an end can be reached."""
    for world in aspect.small:
        report = check(world)
        assert report.violations == {}, world
        assert report.ends > 0


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_rule_left_out_is_found(mutant: Mutant) -> None:
    assert mutant.breaks in mutant.check().violations


def test_every_rule_is_left_out_once() -> None:
    """A rule that no world needs would be one that the model does not understand."""
    left_out = {(type(mutant.world), mutant.rule) for mutant in MUTANTS.values()}
    worlds = ((Acceptance, store.Rules), (GroupWorld, group.Rules), (Dating, dating.Rules))
    assert left_out == {(world, rule.name) for world, rules in worlds for rule in fields(rules)}
