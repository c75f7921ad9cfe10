"""A copy of the repository in which every function of `handler/core` can be switched to each of its mutants.

mutmut makes the mutants: it knows what can be changed in Python's syntax, and it leaves alone what runs at import, what
is decorated, and `len` and `isinstance`. Its own runner collects the tests anew for each mutant, which takes longer
than most tests here; so the tests are played by `tests.faults.mutation` instead.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

ROOT = Path(__file__).parents[2]

CORE = Path("handler/core")

COPIED = ("handler", "tests", "events", "pyproject.toml")

_OWN_RUNNER = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
_SWITCHES = "from tests.faults.switching import MutantDict, switchable as _mutmut_mutated"


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant changes: in which function of which module, from what to what."""

    module: str
    function: str
    was: str
    now: str


def copy_with_mutants(target: Path) -> Mapping[str, Change]:
    """Write the copy; by name of a mutant what it changes."""
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, target / name)
    changes: dict[str, Change] = {}
    for path in sorted((ROOT / CORE).glob("*.py")):
        mutated = mutate_file_contents(str(path), path.read_text())
        (target / CORE / path.name).write_text(mutated.code.replace(_OWN_RUNNER, _SWITCHES))
        changes.update(_changes(path.stem, mutated))
    return changes


def _changes(module: str, mutated: MutatedFile) -> Iterator[tuple[str, Change]]:
    lines = mutated.code.splitlines()

    def text(name: str) -> list[str]:
        span = mutated.line_span_by_function_name[name]
        return [line.strip().replace(name, "") for line in lines[span.start - 1 : span.end]]

    for name in mutated.mutant_names:
        function = name.rpartition("__mutmut_")[0]
        differences = list(difflib.ndiff(text(f"{function}__mutmut_orig"), text(name)))
        was, now = (" ".join(line[2:] for line in differences if line[0] == sign) for sign in "-+")
        plain = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        yield f"handler.core.{module}.{name}", Change(module, plain, was, now)
