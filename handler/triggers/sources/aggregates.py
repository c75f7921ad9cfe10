"""Aggregates of the Kinesis producer library (KPL): one record of a stream that holds many, each of a key of its own.

The format is a magic number, a message of protocol buffers, and its MD5
(github.com/awslabs/amazon-kinesis-producer, aggregation-format.md). The message is two tables and a list, so it is read
here: AggregatedRecord has partition_key_table = 1 and records = 3, a Record partition_key_index = 1 and data = 3.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from handler.core.errors import BadInput

# The partition key of every aggregate of the KPL, which names its shard by a hash key
# (github.com/awslabs/kinesis-hot-shard-advisor/issues/11).
KPL_KEY = "a"

_MAGIC = b"\xf3\x89\x9a\xc2"

# How base64 writes the first three bytes of the magic number. Text in UTF-8 has no such beginning.
_MARK = "84ma"

_MD5_BYTES = 16
_KEY_TABLE, _RECORDS = 1, 3
_KEY_INDEX, _DATA = 1, 3
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# A number of 64 bits, seven in each byte.
_VARINT_BYTES = 10


class Part(msgspec.Struct, frozen=True):
    """A record of an aggregate: its own partition key, and its data."""

    partition: str
    data: bytes


def is_aggregate(content: object) -> bool:
    """Whether the data of a stream's record, base64 as it is delivered, begins like an aggregate."""
    return isinstance(content, str) and content.startswith(_MARK)


def parts_of(content: str) -> Sequence[Part]:
    """The records of an aggregate, in order; BadInput if it is not whole."""
    try:
        data = base64.b64decode(content, validate=True)
        message, checksum = data[len(_MAGIC) : -_MD5_BYTES], data[-_MD5_BYTES:]
        computed = hashlib.md5(message, usedforsecurity=False).digest()
        if not data.startswith(_MAGIC) or computed != checksum:
            raise _broken("its checksum is wrong")
        fields = list(_fields(message))
        keys = [_bytes(key).decode() for number, key in fields if number == _KEY_TABLE]
        return [_part(_bytes(part), keys) for number, part in fields if number == _RECORDS]
    except (ValueError, IndexError):
        raise _broken("its records cannot be read") from None


def _part(record: bytes, keys: Sequence[str]) -> Part:
    fields = dict(_fields(record))
    index = fields.get(_KEY_INDEX)
    if not isinstance(index, int):
        raise _broken("one of its records has no partition key")
    return Part(keys[index], _bytes(fields.get(_DATA)))


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise _broken("one of its fields is missing, or of another type")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message with their numbers, the unknown ones too; raises IndexError where it ends too early."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if kind == _BYTES:
            length, at = _varint(message, at)
        if not 0 <= length <= len(message) - at:
            raise IndexError
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number, seven bits in each byte and the lowest first, and where it ends."""
    value = 0
    for place in range(_VARINT_BYTES):
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004  # the eighth bit says that another byte follows
            return value, at + place + 1
    raise IndexError


def _broken(why: str) -> BadInput:
    return BadInput("body", f"begins like an aggregate of the Kinesis producer library and is no whole one: {why}")
