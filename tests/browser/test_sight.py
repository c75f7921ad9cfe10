"""What everyone can see and reach: labels, contrast, narrow screens, and ten thousand groups."""

import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from handler import bootstrap
from handler.core.model.operation import Mode
from handler.core.model.row import Entry, Group, first_row
from tests.browser.conftest import GROUP
from tests.browser.driver import Browser
from tests.browser.scenes import freeze, lose_a_reply
from tests.integration.served import Program
from tests.sandbox.chat import ChatServer
from tests.sandbox.environment import SDKAPPID

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (400, 1400)
MANY = 10_000
ENTRY = Entry(id="a", fingerprint="v1:a", mode=Mode.INCREASE, counters=(("like", 5),), window_s=3600.0)


def found_wrong(browser: Browser) -> list[Any]:
    """What axe-core finds on the page as it is, by its rules for WCAG 2.2 AA and its best practices."""
    if not AXE.exists():
        pytest.skip("LABELS AND CONTRAST ARE NOT TESTED IN A BROWSER: run `make browser`, which installs axe-core")
    browser.run(AXE.read_text("utf-8"))
    audit: dict[str, Any] = browser.promised("axe.run()")
    assert len(audit["passes"]) > 10
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in audit["violations"]]


def assert_good(browser: Browser, width: int) -> None:
    """Nothing has to be scrolled sideways, and axe-core has nothing to say."""
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert found_wrong(browser) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_scene_is_for_everyone(browser: Browser, serving: Program, width: int) -> None:
    browser.resize(width, 900)
    browser.open(serving.page)
    lose_a_reply(browser)
    assert_good(browser, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_operators_page_is_for_everyone(page: Browser, chat: ChatServer, width: int) -> None:
    """With a group that has to be judged, and with the question before it is."""
    freeze(chat, GROUP)
    page.resize(width, 900)
    page.press("Look again")
    page.press(f"Look at it, and decide: {GROUP}")
    page.press("landed")
    assert_good(page, width)
    page.press("Release the group")
    page.shows("consequence", "A wrong verdict counts twice")
    assert_good(page, width)
    page.press("Leave it")


@pytest.fixture
def many(chat: ChatServer) -> list[str]:
    """Groups that wait for the first time since long ago, each for a second less than the one before."""
    ledger, now = bootstrap.app_context().instance.ledger, int(time.time())
    ids = [f"room-{number:05}" for number in range(MANY)]
    for place, group_id in enumerate(ids):
        owed = replace(ENTRY, accepted_at=now - 2 * MANY + place)
        assert ledger.swap(Group(SDKAPPID, group_id), first_row([owed], "_receipt", 1), {})
    return ids


def test_ten_thousand_groups_are_looked_through_page_by_page(many: list[str], page: Browser) -> None:
    began = time.monotonic()
    page.press("Look again")
    page.shows("shown", "groups 1 to 50")
    page.press("Next page")
    page.shows("shown", "groups 51 to 100")
    took_s = time.monotonic() - began
    assert f"unfinished groups: {MANY}" in page.text("health")
    assert page.text("attention").startswith(many[50])
    page.press("Page before")
    page.shows("shown", "groups 1 to 50")
    page.press(f"Look at it: {many[9]}")
    page.shows("found", many[9])
    assert took_s < 20
