"""What a source is: how its records are read, what a reply calls them, and what else it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from handler.core.errors import BadInput
from handler.core.model.operation import Position
from handler.triggers.event_kind import Event

# Longer than any ARN with its shard and sequence number.
NAME_CHARACTERS = 1024

# So many records are converted by one call: enough to make calls cheap, few enough for the memory that is at hand.
AT_ONCE = 256

_Kind = TypeVar("_Kind")


class RawRecord(msgspec.Struct, frozen=True):
    """A record as its source delivered it.

    `key` is the source's identity of the record, the same in each delivery. `caller` is the source's ARN or topic.
    `sent` is the time of sending in seconds since 1970, None if the source does not state it. `content` is the source
    of its text. `position` is the record's place in its `partition`, whose records the source delivers in order.
    """

    key: str
    caller: str
    sent: float | None
    content: object
    position: Position | None = None
    partition: str | None = None


class Offset(msgspec.Struct, frozen=True):
    """What a partial reply calls a record of Kafka; `partition` is its topic and number, as the event has them."""

    partition: str
    offset: int


class Source(msgspec.Struct, frozen=True):
    """How to read the records of one source.

    `read` returns what a delivered record holds, in order: nothing if it requests nothing. `read` and `text` raise
    BadInput. `item` finds the name of a record in a partial reply; it is None if the source takes no partial replies.
    """

    name: str
    read: Callable[[Event], Sequence[RawRecord]]
    text: Callable[[object], str]
    item: Callable[[Event], object] | None = None
    is_stream: bool = False
    """Whether it delivers the records of one partition key in order, and tells where each stands (`stream`)."""
    is_queue: bool = False
    """Whether its messages are read many at once where nothing is odd about them (`queue`)."""
    takes_pages: bool = False
    """Whether a timer may send pages through it."""
    counts_offsets: bool = False
    """Whether its records are numbered by topic and partition, and a recreated topic starts at 0 again."""
    names_cluster: bool = True
    """Whether its records tell the cluster that numbers them from another."""
    takes_back: bool = False
    """Whether it takes back a record that failed for good; a stream would only block on it."""


def read_name(part: Event, field: str) -> str:
    """A name that the platform has given; BadInput names the field of one that cannot be used."""
    value = part.get(field)
    if not isinstance(value, str) or not is_name(value):
        raise BadInput(field, f"must be 1 to {NAME_CHARACTERS} printable characters")
    return value


def is_name(text: str) -> bool:
    """Whether a text can be used as a name that the platform has given."""
    return 1 <= len(text) <= NAME_CHARACTERS and text.isprintable()


def converted(records: Sequence[object], kind: type[_Kind], *, strict: bool) -> Iterator[_Kind | None]:
    """The records as structs, many at once where every one of them has that shape; None for one that has not.

    Half of a surrogate pair, which JSON can spell, is no text for msgspec. If not `strict`, a number may be a text.
    """
    for first in range(0, len(records), AT_ONCE):
        some = records[first : first + AT_ONCE]
        try:
            structs: Sequence[_Kind | None] = msgspec.convert(some, list[kind], strict=strict)  # type: ignore[valid-type]
        except (msgspec.ValidationError, UnicodeEncodeError):
            structs = [_converted_alone(record, kind, strict=strict) for record in some]
        yield from structs


def _converted_alone(record: object, kind: type[_Kind], *, strict: bool) -> _Kind | None:
    try:
        return msgspec.convert(record, kind, strict=strict)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
