"""The stage that most tests need."""

import pytest

from tests.unit.triggers.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """A group `room` without counters, and everything else in order."""
    return Stage()


@pytest.fixture
def frozen(stage: Stage) -> Stage:
    """The same group after another program wrote its receipt, with an operation under way."""
    stage.post("first")
    stage.chat.groups["room"]["_receipt"] = 1
    assert stage.post("second").status == 503
    return stage
