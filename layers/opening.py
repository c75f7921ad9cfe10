"""The deployed function: its modules lie in one archive beside this file, their bytecode in the layer.

This is `handler/__init__.py` of the function's zip. Bytecode is only taken from a layer of the very same build, and for
the very Python that runs: beside any other layer the sources are compiled, which takes longer and does the same.
"""

import sys
from importlib.machinery import FileFinder, SourcelessFileLoader
from zipimport import zipimporter

BUILD = ""
COMPILED = f"/handler-{BUILD}-{sys.implementation.cache_tag}"
SOURCES = __file__.replace("__init__.py", "sources.zip")


class Compiled(SourcelessFileLoader):
    """A module of the layer. Its source lies in the archive, and tracebacks show lines of it."""

    def get_source(self, fullname: str) -> str:  # type: ignore[override]  # noqa: ARG002  # the base has none to give
        """The text of a module."""
        path = self.path.partition(COMPILED)[2].removesuffix("c").removeprefix("/")
        return zipimporter(SOURCES).get_data(path).decode()


def find(path: str) -> FileFinder:
    """What finds modules in a folder of the layer."""
    if COMPILED not in path:
        raise ImportError(path)
    return FileFinder(path, (Compiled, [".pyc"]))


sys.path_hooks.insert(0, find)
__path__ = [*(place + COMPILED for place in sys.path), SOURCES]
