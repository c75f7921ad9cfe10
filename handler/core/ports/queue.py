"""The queue through which a timer hands pages on, as the timer needs it, and how messages are put into requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

# What a request may hold by every queue's limit, the older one of SQS included, with room for what is around texts.
REQUEST_BYTES = 250_000


class Message(msgspec.Struct, frozen=True):
    """A text in ASCII that should be delivered in `delay_s` whole seconds, at most 900, where the queue can wait."""

    text: str
    delay_s: int = 0


class Queue(Protocol):
    """Its messages come back as records of an event source of the same function."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send all. Raises QueueUnavailable where some may not have been taken; all of them may then be sent again."""
        ...


def requests(messages: Sequence[Message], most: int) -> Iterator[list[Message]]:
    """The messages in their order, `most` at a time and no more than a request holds."""
    request: list[Message] = []
    size = 0
    for message in messages:
        if request and (len(request) == most or size + len(message.text) > REQUEST_BYTES):
            yield request
            request, size = [], 0
        request.append(message)
        size += len(message.text)
    if request:
        yield request
