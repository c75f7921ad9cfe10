"""Who is calling: each scheme of HTTP_AUTH is one authenticator."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from handler.core.credentials import Secret, Vault
from handler.core.errors import Unauthorized
from handler.core.notices import Notice, Reporter
from handler.triggers.request import Request

# An unknown token may be a new one: the secret is fetched again for it, but not more often than this.
REFRESH_MIN_AGE_S = 30.0


class Authenticator(Protocol):
    """A scheme: it finds the caller's name in a request, or raises Unauthorized."""

    def caller(self, request: Request) -> str:
        """The name under which the caller's idempotency keys are kept apart from those of others."""
        ...


class Bearer:
    """`Authorization: Bearer <token>`, where the secret knows the SHA-256 of each caller's token."""

    def __init__(self, vault: Vault, reporter: Reporter) -> None:
        self._vault = vault
        self._reporter = reporter

    def caller(self, request: Request) -> str:
        """The name of the caller whose token this is; an unknown token is looked for once more in a fresh secret."""
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("the request has no header Authorization: Bearer <token>")
        digest = hashlib.sha256(token.strip().encode(errors="surrogatepass")).digest()
        secret = self._vault.current()
        name = _name_of(digest, secret) or _name_of(digest, self._refreshed(secret))
        if name is None:
            raise Unauthorized("the token belongs to no caller")
        return name

    def _refreshed(self, secret: Secret) -> Secret:
        fresh = self._vault.refresh(REFRESH_MIN_AGE_S)
        if fresh is not secret:
            self._reporter.report(Notice.SECRET_REFRESHED, reason="unknown token")
        return fresh


def _name_of(digest: bytes, secret: Secret) -> str | None:
    """Compare with every caller, each in constant time, so that the time taken tells nothing about the tokens."""
    matches = [hmac.compare_digest(digest, caller.token_sha256) for caller in secret.callers]
    names = [caller.name for caller, matched in zip(secret.callers, matches, strict=True) if matched]
    return names[0] if names else None
