"""Build what is deployed: for each cloud a zip of the function and a zip of the layer with its packages.

    python -m layers.build
    python -m layers.build scf

They lie in `layers/build/`, named `<cloud>-function.zip` and `<cloud>-layer.zip`, for whatever tool deploys them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from layers.packaging.archive import pack
from layers.packaging.bytecode import NEVER_IMPORTED, CompileError, compile_all, compile_modules, interpreter
from layers.packaging.install import InstallError, install
from layers.packaging.targets import TARGETS, Target
from layers.sources import ARCHIVE, plain, put

ROOT: Final = Path(__file__).resolve().parent.parent
OUTPUT: Final = ROOT / "layers" / "build"


@dataclass(frozen=True, slots=True)
class Built:
    """The two zips of a target; `python` compiled the layer, None if this machine has none of its version."""

    function: Path
    layer: Path
    python: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Build for the clouds named, or for all; 1 if that failed."""
    parser = argparse.ArgumentParser(prog="python -m layers.build", description="Build what is deployed.")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="|".join(TARGETS), help="default: all")
    named = parser.parse_args(arguments).targets or list(TARGETS)
    for name in named:
        try:
            built = build(TARGETS[name], OUTPUT)
        except (InstallError, CompileError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        for path in (built.function, built.layer):
            sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes\n")
        if built.python is None:
            version = TARGETS[name].version
            sys.stderr.write(f"No python{version} here, so there is no bytecode, and each cold start compiles anew.\n")
    return 0


def build(target: Target, output: Path, *, bytecode: bool = True) -> Built:
    """Build both zips into `output`; raises InstallError or CompileError."""
    output.mkdir(parents=True, exist_ok=True)
    python = interpreter(target) if bytecode else None
    built = Built(output / f"{target.name}-function.zip", output / f"{target.name}-layer.zip", python)
    with tempfile.TemporaryDirectory(prefix="layers-") as scratch:
        folder = Path(scratch)
        plain(ROOT / "handler", folder / "modules")
        build_name = _function(target, folder / "modules", folder / "function")
        pack(folder / "function", built.function)
        _layer(target, folder / "layer", python)
        if python is not None:
            compiled = folder / "layer" / target.packages / target.bytecode(build_name)
            compile_modules(python, folder / "modules", compiled, f"{target.code}/handler/{ARCHIVE}")
        pack(folder / "layer", built.layer)
    return built


def _function(target: Target, modules: Path, folder: Path) -> str:
    """Sources alone: bytecode would triple the zip, so it goes into the layer, under the name of this build."""
    name = put(modules, folder / "handler")
    if target.index is not None:
        (folder / "index.py").write_text(target.index, "utf-8")
    return name


def _layer(target: Target, folder: Path, python: str | None) -> None:
    packages = folder / target.packages
    install(target, packages)
    if python is not None:
        compile_all(python, packages, f"{target.mount}/{target.packages}".rstrip("/"), NEVER_IMPORTED)


if __name__ == "__main__":
    sys.exit(main())
