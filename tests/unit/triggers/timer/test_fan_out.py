"""A tick of many groups goes through the queue in pages; whatever is repeated or breaks off counts once."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from handler.core.errors import NotAccepted, QueueUnavailable
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.queue import REQUEST_BYTES, Message, requests
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from handler.triggers.timer.fan_out import DELAYS
from tests.unit.triggers.faulty import ListQueue
from tests.unit.triggers.sources.source_events import records, sqs
from tests.unit.triggers.stage import APP, RULES, UPDATE, Stage, headers, invocation
from tests.unit.triggers.timer.test_handler import event

GROUPS = [f"room-{number:03}" for number in range(250)]


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


@pytest.fixture
def stage(queue: ListQueue) -> Stage:
    """Many groups, a queue, and a rate of which half is ten calls a second."""
    stage = Stage(rules=replace(RULES, calls_per_second=20.0))
    stage.chat.groups = {group: {} for group in GROUPS}
    stage.context = replace(stage.context, queue=lambda: queue)
    return stage


def deliver(stage: Stage, texts: Sequence[str], batch: int = 5) -> list[Event]:
    """The replies of the function to messages that come in batches, each in an invocation of its own."""
    replies = []
    for start in range(0, len(texts), batch):
        stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
        part = texts[start : start + batch]
        replies.append(stage.batch(records(*(sqs(text, start + place) for place, text in enumerate(part)))))
    return replies


def likes(stage: Stage) -> set[int | None]:
    """The counters that groups have in the end.

    The threads of a batch share a clock that each of them moves on, so some groups may have been left to the sweep.
    """
    assert stage.context.counters().sweep(stage.clock.monotonic() + 600).left == 0
    return {stage.chat.groups[group].get("like") for group in GROUPS}


def test_a_larger_tick_is_handed_on_in_pages_at_the_pace_of_their_calls(stage: Stage, queue: ListQueue) -> None:
    assert stage.tick(event(*GROUPS)) == {"handed_on": 250, "pages": 25}
    assert [message.delay_s for message in queue.messages] == list(range(25))
    assert (stage.chat.calls, stage.told.notices) == (0, [Notice.HANDED_ON])


def test_delays_stay_within_what_the_queue_takes(stage: Stage, queue: ListQueue) -> None:
    """Pages after a quarter of an hour come in between those before."""
    many = [f"g{number:05}" for number in range(10 * DELAYS + 10)]
    stage.tick(event(*many))
    assert [message.delay_s for message in queue.messages[-2:]] == [900, 0]


def test_a_repeated_tick_changes_nothing(stage: Stage, queue: ListQueue) -> None:
    """It is known to have been handed on, and if that is forgotten its pages ask for what has been done."""
    stage.tick(event(*GROUPS))
    assert stage.tick(event(*GROUPS)) == {"handed_on": 0, "pages": 0, "earlier": 250}
    stage.kept.note(APP, "tick/daily", "{}")
    assert stage.tick(event(*GROUPS)) == {"handed_on": 250, "pages": 25}
    deliver(stage, queue.texts)
    assert likes(stage) == {3}


def test_another_content_under_the_same_keys_is_refused_page_by_page(stage: Stage, queue: ListQueue) -> None:
    stage.tick(event(*GROUPS))
    stage.tick(event(*GROUPS, value=4))
    assert len(queue.messages) == 50
    first, second = queue.messages[0], queue.messages[25]
    assert deliver(stage, [first.text, second.text]) == [{"batchItemFailures": [{"itemIdentifier": "message-1"}]}]
    assert stage.chat.groups[GROUPS[0]]["like"] == 3


def test_a_queue_that_breaks_down_fails_the_tick_and_its_repetition_goes_on(stage: Stage, queue: ListQueue) -> None:
    queue.most = 17
    with pytest.raises(QueueUnavailable):
        stage.tick(event(*GROUPS))
    queue.most = 10**9
    assert stage.tick(event(*GROUPS)) == {"handed_on": 150, "pages": 15, "earlier": 100}
    deliver(stage, queue.texts)
    assert likes(stage) == {3}


def test_a_timer_without_time_says_how_far_it_got(stage: Stage, queue: ListQueue) -> None:
    stage.invocation = invocation(4990.0, 5000.5)
    with pytest.raises(NotAccepted, match=r"^0 groups are handed on, repeat the event for the others"):
        stage.tick(event(*GROUPS))
    assert queue.messages == []


def test_a_group_that_the_vendor_refuses_does_not_bring_its_page_back(stage: Stage, queue: ListQueue) -> None:
    """Else one group that is gone would send its whole page to the dead letters."""
    del stage.chat.groups[GROUPS[3]]
    stage.tick(event(*GROUPS))
    assert deliver(stage, [queue.messages[0].text]) == [{"batchItemFailures": []}]
    assert stage.told.notices.count(Notice.REJECTED) == 1
    assert [stage.chat.groups[group].get("like") for group in GROUPS[:3]] == [3] * 3


def test_a_page_is_acknowledged_once_all_of_it_is_accepted(stage: Stage, queue: ListQueue) -> None:
    """While the vendor refuses the app, what is accepted waits, and what is not comes back."""
    stage.tick(event(*GROUPS))
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 500
    replies = deliver(stage, queue.texts)
    failed = [len(reply["batchItemFailures"]) for reply in replies if isinstance(reply["batchItemFailures"], list)]
    assert sum(failed) > 0
    stage.chat.fates.clear()
    stage.clock.sleep(3600)
    deliver(stage, queue.texts)
    assert likes(stage) == {3}


@pytest.mark.parametrize("most", [3, 10])
def test_a_request_holds_no_more_than_its_queue_takes(most: int) -> None:
    large = [Message("x" * (REQUEST_BYTES // 3))] * 6
    assert [len(request) for request in requests(large, most)] == [3, 3]
    assert [len(request) for request in requests([Message("x")] * 30, most)] == [most] * (30 // most)


def test_a_page_means_nothing_over_http(stage: Stage, queue: ListQueue) -> None:
    stage.tick(event(*GROUPS))
    response = stage.send("POST", UPDATE, headers("k"), queue.messages[0].text.encode())
    assert response.status == 400


def test_nothing_to_send_is_no_request() -> None:
    assert list(requests([], 10)) == []
