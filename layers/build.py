"""Build what is deployed: for each cloud a zip of the function and a zip of the layer with its packages.

    python -m layers.build
    python -m layers.build scf

They lie in `layers/build/`, named `<cloud>-function.zip` and `<cloud>-layer.zip`, for any tool that deploys them, and
beside them `<cloud>-sbom.cdx.json`: the packages of the layer with their versions and licences (CycloneDX). The
function's zip holds the modules of `handler/` and its OpenAPI document byte for byte, and bytecode. Neither zip depends
on the other: they can be deployed one without the other as long as `layers/requirements.txt` stays the same.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from layers.command import CommandParser
from layers.openapi import PLACE
from layers.packaging.archive import pack
from layers.packaging.bytecode import NEVER_IMPORTED, CompileError, compile_all, interpreter
from layers.packaging.install import InstallError, install
from layers.packaging.inventory import bill_of_materials, complete_licences
from layers.packaging.targets import ROOT, TARGETS, Target

OUTPUT: Final = ROOT / "layers" / "build"


@dataclass(frozen=True, slots=True)
class Built:
    """The two zips of a target, and their bill of materials.

    `python` compiled them; it is None if this machine has no Python of that version.
    """

    function: Path
    layer: Path
    bill: Path
    python: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Build for the clouds named, or for all; 1 if that failed."""
    parser = CommandParser(prog="python -m layers.build", description="Build what is deployed.")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="|".join(TARGETS), help="default: all")
    named = parser.parse_args(arguments).targets or list(TARGETS)
    for name in named:
        try:
            built = build(TARGETS[name], OUTPUT)
        except (InstallError, CompileError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        for path in (built.function, built.layer, built.bill):
            sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes\n")
        if built.python is None:
            version = TARGETS[name].version
            sys.stderr.write(f"No python{version} here, so each cold start compiles all modules.\n")
    return 0


def build(target: Target, output: Path, *, bytecode: bool = True) -> Built:
    """Build both zips into `output`; raises InstallError or CompileError."""
    output.mkdir(parents=True, exist_ok=True)
    python = interpreter(target) if bytecode else None
    function, layer, bill = (
        output / f"{target.name}-{part}" for part in ("function.zip", "layer.zip", "sbom.cdx.json")
    )
    built = Built(function, layer, bill, python)
    build_function(target, built.function, python)
    built.bill.write_text(build_layer(target, built.layer, python), "utf-8")
    return built


def build_function(target: Target, archive: Path, python: str | None) -> None:
    """Zip the modules of `handler/` and its OpenAPI document as they are, with the bytecode that `python` makes.

    What else lies in `handler/`, such as a README, is for readers of the repository.
    """
    with tempfile.TemporaryDirectory(prefix="function-") as scratch:
        folder = Path(scratch)
        for path in sorted([*(ROOT / "handler").rglob("*.py"), PLACE]):
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if target.index is not None:
            (folder / "index.py").write_text(target.index, "utf-8")
        if python is not None:
            compile_all(python, folder, target.code)
        pack(folder, archive)


def build_layer(target: Target, archive: Path, python: str | None) -> str:
    """Zip the pinned packages of the target, with the bytecode of those modules that the function may import.

    Each keeps its licence's text. The bill of materials is given back.
    """
    with tempfile.TemporaryDirectory(prefix="layer-") as scratch:
        packages = Path(scratch) / "layer" / target.packages
        install(target, packages)
        complete_licences(packages)
        if python is not None:
            compile_all(python, packages, f"{target.mount}/{target.packages}".rstrip("/"), NEVER_IMPORTED)
        pack(Path(scratch) / "layer", archive)
        return bill_of_materials(packages)


if __name__ == "__main__":
    sys.exit(main())
