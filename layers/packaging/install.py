"""Install the pinned packages of a target into a folder, without Docker and from any machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from layers.packaging.targets import ROOT, Target

PINS: Final = ROOT / "layers" / "requirements.txt"

UNUSED: Final = (
    *("bin", "share", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED"),
    *("**/*.pyi", "**/py.typed"),
    *("pydantic/v1", "pydantic/mypy.py", "aws_lambda_powertools/event_handler"),
)
"""Files left out of the layer, because SCF's API takes less than 7.5 MB of it: commands and manuals, pip's own notes,
what only type checkers read, pydantic's first version, and Powertools' event handler with its Swagger UI."""


class InstallError(Exception):
    """pip did not install; the text is pip's own."""


def install(target: Target, folder: Path) -> None:
    """Put the packages of the target's layer into `folder`: wheels only, and only those whose hashes are pinned."""
    folder.mkdir(parents=True)
    requirements = folder.with_suffix(".txt")
    requirements.write_text(pins_for(target, PINS.read_text("utf-8")), "utf-8")
    install_pins(target, requirements, folder)
    requirements.unlink()
    for path in [path for pattern in UNUSED for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def install_pins(target: Target, pins: Path, folder: Path) -> None:
    """Install exactly what the file `pins` names; InstallError if the target has no wheel for any of it."""
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--quiet"]
    options += ["--implementation", "cp", "--python-version", target.version, "--abi", _abi(target)]
    for platform in target.platforms:
        options += ["--platform", platform]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), "--requirement", str(pins)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # this Python's own pip
    if done.returncode:
        raise InstallError(f"pip cannot install the packages for {target.name}: {done.stderr.strip()}")


def pins_for(target: Target, pinned: str) -> str:
    """The requirements with their hashes that hold for the target, without their markers."""
    entries = pinned.replace("\\\n", " ").splitlines()
    return "".join(_kept(entry, target) for entry in entries if entry.strip() and not entry.startswith("#"))


def _kept(entry: str, target: Target) -> str:
    text, *hashes = entry.split(" --hash=")
    requirement = Requirement(text.strip())
    if requirement.marker and not requirement.marker.evaluate(dict(target.markers)):
        return ""
    return " --hash=".join([f"{requirement.name}{requirement.specifier}", *map(str.strip, hashes)]) + "\n"


def _abi(target: Target) -> str:
    return f"cp{target.python[0]}{target.python[1]}"
