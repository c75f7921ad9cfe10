"""Secrets of Tencent Cloud's Secrets Manager (SSM, API 2019-09-23), read through Tencent's SDK.

The function's role needs `ssm:GetSecretValue` on the secret and, for a reference without a version,
`ssm:ListSecretVersionIds`. SCF puts its region into TENCENTCLOUD_REGION; the SDK itself looks elsewhere.
TENCENT_SSM_ENDPOINT, `https://<host>` or, for tests, `http://127.0.0.1:<port>`, replaces the SDK's own
`https://ssm.tencentcloudapi.com`.

A list of versions (cloud.tencent.com/document/api/1140/40520) has names and times, no states, so only asking for a
version tells whether it can be read. `SSM_Current` exists only for the secrets of products, which SSM itself rotates.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.ssm.v20190923 import models
from tencentcloud.ssm.v20190923.ssm_client import SsmClient

from handler.clouds.tencent import client_profile, role_credential
from handler.core.errors import SecretUnavailable, SettingsError
from handler.redaction import text_of, unavailable

MANAGER = "Tencent SSM"
ENDPOINT_VARIABLE = "TENCENT_SSM_ENDPOINT"

# What the service says of a version that is disabled, scheduled for deletion or has just been deleted.
_GONE = ("ResourceUnavailable", "ResourceNotFound")

# cloud.tencent.com/document/api/1140/40518: names have letters, digits, - and _, versions dots as well.
_REFERENCE = re.compile(
    r"([A-Za-z0-9][\w./-]{0,127})(?:#([A-Za-z0-9][\w.-]{0,63}))?(?:\?region=([a-z0-9-]+))?", re.ASCII
)


def tencent_source(rest: str, environ: Mapping[str, str], variable: str) -> Callable[[], str]:
    """Read a secret each time: `rest` is `<name>[#<version>][?region=<region>]`; else the newest enabled version.

    Raises SettingsError, in the name of `variable`, for what is none, and where no region is known. The source raises
    SecretUnavailable with the code of what went wrong.
    """
    reference = _REFERENCE.fullmatch(rest)
    if not reference:
        raise SettingsError(variable, "a tencent: reference is tencent:<name>[#<version>][?region=<region>]")
    name, version, region = reference.groups()
    region = region or environ.get("TENCENTCLOUD_REGION")
    if not region:
        raise SettingsError(variable, "a tencent: secret needs a region, by ?region= or in TENCENTCLOUD_REGION")
    return _Source(name, version, region, client_profile(environ, ENDPOINT_VARIABLE), environ)


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    version: str | None
    region: str
    profile: ClientProfile
    environ: Mapping[str, str] = field(repr=False)

    def __call__(self) -> str:
        try:
            client = self._client()
            versions = [self.version] if self.version else _newest_first(client, self.name)
            return _first_enabled(client, self.name, versions).strip()
        except TencentCloudSDKException as error:
            raise _refused(error) from None

    def _client(self) -> SsmClient:
        """A client with the credentials of this moment."""
        credential = role_credential(self.environ, f"the secret in {MANAGER} cannot be read")
        return SsmClient(credential, self.region, self.profile)


def _newest_first(client: SsmClient, name: str) -> list[str]:
    request = models.ListSecretVersionIdsRequest()
    request.SecretName = name
    listed = client.ListSecretVersionIds(request).Versions or []
    times = [(str(version.VersionId), _seconds(version.CreateTime)) for version in listed]
    if not times:
        raise SecretUnavailable(f"the secret in {MANAGER} has no version")
    # Times are whole seconds. Of two versions of one second the service lists the newer one first.
    return [version for version, _ in sorted(times, key=lambda each: -each[1])]


def _seconds(time: object) -> int:
    """A version's time; one that is no number, which the service should not send, is the oldest."""
    return time if isinstance(time, int) else 0


def _first_enabled(client: SsmClient, name: str, versions: list[str]) -> str:
    """The text of the first version that can be had; the SDK's error if none can."""
    *others, last = versions
    for version in others:
        try:
            return _text(client, name, version)
        except TencentCloudSDKException as error:
            if not str(error.code).startswith(_GONE):
                raise
    return _text(client, name, last)


def _text(client: SsmClient, name: str, version: str) -> str:
    request = models.GetSecretValueRequest()
    request.SecretName, request.VersionId = name, version
    answer = client.GetSecretValue(request)
    if answer.SecretString:
        return str(answer.SecretString)
    if not answer.SecretBinary:
        raise SecretUnavailable(f"the secret in {MANAGER} has no content")
    try:
        return text_of(base64.b64decode(str(answer.SecretBinary), validate=True), MANAGER)
    except ValueError:
        raise SecretUnavailable(f"the secret in {MANAGER} is not base64") from None


def _refused(error: TencentCloudSDKException) -> SecretUnavailable:
    return unavailable(MANAGER, str(error.code))
