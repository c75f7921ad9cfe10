"""Read the messages of a queue many at once, as far as they are valid beyond doubt.

All the rest is left to `records`, which reads messages one by one and says what is wrong: one in an envelope, one that
is too old, a page of a tick, or one that may not be executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Literal

import msgspec

from handler.core.model.operation import Operation
from handler.core.runtime.windows import Horizon
from handler.triggers.rights import RecordRights
from handler.triggers.sources.message import Requested, read_plain
from handler.triggers.sources.source import converted, is_name


class _Attributes(msgspec.Struct, frozen=True, gc=False):
    sent_ms: float = msgspec.field(default=inf, name="SentTimestamp")


class _Message(msgspec.Struct, frozen=True, gc=False):
    """A message as Lambda delivers it; what else it has is not looked at."""

    source: Literal["aws:sqs"] = msgspec.field(name="eventSource")
    arn: str = msgspec.field(name="eventSourceARN")
    id: str = msgspec.field(name="messageId")
    body: str
    attributes: _Attributes = _Attributes()


class QueueReader:
    """Reads the messages of one batch of SQS; messages with the same text are decoded once."""

    def __init__(self, *, receipt_key: str, window_s: float, horizon: Horizon, rights: RecordRights) -> None:
        self._receipt_key = receipt_key
        self._window_s = window_s
        self._horizon = horizon
        self._rights = rights

    def read(self, messages: Sequence[object]) -> Iterator[Operation | None]:
        """The operation that each message requests; None for one that has to be read for itself."""
        found: dict[tuple[str, str], Requested | None] = {}
        # SQS writes the time of sending as text.
        for message in converted(messages, _Message, strict=False):
            if message is None:
                yield None
                continue
            said = message.arn, message.body
            try:
                requested = found[said]
            except KeyError:
                requested = found[said] = self._read(*said)
            if requested and is_name(message.id) and not self._horizon.has_passed(message.attributes.sent_ms / 1000):
                yield requested.operation(message.arn, message.id, self._window_s)
            else:
                yield None

    def _read(self, arn: str, body: str) -> Requested | None:
        if not is_name(arn):
            return None
        return read_plain(body.encode(errors="surrogatepass"), arn, self._receipt_key, self._rights)
