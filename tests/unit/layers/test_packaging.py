"""Packages for each cloud: the wheels that its Python needs, bytecode that fits, and the same zip every time."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from layers.packaging import archive
from layers.packaging.bytecode import NEVER_IMPORTED, CompileError, compile_all, interpreter
from layers.packaging.install import PINS, pins_for
from layers.packaging.targets import AWS, SCF, Target, here

ROOT = Path(__file__).resolve().parents[3]
HANDLER = ROOT / "handler"

PINNED = """\
always==1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
old-pythons==2 ; python_full_version < '3.11.3' \\
    --hash=sha256:cc
elsewhere==3 ; sys_platform == 'win32' or platform_machine == 'aarch64' \\
    --hash=sha256:dd
# a remark
"""


@pytest.mark.parametrize(("target", "names"), [(AWS, {"always", "elsewhere"}), (SCF, {"always", "old-pythons"})])
def test_markers_are_read_for_the_target_and_not_for_this_machine(target: Target, names: set[str]) -> None:
    """A package that only older Pythons need goes to them alone, and each machine has its own."""
    assert {line.split("==")[0] for line in pins_for(target, PINNED).splitlines()} == names


def test_the_hashes_of_a_pin_are_kept() -> None:
    """What is installed is what was pinned."""
    assert pins_for(SCF, PINNED).splitlines()[0] == "always==1 --hash=sha256:aa --hash=sha256:bb"


def test_no_marker_is_left_for_pip_to_read_for_itself() -> None:
    """Pip reads markers for the Python that it runs in."""
    assert ";" not in pins_for(SCF, PINS.read_text("utf-8"))


def test_wheels_are_asked_for_by_the_platforms_own_tags() -> None:
    """Newer tags first, the oldest that every wheel carries last."""
    assert SCF.platforms == ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")


def test_a_zip_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    """Another order, time and mode of the files make the same bytes."""
    zips = []
    for name, order, mode in (("first", (0, 1, 2), 0o600), ("second", (2, 0, 1), 0o755)):
        folder = tmp_path / name
        (folder / "inner").mkdir(parents=True)
        files = [folder / "b.py", folder / "inner" / "c.py", folder / "a.py"]
        for index in order:
            files[index].write_text(files[index].name)
            files[index].chmod(mode)
            os.utime(files[index], (index * 10**6 + mode, index * 10**6 + mode))
        archive.pack(folder, tmp_path / f"{name}.zip")
        zips.append((tmp_path / f"{name}.zip").read_bytes())
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "first.zip") as zipped:
        assert zipped.namelist() == ["a.py", "b.py", "inner/c.py"]
        assert {entry.external_attr >> 16 for entry in zipped.infolist()} == {0o100644}


def test_what_was_packed_is_unpacked_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.bin").write_bytes(bytes(range(256)))
    archive.pack(tmp_path / "folder", tmp_path / "a.zip")
    archive.unpack(tmp_path / "a.zip", tmp_path / "again")
    assert (tmp_path / "again" / "a.bin").read_bytes() == bytes(range(256))


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


def test_bytecode_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Sets of texts are written in one order, so that the same sources make the same layer."""
    (tmp_path / "sets.py").write_text("def has(a):\n    return a in {'one', 'two', 'three', 'four', 'five', 'six'}\n")
    made = []
    for _ in range(3):
        compile_all(sys.executable, tmp_path, "/opt")
        [bytecode] = tmp_path.glob("__pycache__/*.pyc")
        made.append(bytecode.read_bytes())
        bytecode.unlink()
    assert len(set(made)) == 1


def test_a_module_that_does_not_compile_stops_the_build(tmp_path: Path) -> None:
    """The error shows what the compiler said."""
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(CompileError, match="SyntaxError"):
        compile_all(sys.executable, tmp_path, "/opt")


def test_the_compiler_has_the_targets_version() -> None:
    """Bytecode of another version is never read, so no other Python is taken."""
    assert interpreter(here()) == sys.executable
    assert interpreter(here((3, 99))) is None


def test_only_clouds_that_there_are_can_be_built_for() -> None:
    """A word that names none is refused before anything is made."""
    command = [sys.executable, "-m", "layers.build", "moon"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "moon" in done.stderr
