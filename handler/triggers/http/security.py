"""How the OpenAPI document says who may call: the security schemes that stand for a scheme of HTTP_AUTH."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handler.triggers.http.headers import SIGNED_KEY
from handler.triggers.http.webhook_signature import SIGNATURE, TIMESTAMP

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.models import SecurityScheme

# What each header that carries a part of the caller's right is for, by the name of its security scheme.
_SIGNED: Mapping[str, str] = {
    SIGNED_KEY: "the idempotency key, signed",
    TIMESTAMP: "seconds since 1970, signed",
    SIGNATURE: "`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`",
}
_PLATFORM = "what the authorizer in front of the function asks for"


def requirement(scheme: str) -> list[dict[str, list[str]]]:
    """What one request needs: all of it at once."""
    return [{name: [] for name in (_SIGNED if scheme == "signature" else [scheme])}]


def schemes(scheme: str) -> dict[str, SecurityScheme]:
    """The security schemes that `requirement` names."""
    # These models are slow to load and wanted for the document only.
    from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, HTTPBearer  # noqa: PLC0415

    if scheme == "bearer":
        return {scheme: HTTPBearer()}
    if scheme == "platform":
        return {scheme: APIKey(name="Authorization", in_=APIKeyIn.header, description=_PLATFORM)}
    return {name: APIKey(name=name, in_=APIKeyIn.header, description=text) for name, text in _SIGNED.items()}
