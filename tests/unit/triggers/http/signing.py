"""A caller that signs by Standard Webhooks 1.0, written from the standard and not from the function, and a door."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from handler.core.errors import Unauthorized
from handler.core.ports.vault import Caller, Secret
from handler.triggers.http.auth import Callers, Identity
from handler.triggers.http.request import Request
from handler.triggers.http.webhook_signature import Signature
from tests.unit.triggers.stage import APP, CALLER, START, HandVault, ManualClock, Told

KEY = b"twenty-four bytes, or so"
OTHER_KEY = b"another key that is long"
NOW = f"{START:.0f}"
CONTENT = b'{"any": "bytes"}'


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def signature(message_id: str, timestamp: str, content: bytes, key: bytes = KEY) -> str:
    signed = b".".join([message_id.encode(), timestamp.encode(), content])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(message_id: str, content: bytes = b"", key: bytes = KEY, timestamp: str = NOW) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(message_id, timestamp, content, key),
    }


def secret_of(*callers: tuple[str, str | None]) -> Secret:
    """A secret whose callers have a name and a token, or only the digest of one."""
    return Secret(
        *(APP, "administrator", "a-made-up-key"),
        tuple(Caller(name, hashlib.sha256((token or "x").encode()).digest(), token) for name, token in callers),
    )


@dataclass
class Door:
    """The scheme alone, with a vault that knows one caller, and requests to it."""

    clock: ManualClock = field(default_factory=ManualClock)
    vault: HandVault = field(default_factory=HandVault)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.know((CALLER, whsec(KEY)))

    def know(self, *callers: tuple[str, str | None]) -> None:
        """Let the cached and the fresh secret have these callers."""
        self.vault.secret = self.vault.fresh = secret_of(*callers)

    def identify(
        self, headers: Mapping[str, str], content: object = CONTENT.decode(), *, is_base64: bool = False
    ) -> Identity:
        """Who sent a request with these headers and this body."""
        request = Request("POST", "/", {}, headers, content, _is_base64=is_base64)
        return Signature(Callers(self.vault, self.told, self.clock), self.clock).identify(request)

    def refuses(
        self, headers: Mapping[str, str], content: object = CONTENT.decode(), *, is_base64: bool = False
    ) -> str:
        with pytest.raises(Unauthorized) as refused:
            self.identify(headers, content, is_base64=is_base64)
        assert refused.value.challenge == "StandardWebhooks"
        return str(refused.value)
