"""Tencent Cloud's signature of API 3.0, TC3-HMAC-SHA256, checked from the documentation and not from the SDK's code.

tencentcloud.com/document/product/583/31703: the signature covers the method, the path, the headers that it names and
the body, and holds for five minutes.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALGORITHM: Final = "TC3-HMAC-SHA256"
LIFE_S: Final = 300

_AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} Credential=([^/]+)/([0-9-]+)/([a-z]+)/tc3_request, SignedHeaders=([a-z;-]+), Signature=([0-9a-f]+)"
)
_ALWAYS_SIGNED: Final = frozenset({"content-type", "host"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a function's role is given; `token` only where the credentials are temporary."""

    secret_id: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A POST of `/` as it arrived; names of headers in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Api:
    """What a gateway serves: one version of a service, in one region."""

    service: str
    version: str
    region: str


def refusal(request: SignedRequest, api: Api, known: Credentials, now: float) -> str | None:
    """The code with which the gateway refuses the request, or None if it is passed on."""
    code = problem(request, api.service, known, now)
    if code is None and request.headers["x-tc-version"] != api.version:
        return "NoSuchVersion"
    if code is None and request.headers["x-tc-region"] != api.region:
        return "UnsupportedRegion"
    return code


def problem(request: SignedRequest, service: str, known: Credentials, now: float) -> str | None:
    """The code with which a service refuses the request, or None if it is signed well."""
    parts = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    timestamp = request.headers.get("x-tc-timestamp", "")
    if not parts or not timestamp.isdigit():
        return "AuthFailure.SignatureFailure"
    secret_id, date, named, signed_headers, signature = parts.groups()
    if secret_id != known.secret_id:
        return "AuthFailure.SecretIdNotFound"
    if request.headers.get("x-tc-token") != known.token:
        return "AuthFailure.TokenFailure"
    if abs(now - int(timestamp)) > LIFE_S:
        return "AuthFailure.SignatureExpire"
    is_whole = named == service and set(signed_headers.split(";")) >= _ALWAYS_SIGNED and date == _day(int(timestamp))
    expected = _signature(request, signed_headers, f"{date}/{service}/tc3_request", known.secret_key)
    return None if is_whole and hmac.compare_digest(signature, expected) else "AuthFailure.SignatureFailure"


def _signature(request: SignedRequest, signed_headers: str, scope: str, key: str) -> str:
    names = signed_headers.split(";")
    headers = "".join(f"{name}:{request.headers.get(name, '').strip().lower()}\n" for name in names)
    canonical = "\n".join(["POST", "/", "", headers, signed_headers, hashlib.sha256(request.body).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, request.headers["x-tc-timestamp"], scope, digest])
    secret = f"TC3{key}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    return hmac.new(secret, text.encode(), "sha256").hexdigest()


def _day(timestamp: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(timestamp))
