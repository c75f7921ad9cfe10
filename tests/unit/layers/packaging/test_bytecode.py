"""Bytecode: made by the target's own Python, for the place where it lies in the cloud, and the same every time."""

import subprocess
import sys
from pathlib import Path

import pytest

from layers.packaging.bytecode import NEVER_IMPORTED, CompileError, compile_all, interpreter
from layers.packaging.targets import here

ROOT = Path(__file__).resolve().parents[4]
HANDLER = ROOT / "handler"


def test_bytecode_is_compiled_for_where_it_will_lie_and_not_where_left_out(tmp_path: Path) -> None:
    """A module runs from its bytecode, names the path that it has in the cloud, and unused ones have none."""
    for name in ("used.py", "unused/inner.py", "unusual.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("def where() -> str:\n    return where.__code__.co_filename\n")
    compile_all(sys.executable, tmp_path, "/opt/python", ("unused",))
    compiled = {path.relative_to(tmp_path).as_posix().split(".cpython")[0] for path in tmp_path.rglob("*.pyc")}
    assert compiled == {"__pycache__/used", "__pycache__/unusual"}
    [bytecode] = tmp_path.glob("__pycache__/used.*")
    assert b"/opt/python/used.py" in bytecode.read_bytes()


def test_nothing_that_the_function_imports_is_left_without_bytecode() -> None:
    """A module without bytecode would be compiled at each cold start, and nothing else would show it."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(HANDLER.rglob("*.py"))]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    command = [sys.executable, "-c", code, *names]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    left_out = {path.removesuffix(".py").replace("/", ".") for path in NEVER_IMPORTED}
    assert {"handler.vault.aws", "handler.ledgers.redis.ledger", "handler.vault.tencent"} <= set(loaded)
    assert [name for name in loaded if any(f"{name}.".startswith(f"{each}.") for each in left_out)] == []


def test_a_module_that_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(CompileError, match="SyntaxError"):
        compile_all(sys.executable, tmp_path, "/opt")


def test_the_compiler_has_the_targets_version() -> None:
    """Bytecode of another version is never read, so no other Python is taken."""
    assert interpreter(here()) == sys.executable
    assert interpreter(here((3, 99))) is None
