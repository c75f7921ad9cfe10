"""The function in the process of a test, as a cold instance finds it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from handler import bootstrap


@contextmanager
def cold_function(variables: Mapping[str, str]) -> Iterator[None]:
    """The function with this environment; the instance is cold, and none is left behind."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        bootstrap.reset()
        yield
        bootstrap.reset()
