"""The page of `make serve`: what one lost reply comes to here, and beside it."""

import pytest

from tests.browser.driver import ENTER, Browser
from tests.browser.scenes import both_have_answered, lose_a_reply
from tests.integration.served import Program


@pytest.fixture
def page(browser: Browser, serving: Program) -> Browser:
    browser.open(serving.page)
    browser.shows("planned", "The next calls meet no fault.")
    return browser


def test_a_lost_reply_is_seen_counted_once_and_counted_twice_beside_it(page: Browser) -> None:
    lose_a_reply(page)
    page.shows("ours", "like = 5")
    page.shows("theirs", "like = 10")
    assert "counted; no reply arrives" in page.text("timeline")


def test_the_keyboard_alone_will_do(page: Browser) -> None:
    page.tab_to("Reply lost")
    page.keys(ENTER)
    page.shows("planned", "2 faults wait")
    page.tab_to("Idempotency key")
    for times in (1, 2):
        page.keys(ENTER)
        both_have_answered(page, times)
    assert (page.text("ours").startswith("like = 5"), page.text("theirs")) == (True, "like = 10")
    assert page.focused() == "Idempotency key"
