"""Services of Tencent Cloud, whose signature of API 3.0, TC3-HMAC-SHA256, is checked as its documentation says.

tencentcloud.com/document/product/583/31703: the signature covers the method, the path, the headers that it names and
the body, and holds for five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.sandbox.loopback import LoopbackConnection, LoopbackServer

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


class TencentRefusalError(Exception):
    """A refusal with one of a service's codes."""


class TencentServer(LoopbackServer, ABC):
    """One service in one region, for one role or account with `credentials`. Use it in a `with` block.

    Answers have exactly `Content-Type: application/json`, as the SDK takes a refusal for a success otherwise.
    """

    service: str
    version: str

    def __init__(
        self, credentials: Credentials, region: str, connection: type[TencentConnection] | None = None
    ) -> None:
        self.credentials = credentials
        self.region = region
        self.clock: Callable[[], float] = time.time
        super().__init__(0, connection or TencentConnection)

    @abstractmethod
    def answer(self, action: str, fields: dict[str, object]) -> dict[str, object]:
        """What the service answers to a request that is signed well."""


class TencentConnection(LoopbackConnection):
    server: TencentServer

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is not None:
            response = {"Response": {**self._fields(body), "RequestId": "00000000-0000-4000-8000-000000000000"}}
            self.reply(200, [("Content-Type", "application/json")], json.dumps(response).encode())

    def _fields(self, body: bytes) -> dict[str, object]:
        request = SignedRequest({name.lower(): value for name, value in self.headers.items()}, body)
        try:
            admit(request, self.server)
            return self.server.answer(self.headers["X-TC-Action"], json.loads(body))
        except TencentRefusalError as refused:
            # The message repeats what the service was sent, so that showing it would show.
            return {"Error": {"Code": str(refused), "Message": f"refused: {self.headers['Authorization']}"}}


def admit(request: SignedRequest, server: TencentServer) -> None:
    """Let a request in as the service's gateway does; TencentRefusalError for every other."""
    code = problem(request, server.service, server.credentials, server.clock())
    if code is None and request.headers["x-tc-version"] != server.version:
        code = "NoSuchVersion"
    if code is None and request.headers["x-tc-region"] != server.region:
        code = "UnsupportedRegion"
    if code is not None:
        raise TencentRefusalError(code)


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
