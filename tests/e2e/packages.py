"""What is deployed, built and unpacked as a cloud does it, with a bare Python of the target that sees nothing else."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn

import pytest

from layers.build import build
from layers.packaging.archive import unpack
from layers.packaging.bytecode import interpreter
from layers.packaging.install import InstallError, install_pins, pins_for
from layers.packaging.targets import Target
from tests.e2e.instances import ROOT, Place

RUNTIME_PACKAGES: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""AWS's runtime client, which is there beside the function and its layer."""

NO_SITE: Final = ("-S", "-s")
"""The interpreter's own packages and the user's are not looked at."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Zips and the folders that they were unpacked to."""

    target: Target
    function_zip: Path
    layer_zip: Path
    bill: Path
    code: Path
    layer: Path
    has_bytecode: bool

    @property
    def packages(self) -> Path:
        return self.layer / self.target.packages


def unpacked(target: Target, folder: Path, *, bytecode: bool = True) -> Unpacked:
    """Build both zips of a target and unpack them; skips loudly where no packages are to be had."""
    try:
        built = build(target, folder / "built", bytecode=bytecode)
    except InstallError as error:
        refuse(str(error))
    code, layer = folder / "task", folder / "opt"
    unpack(built.function, code)
    unpack(built.layer, layer)
    return Unpacked(target, built.function, built.layer, built.bill, code, layer, built.python is not None)


def python_for(target: Target) -> str:
    """A Python of the target's version; skips loudly where this machine has none."""
    python = interpreter(target)
    if python is None:
        pytest.skip(f"no python{target.version} on this machine")
    return python


def on_scf(package: Unpacked) -> Place:
    """The function's folder and the layer, as SCF puts them on the path."""
    return Place(python_for(package.target), package.code, (package.code, package.packages), NO_SITE)


def on_lambda(package: Unpacked, folder: Path) -> Place:
    """The function's folder, the layer and, last, AWS's runtime client."""
    client = folder / "runtime"
    pins = folder / "runtime.txt"
    every = pins_for(package.target, (ROOT / "tests" / "requirements.txt").read_text("utf-8")).splitlines(keepends=True)
    pins.write_text("".join(pin for pin in every if pin.split("==")[0] in RUNTIME_PACKAGES), "utf-8")
    install_pins(package.target, pins, client)
    place = Place(python_for(package.target), package.code, options=NO_SITE)
    return replace(place, paths=(package.code, package.packages, client))


def refuse(reason: str) -> NoReturn:
    """Skip loudly; in continuous integration that is a failure, as nothing else would notice."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
