"""A package that is not installed, though it is."""

import sys

import pytest


def leave_out(monkeypatch: pytest.MonkeyPatch, package: str, *importers: str) -> None:
    """Let `package` be found nowhere, and import anew the modules that may have imported it: their names begin so."""
    for module in list(sys.modules):
        if module.split(".")[0] == package or module.startswith(importers):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Without(package), *sys.meta_path])


class _Without:
    """Finds no package of a name."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse the package, and leave the others to those who come next."""
        if name.split(".", maxsplit=1)[0] == self._package:
            raise ModuleNotFoundError(f"No module named {self._package!r}", name=self._package)
