"""Tencent Cloud's Secrets Manager (SSM) on this machine: secrets with versions, real signatures, and what can fail.

The actions, codes and shapes are those of cloud.tencent.com/document/api/1140. There a state belongs to a secret as a
whole; here a single version may be disabled as well, which is harder for a reader.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Literal, TypeAlias

from tests.sandbox.tc3 import Credentials, TencentConnection, TencentRefusalError, TencentServer

Trouble: TypeAlias = Literal["hang", "hang up", "error", "throttle"]


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version; `created_at` in whole seconds since 1970."""

    content: str | bytes
    created_at: int
    is_enabled: bool = True


class SsmServer(TencentServer):
    """The service. `actions` are those of requests that were signed well, in the order of their arrival."""

    service = "ssm"
    version = "2019-09-23"

    def __init__(self, credentials: Credentials, region: str) -> None:
        self.trouble: Trouble | None = None
        self.actions: list[str] = []
        self.is_over = Event()
        self._changing = Lock()
        self._secrets: dict[str, dict[str, SecretVersion]] = {}
        super().__init__(credentials, region, _Connection)

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

    def answer(self, action: str, fields: dict[str, object]) -> dict[str, object]:
        if self.trouble == "throttle":
            raise TencentRefusalError("RequestLimitExceeded")
        name = str(fields.get("SecretName"))
        with self._changing:
            self.actions.append(action)
            versions = dict(self._secrets.get(name, {}))
        if not versions:
            raise TencentRefusalError("ResourceNotFound.SecretNotExist")
        if action == "ListSecretVersionIds":
            listed = [{"VersionId": version, "CreateTime": each.created_at} for version, each in versions.items()]
            return {"SecretName": name, "Versions": listed}
        if action == "GetSecretValue":
            return {"SecretName": name, **_content(str(fields.get("VersionId")), versions)}
        raise TencentRefusalError("InvalidAction")


def _content(version: str, versions: Mapping[str, SecretVersion]) -> dict[str, object]:
    found = versions.get(version)
    if found is None:
        raise TencentRefusalError("ResourceNotFound")
    if not found.is_enabled:
        raise TencentRefusalError("ResourceUnavailable.ResourceDisabled")
    is_text = isinstance(found.content, str)
    binary = base64.b64encode(found.content).decode() if isinstance(found.content, bytes) else ""
    return {"VersionId": version, "SecretString": found.content if is_text else "", "SecretBinary": binary}


class _Connection(TencentConnection):
    server: SsmServer

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        if self.server.trouble in {None, "throttle"}:
            super().do_POST()
            return
        self.body()
        if self.server.trouble == "error":
            self.reply(500, [("Content-Type", "text/html")], b"<html>Internal Server Error</html>")
            return
        if self.server.trouble == "hang":
            self.server.is_over.wait()
        self.close_connection = True
