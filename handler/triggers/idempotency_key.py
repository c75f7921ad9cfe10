"""The idempotency key: one grammar for headers, queries, records and operator events."""

from __future__ import annotations

import re

from handler.core.errors import BadInput

# The header of HTTP that carries it.
HEADER = "Idempotency-Key"
KEY_CHARACTERS = 255

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{KEY_CHARACTERS}}}")

# A string of RFC 8941: a backslash before a quote or another backslash, and nowhere else.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')

_ESCAPED = re.compile(r'\\(["\\])')


def read_key(written: str | None, field: str = HEADER) -> str:
    """The idempotency key, written bare or as a quoted string: both are the same key."""
    written = (written or "").strip(" \t")
    if not written:
        raise BadInput(field, "is missing")
    quoted = _QUOTED.fullmatch(written) if written.startswith('"') else None
    if written.startswith('"') and quoted is None:
        raise BadInput(field, "is not a quoted string: its quotes or backslashes do not match")
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else written
    if not _VISIBLE.fullmatch(key):
        raise BadInput(field, f"must be 1 to {KEY_CHARACTERS} visible ASCII characters")
    return key


def write_key(key: str) -> str:
    """Write a key so that `read_key` finds it again: one that begins with a quote has to be quoted."""
    if not key.startswith('"'):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
