"""A tick of many groups through a real queue of SQS: each group counts once, whatever is repeated, lost or killed."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import count
from pathlib import Path

import pytest

from handler import bootstrap
from handler.core.errors import QueueUnavailable
from handler.main import lambda_handler
from handler.triggers.crew import WORKERS
from handler.triggers.timer import tick as ticks
from tests.e2e.runtime_api import LambdaInstance
from tests.e2e.watching import wait_for
from tests.integration.counting import SHORT_LIVES, TIMEOUT_S, chat_with, killed_after, likes, sweep, tick
from tests.integration.vaults import everything_logged
from tests.sandbox.aws_client import REGION
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.poller import Event, Poller
from tests.sandbox.queue import Queue, Sqs

GROUPS = [f"room-{number:04}" for number in range(600)]
FEW = GROUPS[:300]


@pytest.fixture
def queue(sqs: Sqs, numbers: Iterator[int]) -> Queue:
    return Queue(sqs, f"pages-{next(numbers)}", most_receives=5)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """A Chat server with rooms, and no limit of its rate."""
    with chat_with(GROUPS) as server:
        yield server


@pytest.fixture
def variables(chat: ChatServer, queue: Queue, tmp_path: Path) -> dict[str, str]:
    """What a function is given that hands pages on through the queue."""
    keys = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up-secret-key", "AWS_REGION": REGION}
    more = {"FAN_OUT_QUEUE": queue.url, "CHAT_CALLS_PER_SECOND": "100000", **keys, **SHORT_LIVES}
    folder = tmp_path / "function"
    plain = sandboxed_environment(chat.endpoint, folder, **more)
    return {**plain, "LEDGER_URL": f"{plain['LEDGER_URL']}?synchronous=normal"}


@pytest.fixture
def function(variables: Mapping[str, str]) -> Iterator[None]:
    with cold_function(variables):
        yield


def invoke(event: Event) -> dict[str, object]:
    return lambda_handler(event, lambda_context(TIMEOUT_S))


def deliver_all(queue: Queue) -> None:
    """Deliver every page, then let the sweep finish what was accepted and is still owed."""
    Poller(queue, invoke).drain(60)
    sweep()


@pytest.mark.usefixtures("function")
def test_each_of_many_groups_counts_once(queue: Queue, chat: ChatServer) -> None:
    """With the tick repeated, by a timer that remembers it and by one that does not, and some pages delivered again."""
    assert invoke(tick(*GROUPS)) == {"handed_on": 600, "pages": 3}
    assert invoke(tick(*GROUPS)) == {"handed_on": 0, "pages": 0, "earlier": 600}
    bootstrap.app_context().notes.note(1400000000, "tick/daily", "{}")
    assert invoke(tick(*GROUPS)) == {"handed_on": 600, "pages": 3}
    handled = count()

    def forgetful(event: Event) -> Mapping[str, object]:
        """Every third page comes again although all of it is done."""
        invoke(event)
        records = event["Records"]
        assert isinstance(records, list)
        again = [record["messageId"] for record in records if next(handled) % 3 == 0]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in again]}

    Poller(queue, forgetful, batch=4).drain(60)
    sweep()
    assert set(likes(chat, GROUPS).values()) == {3}
    assert queue.dead() == []


def test_a_function_that_is_killed_among_its_groups_counts_once(
    queue: Queue, chat: ChatServer, variables: dict[str, str], tmp_path: Path
) -> None:
    with LambdaInstance(variables, tmp_path / "lambda") as instance:
        context = lambda_context(TIMEOUT_S)
        assert instance.handle(tick(*FEW), context) == {"handed_on": 300, "pages": 2}
        poller = Poller(queue, lambda event: _mapping(instance.handle(event, context)))
        with killed_after(instance, chat, updates=5 * WORKERS):
            poller.poll()
        poller.drain(60)
    assert (len(poller.failures), instance.starts) == (1, 2)
    with cold_function(variables):
        sweep()
    assert set(likes(chat, FEW).values()) == {3}


def _mapping(reply: object) -> Mapping[str, object]:
    assert isinstance(reply, dict)
    return reply


@pytest.mark.usefixtures("function")
def test_a_queue_that_is_not_there_fails_the_tick_by_its_code(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("FAN_OUT_QUEUE", variables["FAN_OUT_QUEUE"] + "-gone")
    with everything_logged() as written, pytest.raises(QueueUnavailable, match=r"does not take every page: .*NonExist"):
        invoke(tick(*FEW))
    assert "made-up-secret-key" not in written.getvalue()


@pytest.mark.usefixtures("function")
def test_all_groups_that_the_ledger_knows_are_reset_once(
    queue: Queue, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came later are left alone, however often the tick and its pages come again."""
    monkeypatch.setattr(ticks, "KNOWN_FOR_S", 0)
    invoke(tick(*FEW))
    deliver_all(queue)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    reset = {"GroupIds": {"Known": "like"}, "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": "Set"}
    event: Event = {**tick(), "TriggerName": "reset", "Time": now, "Message": {"operations": [reset]}}
    assert invoke(event) == {"handed_on": 300, "pages": 2}
    deliver_all(queue)
    assert set(likes(chat, FEW).values()) == {0}
    wait_for(lambda: time.time() > datetime.fromisoformat(now).timestamp() + 1, "the next second")
    invoke({**tick(*GROUPS[:302], value=7), "TriggerName": "later"})
    deliver_all(queue)
    bootstrap.app_context().notes.note(1400000000, "tick/reset", "{}")
    assert invoke(event) == {"handed_on": 300, "pages": 2}
    deliver_all(queue)
    assert set(likes(chat, GROUPS[:302]).values()) == {7}
