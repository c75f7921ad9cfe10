"""Records from a real queue of SQS: whatever is delivered again counts once, and what is wrong ends in the DLQ."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from handler.main import lambda_handler
from handler.triggers.crew import WORKERS
from tests.e2e.runtime_api import LambdaInstance
from tests.integration.counting import (
    NOBODYS_ROOM,
    POISON,
    SHORT_LIVES,
    TIMEOUT_S,
    LostReplyError,
    chat_with,
    function_for,
    killed_after,
    likes,
    order,
    orders,
    sweep,
    total,
)
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.poller import Event, Handler, Poller
from tests.sandbox.queue import Queue, Sqs

ROOMS = 12
BODIES = orders(36, ROOMS)
REPORTED = "batchItemFailures"


@pytest.fixture
def queue(sqs: Sqs, numbers: Iterator[int]) -> Queue:
    """A queue of the test's own, whose messages may be received twice."""
    return Queue(sqs, f"counters-{next(numbers)}", most_receives=2)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with(total(BODIES)) as server:
        yield server


@pytest.fixture
def function(chat: ChatServer, tmp_path: Path) -> Iterator[Handler]:
    with function_for(chat, tmp_path):
        yield lambda event: lambda_handler(event, lambda_context(TIMEOUT_S))


class Watched:
    """A handler whose first invocation meets trouble; `deliveries` counts how often each message came."""

    def __init__(self, at_first: Handler, afterwards: Handler) -> None:
        self._handlers = iter([at_first])
        self._afterwards = afterwards
        self.deliveries: Counter[object] = Counter()

    def __call__(self, event: Event) -> Mapping[str, object]:
        self.deliveries.update(record["messageId"] for record in records_of(event))
        return next(self._handlers, self._afterwards)(event)


def records_of(event: Event) -> list[dict[str, object]]:
    records = event["Records"]
    assert isinstance(records, list)
    return records


def losing_the_reply(function: Handler) -> Handler:
    def handle(event: Event) -> Mapping[str, object]:
        function(event)
        raise LostReplyError

    return handle


def losing_half_of_the_deletions(function: Handler) -> Handler:
    """All is done, and half of it is delivered again all the same."""

    def handle(event: Event) -> Mapping[str, object]:
        assert function(event) == {REPORTED: []}
        return {REPORTED: [{"itemIdentifier": record["messageId"]} for record in records_of(event)[: len(BODIES) // 2]]}

    return handle


@pytest.mark.parametrize(("trouble", "twice"), [(losing_the_reply, 36), (losing_half_of_the_deletions, 18)])
def test_what_is_delivered_again_counts_once(
    trouble: Callable[[Handler], Handler], twice: int, queue: Queue, chat: ChatServer, function: Handler
) -> None:
    """The whole batch or half of it, with a third of the vendor's replies lost as well."""
    chat.randomly(0.3, [Fault("drop_after")], seed=twice)
    queue.send(BODIES)
    handler = Watched(trouble(function), function)
    Poller(queue, handler, batch=len(BODIES)).drain()
    sweep()
    assert Counter(handler.deliveries.values())[2] == twice
    assert likes(chat, total(BODIES)) == total(BODIES)


def test_a_function_killed_in_the_middle_counts_once(queue: Queue, chat: ChatServer, tmp_path: Path) -> None:
    """Calls of some rooms are under way when the process ends, and the other rooms have not been touched."""
    chat.set_apply_lag(0.2)
    queue.send(BODIES)
    variables = sandboxed_environment(chat.endpoint, tmp_path / "function", **SHORT_LIVES)
    with LambdaInstance(variables, tmp_path / "lambda") as instance:
        poller = Poller(queue, lambda event: handled(instance, event), batch=len(BODIES))
        with killed_after(instance, chat, updates=WORKERS):
            poller.poll()
        chat.set_apply_lag(0)
        poller.drain()
    with function_for(chat, tmp_path / "function"):
        sweep()
    assert (len(poller.failures), instance.starts) == (1, 2)
    assert likes(chat, total(BODIES)) == total(BODIES)


def handled(instance: LambdaInstance, event: Event) -> Mapping[str, object]:
    """What an instance replies; FunctionFailedError if it ends before."""
    reply = instance.handle(event, lambda_context(TIMEOUT_S))
    assert isinstance(reply, dict)
    return reply


def test_poison_ends_in_the_dead_letter_queue_and_blocks_nobody(
    queue: Queue, chat: ChatServer, function: Handler
) -> None:
    """Neither what cannot be read nor what the vendor refuses keeps its neighbours from counting, once."""
    poison = [*POISON, order(NOBODYS_ROOM, 1)]
    queue.send([*poison, *BODIES[:ROOMS]])
    handler = Watched(function, function)
    poller = Poller(queue, handler, batch=len(poison) + ROOMS)
    poller.poll()
    assert (poller.failures, queue.left()) == ([], len(poison))
    poller.drain()
    assert sorted(queue.dead()) == sorted(poison)
    assert Counter(handler.deliveries.values()) == {1: ROOMS, 2: len(poison)}
    sweep()
    assert likes(chat, total(BODIES[:ROOMS])) == total(BODIES[:ROOMS])


def test_a_producer_that_sends_twice_counts_once(queue: Queue, chat: ChatServer, function: Handler) -> None:
    """Two messages with one IdempotencyKey are one operation, in one batch or in two."""
    twice = [order("room-0", 5, IdempotencyKey="order-1")] * 2
    handler = Watched(function, function)
    poller = Poller(queue, handler)
    queue.send(twice)
    poller.drain()
    queue.send(twice)
    poller.drain()
    sweep()
    assert len(handler.deliveries) == 4
    assert chat.values("room-0")["like"] == 5
