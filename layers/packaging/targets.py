"""What is built for: each cloud's Python, its machine, and where it looks for packages."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

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
    """What `index.py` at the root of the function's package holds, where the cloud wants one there."""

    @property
    def version(self) -> str:
        """The version of Python, as `3.13`."""
        return ".".join(map(str, self.python))

    def bytecode(self, build: str) -> str:
        """The folder, among the layer's packages, that the bytecode of the function's modules lies in."""
        return f"handler-{build}-cpython-{self.version.replace('.', '')}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that run there."""
        return (*(f"manylinux_2_{glibc}_{self.machine}" for glibc in GLIBCS), f"manylinux2014_{self.machine}")

    @property
    def markers(self) -> Mapping[str, str]:
        """The environment that markers of requirements are read in: pip would take the one it runs in itself."""
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

AWS: Final = Target("aws", (3, 13), "aarch64", "python", "/opt", "/var/task")
SCF: Final = Target("scf", (3, 10), "x86_64", "", "/opt", "/var/user", INDEX)
TARGETS: Final = {target.name: target for target in (AWS, SCF)}


def here(python: Version = (sys.version_info.major, sys.version_info.minor)) -> Target:
    """AWS's layout for a Python of this very machine, so that it can be run here."""
    return Target("here", python, platform.machine(), AWS.packages, AWS.mount, AWS.code)
