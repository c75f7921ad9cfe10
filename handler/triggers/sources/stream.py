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
from msgspec import UNSET

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import POSITION_DIGITS, Position
from handler.core.model.payload import check_payload, decode_body
from handler.core.model.placed import Content, Place, Placed
from handler.core.runtime.windows import Horizon
from handler.triggers.parsing import BODY_BYTES
from handler.triggers.rights import RecordRights

# Longer than any name of a shard.
NAME_CHARACTERS = 256


class _Data(msgspec.Struct, frozen=True):
    data: str
    partition: str = msgspec.field(name="partitionKey")
    sent: float | None = msgspec.field(default=None, name="approximateArrivalTimestamp")


class _Delivered(msgspec.Struct, frozen=True):
    """A record as Lambda delivers it; what else it has is not looked at."""

    source: Literal["aws:kinesis"] = msgspec.field(name="eventSource")
    arn: str = msgspec.field(name="eventSourceARN")
    id: str = msgspec.field(name="eventID")
    kinesis: _Data


class StreamReader:
    """Reads the records of one batch of Kinesis; records with the same text are decoded once."""

    def __init__(self, receipt_key: str, horizon: Horizon, rights: RecordRights) -> None:
        self._receipt_key = receipt_key
        self._horizon = horizon
        self._rights = rights
        self._young_from = inf
        """A record that was sent then was young enough, and so is each that was sent after it."""
        self._contents: dict[tuple[str, str], tuple[str, Content] | None] = {}
        self._places: dict[tuple[str, str], Place | None] = {}

    def read(self, records: Sequence[object]) -> Iterator[tuple[str, Placed] | None]:
        """The group of each record, and what it asks for there; None for one that has to be read for itself."""
        for delivered in _delivered(records):
            yield self._read(delivered) if delivered is not None else None

    def _read(self, delivered: _Delivered) -> tuple[str, Placed] | None:
        arn, data = delivered.arn, delivered.kinesis
        # An event's id is its shard and its sequence number.
        shard, _, number = delivered.id.rpartition(":")
        try:
            place = self._places[arn, shard]
        except KeyError:
            place = self._places[arn, shard] = _place(arn, shard)
        try:
            known = self._contents[arn, data.data]
        except KeyError:
            known = self._contents[arn, data.data] = self._content(arn, data.data)
        if place is None or known is None or data.partition != known[0] or not self._is_young(data.sent):
            return None
        if not (number.isascii() and number.isdecimal() and len(number) <= POSITION_DIGITS):
            return None
        return known[0], Placed(known[1], place, number.zfill(POSITION_DIGITS))

    def _is_young(self, sent: float | None) -> bool:
        """Whether the record is no older than the window (R11); a negative time says nothing, as a missing one."""
        if sent is None or sent >= self._young_from or not sent >= 0:
            return True
        if self._horizon.has_passed(sent):
            return False
        self._young_from = sent
        return True

    def _content(self, arn: str, data: str) -> tuple[str, Content] | None:
        """The group and what is asked for, once the source has the right to ask for it; None where in any doubt."""
        try:
            text = base64.b64decode(data, validate=True)
            body = decode_body(text) if len(text) <= BODY_BYTES else None
            if body is None or body.key is not UNSET or body.caller is not UNSET:
                return None
            content = Content(body.mode, body.counters)
            check_payload(body.group_id, content.counters, self._receipt_key)
            self._rights.check(arn, arn, mode=content.mode, group_id=body.group_id, counters=content.counters)
        except (binascii.Error, ValueError, BadInput, NotAccepted, OutcomeUnknown):
            return None
        return body.group_id, content


def _delivered(records: Sequence[object]) -> Iterator[_Delivered | None]:
    """The records, all at once where every one of them is as Lambda delivers it.

    Half of a surrogate pair, which JSON can spell, is no text for msgspec.
    """
    try:
        yield from msgspec.convert(records, list[_Delivered])
    except (msgspec.ValidationError, UnicodeEncodeError):
        for record in records:
            try:
                yield msgspec.convert(record, _Delivered)
            except (msgspec.ValidationError, UnicodeEncodeError):
                yield None


def _place(arn: str, shard: str) -> Place | None:
    names = arn, shard
    if not all(name and name.isprintable() and len(name) <= NAME_CHARACTERS for name in names):
        return None
    name = f"{arn}/{shard}"
    return Place(Position.of(name, "0").partition, arn, name)
