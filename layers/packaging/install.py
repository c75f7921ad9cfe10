"""Installs the pinned packages of a target into a folder, without Docker and whatever machine this is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from layers.packaging.pins import PINS, pins_for
from layers.packaging.targets import Target

UNUSED: Final = (
    *(
        "bin",
        "share",
        "*.dist-info/RECORD",
        "*.dist-info/INSTALLER",
        "*.dist-info/REQUESTED",
        "**/*.pyi",
        "**/py.typed",
    ),
    *("pydantic/v1", "pydantic/mypy.py"),
)
"""Commands and manuals, pip's own notes, what only type checkers read, and pydantic's old self: SCF's API takes a layer
of less than 7.5 MB."""


class InstallError(Exception):
    """pip did not install; the text is what it said."""


def install(target: Target, folder: Path) -> None:
    """Put the packages of the target's layer into `folder`: wheels only, and only those whose hashes are pinned."""
    folder.mkdir(parents=True)
    needed = folder.with_suffix(".txt")
    needed.write_text(pins_for(target, PINS.read_text("utf-8")), "utf-8")
    install_pins(target, needed, folder)
    needed.unlink()
    for path in [path for pattern in UNUSED for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def install_pins(target: Target, pins: Path, folder: Path) -> None:
    """Install exactly what the file `pins` names; InstallError if any of it is not to be had for the target."""
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--quiet"]
    options += ["--implementation", "cp", "--python-version", target.version, "--abi", _abi(target)]
    for platform in target.platforms:
        options += ["--platform", platform]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), "--requirement", str(pins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # this Python's own pip
    if done.returncode:
        raise InstallError(f"pip cannot install the packages for {target.name}: {done.stderr.strip()}")


def _abi(target: Target) -> str:
    return f"cp{target.python[0]}{target.python[1]}"
