"""What several files of tests have in common: an app to drive."""

import pytest

from tests.sandbox.app import ChatApp
from tests.unit.sandbox.driver import new_app


@pytest.fixture
def app() -> ChatApp:
    """An app with one group, `G`, and no limit."""
    return new_app()
