"""Small worlds by the thousand: the real core in each, and an auditor that takes the truth from the vendor's log."""

import os

import pytest
from msgspec.structs import replace

from tests.faults.auditor.orders import LESS, MORE, SET, Shape
from tests.faults.simulator import simulate
from tests.faults.simulator.draws import an_hour_long
from tests.faults.simulator.plan import Theme, plan
from tests.faults.simulator.schedule import Schedule

# Each part takes some seconds; together they play the seeds that `make simulate` begins with.
SEEDS = int(os.environ.get("SEEDS", "4000"))
PARTS = 6
WHOLE_SHARE = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_no_seed_of_the_core_is_contradicted(part: int) -> None:
    """Crashes, losses, lies and late landings: every operation counts once and every answer is true."""
    seeds = range(part * SEEDS // PARTS, (part + 1) * SEEDS // PARTS)
    assert [str(failure) for failure in simulate.failures(seeds, simulate.CORE)] == []


def test_no_seed_of_the_whole_way_is_contradicted() -> None:
    """The same through HTTP, a queue, signatures and the bytes of the API's replies."""
    seeds = range(SEEDS, SEEDS + SEEDS // WHOLE_SHARE)
    assert [str(failure) for failure in simulate.failures(seeds, simulate.WHOLE)] == []


@pytest.mark.parametrize("shape", [MORE, LESS, SET], ids=["more", "less", "set"])
def test_an_hour_without_any_effect_freezes_nothing(shape: Shape) -> None:
    """Updates fail and reads go on; when it is over all is counted once."""
    theme = Theme((an_hour_long,), (shape, MORE))
    for seed in range(20):
        assert simulate.play(plan(seed, theme), simulate.CORE).violations == []


@pytest.mark.parametrize("way", [simulate.CORE, simulate.WHOLE])
def test_a_seed_is_always_the_same_world(way: str) -> None:
    """Step by step, so that a failure can be played again."""
    for seed in range(40, 60):
        first, second = (simulate.play(plan(seed), way, recording=True) for _ in range(2))
        assert first.history == second.history


def test_writing_the_history_down_changes_nothing() -> None:
    """A seed that failed unrecorded fails in the same way when it is recorded."""
    for seed in range(40, 80):
        quiet, told = (Schedule(plan(seed), recording=recording).run() for recording in (False, True))
        assert (quiet.steps, quiet.violations) == (told.steps, told.violations)


def test_a_world_without_hazards_needs_no_patience() -> None:
    """What the simulator finds comes from the hazards, not from the world."""
    for seed in range(100):
        assert simulate.play(replace(plan(seed), hazards=()), simulate.CORE).violations == []
