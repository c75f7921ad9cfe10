"""One browser for all tests, and one window on the page that a test opens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import driver
from tests.browser.driver import Browser
from tests.integration.counting import chat_with
from tests.integration.on_call import calling, console
from tests.integration.served import Program
from tests.integration.wire import forget_environment
from tests.sandbox.chat import ChatServer

GROUP = "live-room"


@pytest.fixture(scope="session")
def started() -> Iterator[Browser]:
    reason = driver.missing()
    if reason:
        pytest.skip(f"THE PAGES ARE NOT TESTED IN A BROWSER: {reason}")
    with driver.browser() as opened:
        yield opened


@pytest.fixture
def browser(started: Browser) -> Browser:
    """The window of a laptop."""
    started.resize(1400, 900)
    return started


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Forget what this machine says about proxies and certificates."""
    with pytest.MonkeyPatch.context() as patch:
        forget_environment(patch)
        yield


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Program]:
    """`make serve`, up until the test is over."""
    running = Program(tmp_path)
    yield running
    assert running.end() == (0, "")


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatServer]:
    """The vendor, and a function of this process that is set up for it."""
    ledger = f"sqlite:///{tmp_path}/ledger?synchronous=normal"
    with chat_with([GROUP]) as server, calling(server.endpoint, tmp_path, LEDGER_URL=ledger):
        yield server


@pytest.fixture
def page(browser: Browser, chat: ChatServer) -> Iterator[Browser]:
    """The operator's page over that function."""
    with console() as address:
        browser.open(address)
        browser.shows("where", "Acting on this checkout")
        yield browser
