"""The targets of a build: each cloud's Python, its machine, and where it looks for packages."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parents[2]
"""The root of the repository."""

Version: TypeAlias = tuple[int, int]

GLIBCS: Final = (17, 28)
"""Wheels for these versions 2.x of glibc run on both: Amazon Linux 2023 has 2.34, SCF's CentOS 8 has 2.28."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python on a machine. Packages lie in the layer's folder `packages`, and the layer is unpacked at `mount`.

    The function's own package is unpacked at `code`.
    """

    name: str
    python: Version
    machine: str
    packages: str
    mount: str
    code: str
    index: str | None = None
    """The text of `index.py` at the root of the function's package, where the cloud looks for one there."""

    @property
    def version(self) -> str:
        """The version of Python, as `3.13`."""
        return ".".join(map(str, self.python))

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that run there."""
        return (*(f"manylinux_2_{glibc}_{self.machine}" for glibc in GLIBCS), f"manylinux2014_{self.machine}")

    @property
    def markers(self) -> Mapping[str, str]:
        """The environment that the markers of requirements are read in; pip reads them for the Python it runs in."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
        }


# SCF looks for its entry at the root of the package and for packages right in /opt
# (cloud.tencent.com/document/product/583/40159).
INDEX: Final = (
    '"""The entry that SCF looks for."""\n\nfrom handler.preload import main_handler\n\n__all__ = ["main_handler"]\n'
)

AWS: Final = Target("aws", (3, 13), "aarch64", packages="python", mount="/opt", code="/var/task")
SCF: Final = Target("scf", (3, 10), "x86_64", packages="", mount="/opt", code="/var/user", index=INDEX)
TARGETS: Final = {target.name: target for target in (AWS, SCF)}


def here(python: Version = (sys.version_info.major, sys.version_info.minor)) -> Target:
    """AWS's layout for a Python of this very machine, so that it can be run here."""
    return Target("here", python, platform.machine(), packages=AWS.packages, mount=AWS.mount, code=AWS.code)
