"""Read the records of a stream that are known by their place in it, with no operation, id or hash for each (R13).

What is read here is valid beyond doubt, by the same decoder and the same checks as any other record. All the rest is
left to `records`, which reads records one by one and says what is wrong: a record with a key or a caller of its own, of
another partition key than its group, too old, in an envelope, an aggregate, or one that may not be executed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from math import inf
from typing import Literal

import msgspec

from handler.core.model.operation import POSITION_DIGITS, Position
from handler.core.model.placed import Content, Place
from handler.core.runtime.windows import Horizon
from handler.triggers.rights import RecordRights
from handler.triggers.sources.message import read_plain
from handler.triggers.sources.source import converted

# Longer than any name of a shard.
NAME_CHARACTERS = 256


class _Data(msgspec.Struct, frozen=True, gc=False):
    data: str
    partition: str = msgspec.field(name="partitionKey")
    sent: float = msgspec.field(default=inf, name="approximateArrivalTimestamp")


class _Delivered(msgspec.Struct, frozen=True, gc=False):
    """A record as Lambda delivers it; what else it has is not looked at."""

    source: Literal["aws:kinesis"] = msgspec.field(name="eventSource")
    arn: str = msgspec.field(name="eventSourceARN")
    id: str = msgspec.field(name="eventID")
    kinesis: _Data


class Request(msgspec.Struct, frozen=True):
    """What the text of a record asks for: of which group, and in which place it stands."""

    group_id: str
    place: Place
    content: Content


class StreamReader:
    """Reads the records of one batch of Kinesis; records with the same text are decoded once."""

    def __init__(self, receipt_key: str, horizon: Horizon, rights: RecordRights) -> None:
        self._receipt_key = receipt_key
        self._horizon = horizon
        self._rights = rights
        self._young_from = inf
        """A record that was sent then was young enough, and so is each that was sent after it."""

    def read(self, records: Sequence[object]) -> Iterator[tuple[Request, str] | None]:
        """What each record asks for, and its sequence number; None for one that has to be read for itself."""
        arn, shard, place = "", "", None
        requests: dict[str, Request | None] = {}
        for delivered in converted(records, _Delivered, strict=True):
            if delivered is None:
                yield None
                continue
            data = delivered.kinesis
            # An event's id is its shard and its sequence number. Nearly every batch is of one stream and one shard.
            named, _, number = delivered.id.rpartition(":")
            if named != shard or delivered.arn != arn:
                arn, shard, requests = delivered.arn, named, {}
                place = _place(arn, shard)
            try:
                request = requests[data.data]
            except KeyError:
                request = requests[data.data] = self._request(arn, place, data.data)
            if (
                request
                and data.partition == request.group_id
                # Of a text `isdigit` asks Unicode about each character; no text here has half of a surrogate pair.
                and len(number) <= POSITION_DIGITS
                and number.encode().isdigit()
                and (data.sent >= self._young_from or self._is_young(data.sent))
            ):
                yield request, number.zfill(POSITION_DIGITS)
            else:
                yield None

    def _is_young(self, sent: float) -> bool:
        """Whether the record is surely no older than the window (R11)."""
        if not sent >= 0 or self._horizon.has_passed(sent):
            return False
        self._young_from = sent
        return True

    def _request(self, arn: str, place: Place | None, data: str) -> Request | None:
        """What the text says, once the source has the right to ask for it; None where in any doubt."""
        if place is None:
            return None
        try:
            text = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return None
        found = read_plain(text, arn, self._receipt_key, self._rights)
        if found is None or found.key or found.caller != arn:
            return None
        return Request(found.group_id, place, found.content)


def _place(arn: str, shard: str) -> Place | None:
    names = arn, shard
    if not all(name and name.isprintable() and len(name) <= NAME_CHARACTERS for name in names):
        return None
    name = f"{arn}/{shard}"
    return Place(Position.of(name, "0").partition, arn, name)
