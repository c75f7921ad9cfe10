"""What request headers say: the key of the operation, and how long the caller waits (`Prefer`)."""

from __future__ import annotations

import re
from urllib.parse import quote

from handler.core.errors import BadInput
from handler.triggers.idempotency_key import HEADER, read_key, write_key

SIGNED_KEY = "webhook-id"

# A preference of RFC 7240: a name, perhaps with a value. No two runs of white space may touch in here, or a long one
# would be tried at every place where it can be divided.
_PREFERENCE = re.compile(r'([A-Za-z0-9-]+)\s*(?:=\s*(?:"([A-Za-z0-9-]*)"|([A-Za-z0-9-]*)))?')
_WHOLE = re.compile(r"[0-9]{1,9}")


def agreed_key(written: str | None, signed: str | None) -> str:
    """The key of a request: the signed one if there is one, and then `Idempotency-Key` may only repeat it."""
    if signed is None:
        return read_key(written)
    key = read_key(signed, SIGNED_KEY)
    if (written or "").strip(" \t") and read_key(written) != key:
        raise BadInput(HEADER, f"differs from the signed {SIGNED_KEY}, which is the key")
    return key


def location(group_id: str, key: str) -> str:
    """The query that asks after an operation, percent-encoded."""
    return f"GroupId={quote(group_id, safe='')}&IdempotencyKey={quote(write_key(key), safe='')}"


def read_wait_s(prefer: str, wait_s: float) -> float:
    """How long a caller waits: its `wait=n` in whole seconds, at most `wait_s`. Other preferences are ignored.

    `respond-async` alone means no wait. Beside `wait=n` it changes nothing, because a late answer is 202 anyway.
    """
    preferences: dict[str, str] = {}
    for part in prefer.split(","):
        # Parameters after a semicolon mean nothing here.
        matched = _PREFERENCE.fullmatch(part.partition(";")[0].strip())
        if matched:
            # Of a preference that stands twice the first counts.
            preferences.setdefault(matched[1].lower(), matched[2] or matched[3] or "")
    wanted = preferences.get("wait", "")
    if _WHOLE.fullmatch(wanted):
        return min(wait_s, float(wanted))
    return 0.0 if "respond-async" in preferences else wait_s
