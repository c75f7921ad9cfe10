"""Switches off one rule of the real code after the other: `make mutants`.

The simulator has to find each mutant, or the test that it names. Which seed killed it, and after how many steps, is
kept in MUTANTS.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.mutants import by_tests
from tests.faults.mutants.mutant import OF_PYTHON, Mutant
from tests.faults.mutants.mutations_of_calls import CALLS
from tests.faults.mutants.mutations_of_expiry import EXPIRY
from tests.faults.mutants.mutations_of_folding import FOLDING
from tests.faults.mutants.mutations_of_lifts import LIFTS
from tests.faults.mutants.mutations_of_parking import PARKING
from tests.faults.mutants.mutations_of_positions import POSITIONS
from tests.faults.mutants.mutations_of_room import ROOM
from tests.faults.mutants.mutations_of_rows import ROWS
from tests.faults.mutants.mutations_of_the_clock import CLOCK
from tests.faults.mutants.mutations_of_turns import TURNS
from tests.faults.simulator import simulate
from tests.faults.simulator.plan import plan

MUTANTS = CALLS + ROWS + EXPIRY + ROOM + LIFTS + POSITIONS + FOLDING + PARKING + TURNS + CLOCK

TABLE = Path(__file__).with_name("MUTANTS.md")

# A mutant that so many seeds do not kill has survived.
SEEDS_MAX = 10_000

_HEAD = """# Mutants

Each rule of the real code is switched off by itself, and the simulator has to find it. `make mutants` writes this
table; seeds go up from 0, and a mutant has survived when {seeds} of them did not kill it. A rule that small worlds have
no numbers for is found by the tests named instead of a seed.

| mutant | rule | way | seed | steps | found by the auditor |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Death:
    """The first seed that killed a mutant, after how many steps of its world, and what the auditor said.

    Where a test has killed it, only that.
    """

    seed: int
    steps: int
    found: str


def death_of(mutant: Mutant, first: int = 0, seeds: int = SEEDS_MAX) -> Death | None:
    """Play seeds until one kills the mutant, and not the real code as well; None if it survives them all.

    Raises ValueError for a mutant that dies of Python: its change does not fit the code any more, and shows nothing.
    """
    if mutant.test:
        return Death(0, 0, mutant.test) if by_tests.killed(mutant) else None
    for seed in range(first, first + seeds):
        with mutant.alive():
            played = simulate.play(plan(seed, mutant.theme), mutant.way)
        if played.violations and not simulate.play(plan(seed, mutant.theme), mutant.way).violations:
            if played.violations[0].startswith(OF_PYTHON):
                raise ValueError(f"{mutant.name}: {played.violations[0]}")
            return Death(seed, played.steps, played.violations[0])
    return None


def known_seeds() -> Mapping[str, int]:
    """The killing seed of each mutant, as the table has it."""
    rows = [line.strip("| ").split(" | ") for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    return {row[0]: int(row[3]) for row in rows if row[3].isdigit()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill them all, write the table, and say by the exit status whether any survived."""
    options = _parser().parse_args(arguments)
    known = known_seeds() if TABLE.exists() else {}
    lines: list[str] = []
    survivors = 0
    for mutant in MUTANTS:
        first = 0 if options.anew else known.get(mutant.name, 0)
        death = death_of(mutant, first, options.seeds) or (death_of(mutant, 0, options.seeds) if first else None)
        survivors += death is None and not mutant.second_line
        lines.append(_row(mutant, death))
        print(lines[-1], flush=True)
    TABLE.write_text(_HEAD.format(seeds=options.seeds) + "\n".join(lines) + "\n")
    doubled = sum(bool(mutant.second_line) for mutant in MUTANTS)
    print(f"{len(MUTANTS)} mutants, {survivors} survived; {doubled} rules are a second line")
    return 1 if survivors else 0


def _row(mutant: Mutant, death: Death | None) -> str:
    told = mutant.second_line or "SURVIVED"
    if death and mutant.test:
        return f"| {mutant.name} | {mutant.rule} | test | - | - | {death.found} |"
    found = f"{death.seed} | {death.steps} | {death.found.replace('|', '/')}" if death else f"- | - | {told}"
    return f"| {mutant.name} | {mutant.rule} | {mutant.way} | {found} |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help="to try for each mutant (default: %(default)s)")
    parser.add_argument("--anew", action="store_true", help="look for the first seed instead of the known one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
