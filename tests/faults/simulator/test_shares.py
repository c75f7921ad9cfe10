"""A busy app's turns are shared (R14): each caller has some, a clock that is wrong takes none, and few are wasted."""

import pytest

from tests.faults.simulator import simulate
from tests.faults.simulator.plan import plan
from tests.faults.simulator.shares import AHEAD_S, SharedSchedule


@pytest.mark.parametrize("seed", range(600, 604))
def test_each_caller_has_its_share(seed: int) -> None:
    """While a sweep uses what they leave, a flood is stopped, and strangers keep the reads busy."""
    assert simulate.play(plan(seed), simulate.SHARED).violations == []


@pytest.mark.parametrize("ahead_s", sorted(set(AHEAD_S)))
@pytest.mark.parametrize("jumps", [False, True])
def test_a_clock_that_is_ahead_takes_nobodys_turns(ahead_s: float, jumps: bool) -> None:
    """Where the schedule goes by the askers' clocks; nor does one that jumps."""
    schedule = SharedSchedule(plan(1), recording=False, by_askers=True, ahead_s=ahead_s, jumps=jumps)
    assert schedule.run().violations == []
