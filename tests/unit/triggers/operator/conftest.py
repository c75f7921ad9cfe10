"""The stage of operators' tests."""

import pytest

from tests.unit.triggers.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """A group `room` in which one operation was counted."""
    stage = Stage()
    stage.post("first")
    return stage
