"""What a target needs of the pinned requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from layers.packaging.targets import Target

PINS: Final = Path(__file__).resolve().parents[1] / "requirements.txt"


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
