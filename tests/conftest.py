"""What holds for every test."""

import pytest
from hypothesis import settings

# How long one example takes says more about what else the machine does than about the code; the suite's length is seen.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

# Each of some thousand mutants is played against: few examples, and always the same ones.
settings.register_profile("mutation", deadline=None, max_examples=10, derandomize=True, database=None)


# Where tests wait for lives, servers and other processes; in this order.
LONG = ("storms", "integration", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits most of the time: what computes fills the processors meanwhile."""
    items.sort(key=lambda item: [folder not in item.path.parts for folder in LONG])
