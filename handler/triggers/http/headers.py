"""Two request headers with a grammar of their own: Idempotency-Key and Prefer."""

from __future__ import annotations

import re
from urllib.parse import quote

from handler.core.errors import BadInput

KEY = "Idempotency-Key"
SIGNED_KEY = "webhook-id"
KEY_CHARACTERS = 255

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{KEY_CHARACTERS}}}")

# A string of RFC 8941: a backslash before a quote or another backslash, and nowhere else.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')

# A preference of RFC 7240: a name, perhaps with a value. No two runs of white space may touch in here, or a long one
# would be tried at every place where it can be divided.
_PREFERENCE = re.compile(r'([A-Za-z0-9-]+)\s*(?:=\s*(?:"([A-Za-z0-9-]*)"|([A-Za-z0-9-]*)))?')
_WHOLE = re.compile(r"[0-9]{1,9}")


def read_key(written: str | None, field: str = KEY) -> str:
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


def agreed_key(written: str | None, signed: str | None) -> str:
    """The key of a request: the signed one where there is one, which a key written beside it may only repeat."""
    if signed is None:
        return read_key(written)
    key = read_key(signed, SIGNED_KEY)
    if (written or "").strip(" \t") and read_key(written) != key:
        raise BadInput(KEY, f"differs from the signed {SIGNED_KEY}, which is the key")
    return key


def write_key(key: str) -> str:
    """Write a key so that `read_key` finds it again: one that begins with a quote has to be quoted."""
    if not key.startswith('"'):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def location(group_id: str, key: str) -> str:
    """The query of an operation, percent-encoded."""
    return f"GroupId={quote(group_id, safe='')}&IdempotencyKey={quote(write_key(key), safe='')}"


def read_wait_s(prefer: str, wait_s: float) -> float:
    """How long a caller will wait, in whole seconds or `wait_s`, whichever is less; what cannot be read is ignored.

    `respond-async` alone means not at all; beside `wait=n` it changes nothing, because a late answer is 202 anyway.
    """
    preferences: dict[str, str] = {}
    for part in prefer.split(","):
        # Parameters after a semicolon say nothing to us.
        matched = _PREFERENCE.fullmatch(part.partition(";")[0].strip())
        if matched:
            # Of a preference that stands twice the first counts.
            preferences.setdefault(matched[1].lower(), matched[2] or matched[3] or "")
    wanted = preferences.get("wait", "")
    if _WHOLE.fullmatch(wanted):
        return min(wait_s, float(wanted))
    return 0.0 if "respond-async" in preferences else wait_s
