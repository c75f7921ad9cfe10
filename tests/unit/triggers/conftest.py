"""The stage that most tests need."""

from __future__ import annotations

import pytest

from tests.unit.triggers.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """A group `room` without counters, and everything else in order."""
    return Stage()
