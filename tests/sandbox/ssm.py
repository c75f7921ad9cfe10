"""Tencent Cloud's Secrets Manager (SSM) on this machine: secrets with versions, real signatures, and what can fail.

The actions, codes and shapes are those of cloud.tencent.com/document/api/1140. There a state belongs to a secret as a
whole; here a single version may be disabled as well, which is harder for a reader. Answers have exactly
`Content-Type: application/json`, as the SDK takes a refusal for a success otherwise.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Final, Literal, TypeAlias

from tests.sandbox.loopback import LoopbackConnection, LoopbackServer
from tests.sandbox.tc3 import Api, Credentials, SignedRequest, refusal

SERVICE: Final = "ssm"
VERSION: Final = "2019-09-23"

Trouble: TypeAlias = Literal["hang", "hang up", "error", "throttle"]


class SsmRefusalError(Exception):
    """A refusal with one of the service's codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version; `created_at` in whole seconds since 1970."""

    content: str | bytes
    created_at: int
    is_enabled: bool = True


class SsmServer(LoopbackServer):
    """The service in one region, for one role with `credentials`. `port` 0 takes a free one. Use it in a `with` block.

    `actions` are those of requests that were signed well, in the order of their arrival.
    """

    def __init__(
        self, credentials: Credentials, region: str, port: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        self.credentials = credentials
        self.region = region
        self.clock = clock
        self.trouble: Trouble | None = None
        self.actions: list[str] = []
        self.is_over = Event()
        self._changing = Lock()
        self._secrets: dict[str, dict[str, SecretVersion]] = {}
        super().__init__(port, _Connection)

    def close(self) -> None:
        self.is_over.set()
        super().close()

    def put(self, name: str, version: str, content: str | bytes, created_at: int | None = None) -> None:
        """Add a version to a secret, which is made if it is not there."""
        made = SecretVersion(content, int(self.clock()) if created_at is None else created_at)
        with self._changing:
            # The newest first, as the service lists them.
            self._secrets[name] = {version: made, **self._secrets.get(name, {})}

    def switch(self, name: str, version: str, *, on: bool) -> None:
        with self._changing:
            versions = self._secrets[name]
            versions[version] = replace(versions[version], is_enabled=on)

    def delete(self, name: str, version: str | None = None) -> None:
        with self._changing:
            if version is None:
                del self._secrets[name]
            else:
                del self._secrets[name][version]

    def answer(self, action: str, fields: Mapping[str, object]) -> dict[str, object]:
        """What the service answers to a request that is signed well."""
        name = str(fields.get("SecretName"))
        with self._changing:
            self.actions.append(action)
            versions = dict(self._secrets.get(name, {}))
        if not versions:
            raise SsmRefusalError("ResourceNotFound.SecretNotExist")
        if action == "ListSecretVersionIds":
            listed = [{"VersionId": version, "CreateTime": each.created_at} for version, each in versions.items()]
            return {"SecretName": name, "Versions": listed}
        if action == "GetSecretValue":
            return {"SecretName": name, **_content(str(fields.get("VersionId")), versions)}
        raise SsmRefusalError("InvalidAction")


def _content(version: str, versions: Mapping[str, SecretVersion]) -> dict[str, object]:
    found = versions.get(version)
    if found is None:
        raise SsmRefusalError("ResourceNotFound")
    if not found.is_enabled:
        raise SsmRefusalError("ResourceUnavailable.ResourceDisabled")
    is_text = isinstance(found.content, str)
    binary = base64.b64encode(found.content).decode() if isinstance(found.content, bytes) else ""
    return {"VersionId": version, "SecretString": found.content if is_text else "", "SecretBinary": binary}


class _Connection(LoopbackConnection):
    server: SsmServer

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is None:
            return
        trouble = self.server.trouble
        if trouble in {"hang", "hang up"}:
            if trouble == "hang":
                self.server.is_over.wait()
            self.close_connection = True
        elif trouble == "error":
            self.reply(500, [("Content-Type", "text/html")], b"<html>Internal Server Error</html>")
        else:
            self._respond(self._fields(body))

    def _fields(self, body: bytes) -> dict[str, object]:
        try:
            self._admit(body)
            return self.server.answer(self.headers["X-TC-Action"], json.loads(body))
        except SsmRefusalError as refused:
            return {"Error": {"Code": refused.code, "Message": f"refused: {self.headers['Authorization']}"}}

    def _admit(self, body: bytes) -> None:
        """Refuse as the service's gateway does. Its message repeats what it was sent, so that showing it would show."""
        if self.server.trouble == "throttle":
            raise SsmRefusalError("RequestLimitExceeded")
        request = SignedRequest({name.lower(): value for name, value in self.headers.items()}, body)
        api = Api(SERVICE, VERSION, self.server.region)
        code = refusal(request, api, self.server.credentials, self.server.clock())
        if code is not None:
            raise SsmRefusalError(code)

    def _respond(self, fields: Mapping[str, object]) -> None:
        response = {"Response": {**fields, "RequestId": "00000000-0000-4000-8000-000000000000"}}
        self.reply(200, [("Content-Type", "application/json")], json.dumps(response).encode())
