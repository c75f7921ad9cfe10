"""The operator's page over a function that is in trouble: what is seen, pressed and typed, until it is well."""

from pathlib import Path

from handler.main import lambda_handler
from tests.browser.conftest import GROUP
from tests.browser.driver import ENTER, TAB, Browser
from tests.browser.scenes import freeze, sweep
from tests.integration.counting import TIMEOUT_S, order, over_http
from tests.sandbox.chat import ChatServer
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import CALLER
from tests.sandbox.faults import Fault


def test_a_frozen_group_is_weighed_tried_and_released(page: Browser, chat: ChatServer) -> None:
    freeze(chat, GROUP)
    page.press("Look again")
    page.shows("health", "NOT WELL: 1 frozen groups")
    page.press(f"Look at it, and decide: {GROUP}")
    page.shows("found", "1 in the call under way, 0 queued")
    assert page.focused() == "A group"
    assert "Increase like 5" in page.text("found")
    page.press("Release the group")
    page.shows("trouble", "Judge each operation first")
    page.press("landed")
    page.press("Try it: nothing is changed")
    page.shows("found", "settled 0")
    page.press("Release the group")
    page.shows("consequence", "A wrong verdict counts twice")
    page.press("Leave it")
    page.press("Release the group")
    page.press("Do it")
    page.shows("decided", "Nothing was changed: something may still land.")
    chat.set_clock_offset(60)
    page.press("landed")
    page.press("Release the group")
    page.press("Do it")
    page.shows("decided", "Done: 1 settled, 0 still owed")
    page.press("Back to the list")
    page.shows("health", "Well. (unfinished groups: 0")
    page.waits(lambda: page.focused() == "Health", "the focus at the list")
    assert over_http(order(GROUP, 5), "k")[0] == 200
    assert chat.values(GROUP)["like"] == 105


def test_a_group_that_waits_can_be_decided_by_hand_but_not_before_the_function_allows_it(
    page: Browser, chat: ChatServer
) -> None:
    assert over_http(order(GROUP, 100), "before")[0] == 200
    chat.plan([Fault("drop_after")])
    chat.always(Fault("drop_before"), "get")
    assert over_http(order(GROUP, 5), "k")[0] == 202
    chat.clear_faults()
    page.fill("Group", GROUP)
    page.press("Look at it")
    page.shows("found", "the end of its call, unless the receipt shows that it landed")
    page.press("Decide by hand, should what it waits for never come")
    page.press("not-landed")
    page.press("Release the group")
    page.press("Do it")
    page.shows("trouble", "GroupId: is not frozen")


def test_a_parked_record_is_replayed_under_another_key_and_one_is_dropped(page: Browser, chat: ChatServer) -> None:
    for number, detail in enumerate(['{"GroupId": "live-room"}', order("new-room", 7)]):
        event = {"id": f"event {number}", "detail-type": "like", "source": "shop", "detail": detail}
        lambda_handler(event, lambda_context(TIMEOUT_S))
    chat.create_group("new-room")
    page.press("Look again")
    page.shows("parked-count", "By kind of source: other 2.")
    page.press("List them")
    page.shows("parked", "GroupCounter: Field required")
    page.press("Replay event 1")
    page.press("Do it")
    page.shows("parked-said", "event 1: rejected")
    page.press("Drop event 0")
    page.press("Do it")
    page.shows("parked-said", "event 0:")
    assert page.focused() == "Parked records"
    page.fill("Another key", "event-1-again")
    page.press("Replay event 1")
    page.press("Do it")
    page.shows("parked-said", "event 1: applied, and dropped from the list.")
    page.shows("health", "Well. ")
    assert chat.values("new-room")["like"] == 7


def test_every_group_is_paused_and_resumed_by_the_keyboard_alone(page: Browser, chat: ChatServer) -> None:
    page.shows("health", "Well. ")
    page.tab_to("Reason of a pause")
    page.keys(*"the vendor asked", ENTER)
    page.shows("consequence", "This pauses EVERY group")
    assert page.focused() == "Leave it"
    page.keys(TAB, ENTER)
    page.shows("health", "NOT WELL: PAUSED since ")
    page.tab_to("Resume every group")
    page.keys(ENTER)
    page.shows("consequence", "This ends the pause of EVERY group")
    page.keys(TAB, ENTER)
    page.shows("health", "Well. ")
    assert page.focused() == "Health"


def test_one_group_is_paused_and_resumed(page: Browser, chat: ChatServer) -> None:
    assert over_http(order(GROUP, 5), "k", wait="respond-async")[0] == 202
    page.fill("Group", GROUP)
    page.press("Look at it")
    page.press("Pause this group")
    page.waits(lambda: page.focused() == "Reason of a pause", "the focus at the reason")
    page.keys(*"a look", ENTER)
    page.press("Do it")
    page.shows("attention", "paused: a look")
    page.press(f"Resume it: {GROUP}")
    page.press("Do it")
    page.shows("health", "Well")
    sweep()
    for field, text in (("Caller", CALLER), ("Key", "k")):
        page.fill(field, text)
    page.press("What became of it")
    page.shows("fate", "applied")
    assert chat.values(GROUP) | {"_receipt": 0} == {"like": 5, "_receipt": 0}


def test_without_a_status_nothing_that_was_shown_before_stays(page: Browser, chat: ChatServer, tmp_path: Path) -> None:
    freeze(chat, GROUP)
    page.press("Look again")
    page.shows("attention", GROUP)
    (tmp_path / "secret.json").unlink()
    page.press("Look again")
    page.shows("health", "NOT WELL: there is no status.")
    assert "No such file or directory" in page.text("health")
    assert page.text("attention") == ""
