"""What request headers say: the operation's key, how long its caller waits (`Prefer`), and what ties requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from handler.core.errors import BadInput
from handler.triggers.idempotency_key import HEADER, read_key, write_key

SIGNED_KEY = "webhook-id"

# A preference of RFC 7240: a name, perhaps with a value. No two runs of white space may touch in here, or a long one
# would be tried at every place where it can be divided.
_PREFERENCE = re.compile(r'([A-Za-z0-9-]+)\s*(?:=\s*(?:"([A-Za-z0-9-]*)"|([A-Za-z0-9-]*)))?')
_WHOLE = re.compile(r"[0-9]{1,9}")

# Visible ASCII, which every log and every platform's header takes as it is.
_REQUEST_ID = re.compile(r"[!-~]{1,128}")

# Version, trace, parent and flags (www.w3.org/TR/trace-context, 3.2); a version or an id that the standard calls
# invalid is none.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def agreed_key(written: str | None, signed: str | None) -> str:
    """The key of a request: the signed one if there is one, and then `Idempotency-Key` may only repeat it."""
    if signed is None:
        return _written_key(written)
    key = read_key(signed, SIGNED_KEY)
    bare = (written or "").strip(" \t")
    # The same characters are the same key: the signature says that no comma in it has joined two.
    if bare not in {"", signed} and _written_key(written) != key:
        raise BadInput(HEADER, f"differs from the signed {SIGNED_KEY}, which is the key")
    return key


def _written_key(written: str | None) -> str:
    """The key of the header, which may stand once: platforms join two with a comma, so a key with one has to be quoted.

    Two quoted ones are no quoted string. Only two that are none either, `"a` and `b"`, make one when they are joined.
    """
    bare = (written or "").strip(" \t")
    if "," in bare and not bare.startswith('"'):
        raise BadInput(HEADER, "stands more than once, or holds a comma: a key with a comma has to be in quotes")
    return read_key(written)


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


class Correlation(msgspec.Struct, frozen=True):
    """What ties a request to those of other systems, each part empty where the caller sent none in its valid form."""

    request_id: str = ""
    traceparent: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Correlation:
        """Read it from headers with names in lower case."""
        request_id, traceparent = headers.get("x-request-id", ""), headers.get("traceparent", "")
        return cls(
            request_id if _REQUEST_ID.fullmatch(request_id) else "",
            traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
        )

    @property
    def log_fields(self) -> dict[str, str]:
        """What the request's log lines say of it: the caller's id of the request, else the trace, is what ties them."""
        trace = self.traceparent.split("-")[1] if self.traceparent else ""
        fields = {"correlation_id": self.request_id or trace, "traceparent": self.traceparent}
        return {name: value for name, value in fields.items() if value}

    @property
    def headers(self) -> dict[str, str]:
        """What the reply hands on, as it came."""
        fields = {"X-Request-Id": self.request_id, "traceparent": self.traceparent}
        return {name: value for name, value in fields.items() if value}
