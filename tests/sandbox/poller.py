"""The poller by which Lambda reads a queue of SQS and invokes a function with what it finds.

It goes by AWS's page on the errors of an SQS event source: what the function leaves out of `batchItemFailures` is
deleted, what it names comes back after the visibility timeout, and so does all of a batch that it fails.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pydantic import TypeAdapter

from tests.sandbox.aws_client import REGION
from tests.sandbox.queue import MESSAGES, Message, Queue

Event: TypeAlias = dict[str, object]
Handler: TypeAlias = Callable[[Event], Mapping[str, object]]


class Poller:
    """Reads a queue as Lambda does and invokes `handler` with batches of about `batch` messages.

    `failures` are the errors by which the function failed whole batches.
    """

    def __init__(self, queue: Queue, handler: Handler, batch: int = MESSAGES) -> None:
        self._queue = queue
        self._handler = handler
        self._batch = batch
        self.failures: list[Exception] = []

    def drain(self, timeout_s: float = 20.0) -> None:
        """Invoke until the queue is empty; TimeoutError if that takes too long."""
        until = time.monotonic() + timeout_s
        while self._queue.left():
            if time.monotonic() > until:
                raise TimeoutError(f"{self._queue.left()} messages are left")
            self.poll()

    def poll(self) -> None:
        """Receive one batch, if there is any within a second, and have it handled."""
        messages = self._queue.receive(wait_s=1)
        while messages and len(messages) < self._batch and (more := self._queue.receive(wait_s=0)):
            messages += more
        if messages:
            failed = self._invoke(messages)
            self._queue.delete([message for message in messages if message["MessageId"] not in failed])

    def _invoke(self, messages: Sequence[Message]) -> set[str]:
        every = {message["MessageId"] for message in messages}
        try:
            reply = self._handler(sqs_event(messages, self._queue.arn))
        except Exception as error:  # noqa: BLE001  # whatever the function raises fails the batch
            self.failures.append(error)
            return every
        failed = TypeAdapter(list[dict[str, str]]).validate_python(reply.get("batchItemFailures") or [])
        named = {item["itemIdentifier"] for item in failed}
        if not named <= every:
            raise ValueError(f"the reply names messages that are not of the batch: {named - every}")
        return named


def sqs_event(messages: Sequence[Message], arn: str) -> Event:
    """The event by which Lambda hands over messages of the queue `arn`."""
    return {"Records": [_record(message, arn) for message in messages]}


def _record(message: Message, arn: str) -> Event:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }
