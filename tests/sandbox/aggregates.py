"""Aggregates as the Kinesis producer library writes them."""

import base64
import hashlib
from collections.abc import Sequence

MAGIC = b"\xf3\x89\x9a\xc2"


def aggregate(records: Sequence[tuple[str, str]], hash_keys: Sequence[str] = ()) -> str:
    """Partition keys with texts as one record's data, each key once in its table; perhaps with explicit hash keys."""
    keys = list(dict.fromkeys(key for key, _ in records))
    message = b"".join(field(1, key.encode()) for key in keys)
    message += b"".join(field(2, key.encode()) for key in hash_keys)
    for place, (key, text) in enumerate(records):
        hashed = number(2, place) if hash_keys else b""
        message += field(3, number(1, keys.index(key)) + hashed + field(3, text.encode()))
    return sealed(message)


def sealed(message: bytes) -> str:
    """A message between its magic number and its checksum, in base64 as it is delivered."""
    return base64.b64encode(MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()).decode()


def field(place: int, content: bytes) -> bytes:
    """A field of bytes."""
    return varint(place << 3 | 2) + varint(len(content)) + content


def number(place: int, value: int) -> bytes:
    """A field of a number."""
    return varint(place << 3) + varint(value)


def varint(value: int) -> bytes:
    """A number, seven bits in each byte and the lowest first."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])
