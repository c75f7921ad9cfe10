"""What a layer holds, for those who have to answer for it: the text of each licence, and a bill of materials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from layers.packaging.install import InstallError

LICENCE_FILES: Final = ("LICEN[CS]E*", "licenses/**/*")

TEXTS: Final[Mapping[str, Path]] = {"Apache License 2.0": Path(__file__).with_name("Apache-2.0.txt")}
"""The texts for packages whose wheels have none, by what their metadata call the licence."""


def complete_licences(packages: Path) -> None:
    """Put the licence beside each package that came without its text; InstallError for one that is not known here."""
    for folder in sorted(packages.glob("*.dist-info")):
        if licence_of(folder) is None:
            named = _licence(Distribution.at(folder))
            if named not in TEXTS:
                raise InstallError(f"{folder.name} has no licence text, and its licence is named {named!r}")
            (folder / "LICENSE").write_bytes(TEXTS[named].read_bytes())


def licence_of(folder: Path) -> Path | None:
    """The file with a package's licence, in its metadata's folder."""
    return next((path for pattern in LICENCE_FILES for path in sorted(folder.glob(pattern)) if path.is_file()), None)


def bill_of_materials(packages: Path) -> str:
    """The packages in CycloneDX 1.6 (ECMA-424), without a time or a number, so that the same build is the same text."""
    found = sorted(distributions(path=[str(packages)]), key=_name)
    shipped = {"type": "application", "bom-ref": "function", "name": "update-group-counter", "licenses": _named("MIT")}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": shipped},
        "components": [_component(one) for one in found],
    }
    return json.dumps(bill, indent=2) + "\n"


def _component(one: Distribution) -> dict[str, object]:
    name = _name(one)
    purl = f"pkg:pypi/{name}@{one.version}"
    said = {"type": "library", "bom-ref": purl, "name": name, "version": one.version, "purl": purl}
    return {**said, "licenses": _named(_licence(one))}


def _name(one: Distribution) -> str:
    return str(canonicalize_name(one.metadata["Name"]))


def _named(licence: str) -> list[object]:
    return [{"license": {"name": licence}}]


def _licence(one: Distribution) -> str:
    """What the metadata call it: an expression, or else a name, of which older ones put the whole text there."""
    names = [one.metadata[field].strip() for field in ("License-Expression", "License") if field in one.metadata]
    return next((name.splitlines()[0] for name in names if name), "unknown")
