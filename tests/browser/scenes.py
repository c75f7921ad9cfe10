"""What a person does on the pages, for tests and pictures."""

from collections.abc import Mapping

from handler.main import lambda_handler
from tests.browser.driver import Browser
from tests.e2e.watching import wait_for
from tests.integration.counting import SWEEP, order, over_http
from tests.integration.on_call import SWEEP_S, make_again_amid_a_call
from tests.sandbox.chat import ChatServer
from tests.sandbox.contexts import lambda_context

KEY = "order-7"


def lose_a_reply(browser: Browser) -> None:
    """On the page of `make serve`: a lost reply, and the same key sent twice."""
    browser.press("Reply lost")
    browser.shows("planned", "2 faults wait")
    browser.run("document.getElementById('key').value = ''")
    browser.fill("Idempotency key", KEY)
    for times in (1, 2):
        browser.press("Increase with this key")
        both_have_answered(browser, times)


def both_have_answered(browser: Browser, times: int) -> None:
    """Wait until each of the two callers has as many answers."""
    browser.waits(lambda: browser.text("timeline").count("the caller of") == 2 * times, "both sides' answers")


def freeze(chat: ChatServer, group: str) -> None:
    """A group with 100 that is made again, with 105, amid a call of 5."""
    assert over_http(order(group, 100), "before")[0] == 200
    make_again_amid_a_call(chat, group)
    wait_for(lambda: sweep()["frozen"] == 1, "the sweep that freezes the group")


def sweep() -> Mapping[str, object]:
    """What `status` says after a sweep."""
    lambda_handler(SWEEP, lambda_context(SWEEP_S))
    return lambda_handler({"Type": "Operator", "task": "status"}, lambda_context(SWEEP_S))
