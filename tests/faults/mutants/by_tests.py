"""Mutants that no small world shows, because its numbers are too small: pytest runs a test of the rule with one alive.

`killed` starts that run, in which this module is a plugin that lets the mutant live.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.faults.mutants.mutant import OF_PYTHON, Mutant

# The mutant that is to live in a run of pytest.
ALIVE = "MUTANT"

# What pytest returns where tests have failed; where there are none, or they cannot be run, it is another one.
FAILED = 1

# Held until the process ends.
_LIFE = ExitStack()

_ROOT = Path(__file__).parents[3]
_PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", __name__)


def killed(mutant: Mutant) -> bool:
    """Whether its test fails while it lives. Raises ValueError where that shows nothing, because Python fails."""
    command = [sys.executable, *_PYTEST, mutant.test]
    variables = os.environ | {ALIVE: mutant.name, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run(command, cwd=_ROOT, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, FAILED} or any(f"E   {error}" in ended.stdout for error in OF_PYTHON):
        raise ValueError(f"{mutant.name}: {mutant.test} cannot be run: {ended.stdout}{ended.stderr}")
    return ended.returncode == FAILED


def pytest_configure() -> None:
    """Let the mutant live until the process ends."""
    from tests.faults.mutants.mutants import MUTANTS  # which import this

    [mutant] = [one for one in MUTANTS if one.name == os.environ[ALIVE]]
    _LIFE.enter_context(mutant.alive())
