"""The function's zip: the modules of the repository as they are, with bytecode that is taken and always the same."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from layers.build import build_function
from layers.openapi import PLACE
from layers.packaging.archive import unpack
from layers.packaging.targets import INDEX, ROOT, SCF, here

MODULES = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted((ROOT / "handler").rglob("*.py"))}
DOCUMENT = {PLACE.relative_to(ROOT).as_posix(): PLACE.read_bytes()}
UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags in bytecode that Python takes without a look at its source."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function's zip for the Python of these tests."""
    made = tmp_path_factory.mktemp("built") / "function.zip"
    build_function(here(), made, sys.executable)
    return made


def contents(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_each_deployed_module_is_the_repositorys_byte_for_byte(archive: Path) -> None:
    """What is deployed is what is written, the OpenAPI document too, and nothing else is a source there."""
    held = {name: content for name, content in contents(archive).items() if not name.endswith(".pyc")}
    assert held == {**MODULES, **DOCUMENT}


def test_each_module_has_bytecode_that_is_never_compared_to_its_source(archive: Path) -> None:
    """A stamp of time would be another in each checkout, and a checked hash would cost a cold start a look at each."""
    compiled = {name: held for name, held in contents(archive).items() if name.endswith(".pyc")}
    assert set(compiled) == set(map(importlib.util.cache_from_source, MODULES))
    assert {held[4:8] for held in compiled.values()} == {UNCHECKED_HASH}


def test_the_bytecode_is_what_runs(archive: Path, tmp_path: Path) -> None:
    """No module of the function is compiled when the deployed entry is imported."""
    unpack(archive, tmp_path)
    done = subprocess.run(
        [sys.executable, "-B", "-v", "-c", "import handler.preload"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "INIT_EARLY": "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    origins = [line for line in done.stderr.splitlines() if line.startswith("# code object from")]
    own = [line for line in origins if str(tmp_path) in line]
    assert len(own) > 50
    assert [line for line in own if ".pyc" not in line] == []


def test_the_same_sources_make_the_same_zip(archive: Path, tmp_path: Path) -> None:
    """Neither the time nor the folder of the build is in it."""
    build_function(here(), tmp_path / "again.zip", sys.executable)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_scf_finds_its_entry_at_the_root(tmp_path: Path) -> None:
    """Beside the same modules; without a Python of its version there is no bytecode."""
    build_function(SCF, tmp_path / "function.zip", None)
    assert contents(tmp_path / "function.zip") == {**MODULES, **DOCUMENT, "index.py": INDEX.encode()}


def test_only_clouds_that_there_are_can_be_built_for() -> None:
    command = [sys.executable, "-m", "layers.build", "moon"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "moon" in done.stderr
