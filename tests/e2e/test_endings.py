"""Processes that end or stand still in the middle of a call: whoever comes next finishes it, and it counts once."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.e2e.backend import UPDATE, Backend, headers, increase_body
from tests.e2e.clouds import DIALECTS, Platform
from tests.e2e.instances import Failure, FunctionInstance
from tests.e2e.watching import wait_for
from tests.sandbox.caller import Answer
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.dialects import event_of

SWEEP = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-23T00:00:00Z", "Message": {"task": "sweep"}}
"""What a schedule sends."""


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Where requests wait for their answers while the test goes on."""
    with ThreadPoolExecutor() as pool:
        yield pool


def keep_waiting(chat: ChatServer) -> None:
    """Let the next update be applied and not answered, and no question either: time to do something to the sender."""
    chat.plan([Fault("slow", delay_s=60.0)])
    chat.always(Fault("slow", delay_s=60.0), "get")


def caught_sending(chat: ChatServer, answer: Future[Answer]) -> None:
    """Wait until an update has reached the Chat server and is not answered yet."""
    wait_for(lambda: any(entry.command == "update" for entry in chat.journal()), "an update")
    assert not answer.done()


def test_an_instance_killed_after_its_call_landed_leaves_it_to_the_next(
    backend: Backend, instance: FunctionInstance, chat: ChatServer, aside: ThreadPoolExecutor
) -> None:
    """The caller gets the platform's error; its repetition finds the receipt, and nothing is sent again."""
    backend.increase("before", 1)
    keep_waiting(chat)
    cut_short = aside.submit(backend.increase, "a", 5)
    wait_for(lambda: chat.values("G")["like"] == 6, "the increase")
    instance.kill()
    assert cut_short.result().status >= 500
    chat.clear_faults()
    again = backend.increase("a", 5)
    assert (again.status, again.fields["GroupCounter"]) == (200, [{"Key": "like", "Value": 6}])
    assert (chat.values("G")["like"], instance.starts) == (6, 2)


def test_an_invocation_that_reaches_its_time_limit_is_finished_by_the_next(
    platform: Platform, backend: Backend, instance: FunctionInstance, chat: ChatServer, aside: ThreadPoolExecutor
) -> None:
    """The process stands still in the middle of its call, so that the platform ends it; the next one has the answer."""
    backend.increase("before", 1)
    keep_waiting(chat)
    event = event_of(DIALECTS[platform], "POST", UPDATE, headers("a").items(), increase_body("G", 5))
    ended = aside.submit(instance.invoke, event, 3.2)
    wait_for(lambda: chat.values("G")["like"] == 6, "the increase")
    instance.freeze()
    outcome = ended.result()
    assert isinstance(outcome, Failure)
    assert "timed out after 3.2" in outcome.message
    chat.clear_faults()
    assert backend.increase("a", 5).fields["GroupCounter"] == [{"Key": "like", "Value": 6}]
    assert (chat.values("G")["like"], instance.starts) == (6, 2)


def test_a_thawed_instance_knows_that_others_were_at_work(
    backend: Backend, other_backend: Backend, instance: FunctionInstance, chat: ChatServer
) -> None:
    """What it remembers of the group from before the freeze is not trusted."""
    backend.increase("a", 5)
    instance.freeze()
    other_backend.increase("b", 2)
    third = backend.increase("c", 1)
    assert third.fields["GroupCounter"] == [{"Key": "like", "Value": 8}]
    assert (chat.values("G")["like"], instance.starts) == (8, 1)
