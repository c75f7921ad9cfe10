"""What is deployed is not the checkout's own modules, and keeps their promise all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from layers.packaging.bytecode import compile_modules
from layers.packaging.targets import here
from layers.sources import ARCHIVE, plain, put
from tests.e2e.instances import ROOT

SIMULATE = """
import sys
from handler.core import exactly_once, rows
from tests.faults.simulator.simulate import main
print(type(rows.__spec__.loader).__name__, hasattr(rows.Row, "__dataclass_params__"))
sys.exit(main(["--seeds", "1000", "--jobs", "1"]))
"""


def test_the_packaged_modules_play_the_simulators_worlds_without_a_fault(tmp_path: Path) -> None:
    """Their dataclasses are written out before they are compiled: this core is not the one that is tested elsewhere."""
    target, modules = here(), tmp_path / "modules"
    plain(ROOT / "handler", modules)
    build = put(modules, tmp_path / "task" / "handler")
    compiled = tmp_path / "opt" / target.bytecode(build)
    compile_modules(sys.executable, modules, compiled, f"{target.code}/handler/{ARCHIVE}")
    path = os.pathsep.join(map(str, (tmp_path / "task", tmp_path / "opt", ROOT)))
    done = subprocess.run(
        [sys.executable, "-B", "-c", SIMULATE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[0] == "Compiled False"
