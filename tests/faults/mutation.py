"""Changes `handler/core` in every way that mutmut knows, and sees whether a test notices: `make mutation`.

First come the tests of the core and of the ledger in memory; what they do not kill, the simulator and the slow tests
may. The figures and the survivors are kept in MUTATION.md, where the last column says why each of them is left; a run
carries the reasons over, and the notes below them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.killing import KILLED, TIMED_OUT
from tests.faults.mutated import Change, copy_with_mutants

TABLE = Path(__file__).with_name("MUTATION.md")

SLOW = (
    "tests/unit/core/test_transitions_histories.py",
    "tests/unit/core/test_pacing.py::test_a_busy_instance_gets_nearly_the_whole_rate_and_never_more",
)
QUICK = (
    "tests/unit/core",
    "tests/contract/test_memory_ledger.py",
    *(word for test in SLOW for word in ("--deselect", test)),
)
SIMULATED = (
    "tests/faults/test_simulator.py::test_no_seed_of_the_core_is_contradicted",
    "tests/faults/test_simulator.py::test_no_seed_of_the_whole_way_is_contradicted",
)

# Of the core; one in twenty more goes the whole way.
SEEDS = 300

# Which mutants are in a sample is the same from run to run.
SEED = 6

_HEAD = """# Mutation of `handler/core`

`make mutation` writes this page ({date}). mutmut changes one thing at a time in the functions of the core; the tests
of the core, of the ledger in memory, and {seeds} seeds of the simulator are played against each change.
{sampled}
| mutants made | killed | survived | timed out | score |
|---|---|---|---|---|
| {made} | {killed} | {survived} | {timed_out} | {score:.1%}{interval} |

A mutant that timed out counts as killed, for the tests would not have ended. What is decorated (properties among it),
what runs at import, and `len` and `isinstance` are not changed.

| module | mutants | survived | score |
|---|---|---|---|
{modules}

## Survivors

{survivors}

{notes}"""

_NOTES = "## Notes"

Fates = Mapping[str, str]


def sample(changes: Mapping[str, Change], share: float) -> list[str]:
    """A share of the mutants of each module, the same ones each time."""
    chance = random.Random(SEED)
    modules: dict[str, list[str]] = {}
    for name, change in changes.items():
        modules.setdefault(change.module, []).append(name)
    drawn = [chance.sample(sorted(names), ceil(len(names) * share)) for _, names in sorted(modules.items())]
    return [name for names in drawn for name in names]


def fates_of(copy: Path, mutants: Sequence[str]) -> Fates:
    """Play the quick tests against all, and the slow ones against what is left."""
    fates = _played(copy, mutants, QUICK)
    left = [mutant for mutant, fate in fates.items() if fate not in {KILLED, TIMED_OUT}]
    return {**fates, **_played(copy, left, (*SLOW, *SIMULATED))} if left else fates


def _played(copy: Path, mutants: Sequence[str], tests: Sequence[str]) -> dict[str, str]:
    asked, answered = copy / "mutants.txt", copy / "fates.jsonl"
    asked.write_text("\n".join(mutants), encoding="utf-8")
    answered.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.faults.killing", str(asked), str(answered), *tests]
    subprocess.run(command, cwd=copy, env={**os.environ, "SEEDS": str(SEEDS)}, check=True)
    fates = [json.loads(line) for line in answered.read_text(encoding="utf-8").splitlines()]
    return {fate["mutant"]: fate["fate"] for fate in fates}


def page(changes: Mapping[str, Change], fates: Fates, before: str) -> str:
    """What MUTATION.md says, given what it said before."""
    counts = Counter(fates.values())
    survivors = [changes[name] for name, fate in fates.items() if fate not in {KILLED, TIMED_OUT}]
    score = 1 - len(survivors) / len(fates)
    is_sample = len(fates) < len(changes)
    half = 1.96 * sqrt(score * (1 - score) / len(fates) * (1 - len(fates) / len(changes)))
    return _HEAD.format(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        seeds=SEEDS,
        sampled=f"Of {len(changes)} mutants this run took {len(fates)}, by chance from each module.\n" * is_sample,
        made=len(fates),
        killed=counts[KILLED],
        timed_out=counts[TIMED_OUT],
        survived=len(survivors),
        score=score,
        interval=f" ± {half:.1%} (95 %)" if is_sample else "",
        modules="\n".join(_of_modules(changes, fates)),
        survivors="\n".join(_of_survivors(survivors, known_reasons(before))),
        notes="".join(before.partition(_NOTES)[1:]),
    )


def _of_modules(changes: Mapping[str, Change], fates: Fates) -> Iterator[str]:
    made = Counter(changes[name].module for name in fates)
    left = Counter(changes[name].module for name, fate in fates.items() if fate not in {KILLED, TIMED_OUT})
    for module, number in sorted(made.items()):
        yield f"| {module} | {number} | {left[module]} | {1 - left[module] / number:.0%} |"


def _of_survivors(survivors: Sequence[Change], reasons: Mapping[str, str]) -> Iterator[str]:
    yield "| function | was | is | why it is left |"
    yield "|---|---|---|---|"
    for row in sorted({_row(change) for change in survivors}):
        yield f"{row} {reasons.get(row, 'not looked at')} |"


def _row(change: Change) -> str:
    was, now = (" ".join(text.split()).replace("|", "\\|") for text in (change.was, change.now))
    return f"| {change.module}.{change.function} | `{was}` | `{now}` |"


def known_reasons(text: str) -> Mapping[str, str]:
    """Why each survivor of the last page was left, by the rest of its row."""
    rows = [line.removesuffix(" |").rpartition("| ") for line in text.splitlines() if line.endswith(" |")]
    return {before.rstrip() + " |": why for before, _, why in rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play them all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the mutants of each module (default: all)")
    options = parser.parse_args(arguments)
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    with TemporaryDirectory() as folder:
        changes = copy_with_mutants(Path(folder))
        fates = fates_of(Path(folder), sample(changes, options.share))
    TABLE.write_text(page(changes, fates, before), encoding="utf-8")
    print(f"{len(fates)} mutants: {dict(Counter(fates.values()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
