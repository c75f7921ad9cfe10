"""Calls from pages in a browser (the CORS protocol of fetch.spec.whatwg.org), from the origins of CORS_ORIGINS alone.

A page sends its caller's token itself, so no reply allows the browser's own credentials, such as cookies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from handler.triggers.http.headers import SIGNED_KEY
from handler.triggers.http.request import Request
from handler.triggers.http.responses import NO_CONTENT, Reply
from handler.triggers.http.webhook_signature import SIGNATURE, TIMESTAMP
from handler.triggers.idempotency_key import HEADER

ORIGIN, METHOD = "origin", "access-control-request-method"

# What a page may send, and what it may read beyond the few headers that browsers always show.
SENT = (
    *("Authorization", "Content-Type", HEADER, "Prefer", SIGNED_KEY, TIMESTAMP, SIGNATURE),
    *("X-Request-Id", "traceparent"),
)
SHOWN = (
    *("Location", "Retry-After", "Idempotency-Replayed", "Counter-Values", "WWW-Authenticate", "Allow"),
    *("X-Request-Id", "traceparent"),
)

# How long a browser may go by the answer to a preflight.
PREFLIGHT_S = 600


def headers_for(request: Request, origins: Collection[str]) -> Mapping[str, str]:
    """What every reply says to a browser; nothing where no origin may call."""
    if not origins:
        return {}
    origin = request.headers.get(ORIGIN, "")
    if origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ", ".join(SHOWN),
    }


def preflight(request: Request, origins: Collection[str], methods: Sequence[str]) -> Reply | None:
    """The reply to a browser that asks whether a page of a listed origin may call a path with these methods."""
    asks = request.method == "OPTIONS" and METHOD in request.headers
    if not asks or request.headers.get(ORIGIN, "") not in origins:
        return None
    allowed = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join(SENT),
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }
    return Reply(NO_CONTENT, {}, allowed)
