"""Every rule of the real code that is switched off is found: by the seed in the table, or by the test that it names."""

import pytest

from tests.faults.mutants.mutant import Mutant
from tests.faults.mutants.mutants import MUTANTS, death_of, known_seeds

# A change of the code may move a death by some seeds; `make mutants` then renews the table.
SEEDS_MORE = 300

KILLED = [mutant for mutant in MUTANTS if not mutant.second_line]


@pytest.mark.parametrize("mutant", KILLED, ids=lambda mutant: mutant.name)
def test_the_simulator_finds(mutant: Mutant) -> None:
    """Without this rule something is counted twice, lost, told wrongly, frozen without need, or never finished."""
    assert death_of(mutant, known_seeds().get(mutant.name, 0), SEEDS_MORE) is not None
