"""The settings that exactness depends on, as rules."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.core.samples import attempt
from tests.unit.core.scene import RULES


@pytest.mark.parametrize(("life_s", "bound_s"), [(2, 11), (6, 11), (60, 65)])
def test_an_attempt_is_dead_when_its_own_life_and_the_guard_have_passed(life_s: int, bound_s: float) -> None:
    """One that was signed for longer than today's settings say lives longer; a shorter one is not hurried."""
    assert RULES.bound_of(replace(attempt(), life_s=life_s)) == bound_s


@pytest.mark.parametrize("life_s", [6, 86_400])
def test_an_operators_own_bound_stands_for_any_life(life_s: int) -> None:
    """It is given where the API refuses short signatures, and is the weaker promise."""
    rules = replace(RULES, life_s=86_400, bound_s=60)
    assert rules.bound_of(replace(attempt(), life_s=life_s)) == 60
    assert replace(RULES, life_s=6, guard_s=5, bound_s=8).bound_of(replace(attempt(), life_s=life_s)) == 8


def test_an_operators_longer_bound_is_waited_out() -> None:
    assert replace(RULES, bound_s=100).bound_of(attempt()) == 100
