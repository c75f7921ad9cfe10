"""Signed requests: Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks), symmetric scheme `v1`.

The signature covers the id, the time and the raw body; it covers neither method nor path nor query. The id is the
idempotency key, so that a captured request cannot count again under another key. A full stop in an id lets the signed
bytes be split in another way, but no split other than the signer's leaves a body that is an update.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from handler.core.errors import BadInput, BodyTooLarge, SettingsError, Unauthorized
from handler.core.ports.system import Clock
from handler.core.ports.vault import Caller, Secret
from handler.triggers.event_kind import Kind
from handler.triggers.http.auth import Callers, Identity
from handler.triggers.http.headers import SIGNED_KEY as ID
from handler.triggers.http.request import Request

TIMESTAMP, SIGNATURE = "webhook-timestamp", "webhook-signature"
CHALLENGE = "StandardWebhooks"

# How far the caller's clock and ours may be apart, either way.
TOLERANCE_S = 300

SECRET_PREFIX = "whsec_"  # noqa: S105  # how every secret of the scheme begins
KEY_BYTES = 24

_SECONDS = re.compile(r"[0-9]{1,12}")

# One of the listed signatures: 32 bytes in base64. Spaces part them, and commas where a platform joined two headers.
_V1 = re.compile(r"(?<![^ ,])v1,([A-Za-z0-9+/]{43}=)(?![^ ,])")


def check_keys(secret: Secret) -> None:
    """Raise SettingsError for a caller who could never sign: a digest is no key, and a short key can be guessed."""
    for index, caller in enumerate(secret.callers):
        if caller.token_sha256 and len(_signing_key(caller.token)) < KEY_BYTES:
            problem = f"callers[{index}] of the secret: with HTTP_AUTH=signature {caller.name} needs a token of "
            problem += f"{SECRET_PREFIX} and the base64 of {KEY_BYTES} bytes or more, which no digest replaces"
            raise SettingsError("CHAT_SECRET", problem)


class Signature:
    """`webhook-signature` over `webhook-id`, `webhook-timestamp` and the body, by a caller's `whsec_` secret."""

    scheme = "signature"
    kinds = frozenset(Kind)

    def __init__(self, callers: Callers, clock: Clock) -> None:
        self._callers = callers
        self._clock = clock

    def identify(self, request: Request) -> Identity:
        """The caller whose secret made one of the signatures; BodyTooLarge, before a long body is hashed."""
        written = {name: request.headers.get(name, "").strip(" \t") for name in (ID, TIMESTAMP, SIGNATURE)}
        for name, text in written.items():
            if not text:
                raise _unauthorized(f"the request has no header {name}")
        self._check_time(written[TIMESTAMP])
        signatures = _V1.findall(written[SIGNATURE])
        if not signatures:
            raise _unauthorized(f"{SIGNATURE} holds no signature of version v1")
        content = _signed_content(written[ID], written[TIMESTAMP], request)
        caller = self._callers.where(lambda known: _has_signed(known, content, signatures), "signature")
        if caller is None:
            raise _unauthorized("the signature is no caller's")
        return Identity(caller.name, signed_key=written[ID], rights=caller.rights)

    def _check_time(self, timestamp: str) -> None:
        if not _SECONDS.fullmatch(timestamp):
            raise _unauthorized(f"{TIMESTAMP} is not a whole number of seconds since 1970")
        if abs(self._clock.now() - int(timestamp)) > TOLERANCE_S:
            raise _unauthorized(f"{TIMESTAMP} is more than {TOLERANCE_S} s away from now")


def _signed_content(message_id: str, timestamp: str, request: Request) -> bytes:
    try:
        return f"{message_id}.{timestamp}.".encode() + request.content()
    except BodyTooLarge:
        raise
    except (UnicodeEncodeError, BadInput):
        raise _unauthorized("the request holds characters that cannot be signed") from None


def _has_signed(caller: Caller, content: bytes, signatures: list[str]) -> bool:
    """Compare with every signature, each in constant time; a caller without a secret of the scheme has none."""
    key = _signing_key(caller.token)
    expected = base64.b64encode(hmac.digest(key, content, "sha256"))
    matches = [hmac.compare_digest(expected, signature.encode()) for signature in signatures]
    # With an empty key every caller could sign.
    return bool(key) and any(matches)


def _signing_key(token: str | None) -> bytes:
    """The bytes of a `whsec_` secret; none of any other token, nor of a caller known by a digest only."""
    if token is None or not token.startswith(SECRET_PREFIX):
        return b""
    try:
        return base64.b64decode(token.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unauthorized(problem: str) -> Unauthorized:
    return Unauthorized(problem, CHALLENGE)
