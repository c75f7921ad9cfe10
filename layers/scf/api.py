"""SCF's API through Tencent's SDK: calls are signed, bounded and never retried.

TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and, for temporary keys, TENCENTCLOUD_TOKEN are the credentials.
TENCENT_SCF_ENDPOINT, `https://<host>` or `http://127.0.0.1:<port>`, replaces the SDK's own address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, Protocol

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416.scf_client import ScfClient

from layers.scf.requests import Fields

KEY_VARIABLES: Final = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")
ENDPOINT_VARIABLE: Final = "TENCENT_SCF_ENDPOINT"
REQUEST_BYTES: Final = 10_000_000
"""The most that the API takes in one signed request: 10 MB (cloud.tencent.com/document/product/583/17237)."""

# Uploading a layer of several megabytes takes a while.
TIMEOUT_S: Final = 300

_ENDPOINT: Final = re.compile(r"(https?)://([A-Za-z0-9.-]+(?::[0-9]+)?)/?")


def absent_keys(environ: Mapping[str, str]) -> list[str]:
    """The variables of the account's keys that are not set."""
    return [name for name in KEY_VARIABLES if not environ.get(name)]


class CloudError(Exception):
    """The API refused a call, or did not answer; `code` is the API's or the SDK's."""

    def __init__(self, action: str, code: str, message: str = "") -> None:
        super().__init__(f"{action}: {code}{': ' if message else ''}{message}")
        self.code = code

    @property
    def is_absence(self) -> bool:
        """Whether the resource does not exist."""
        return self.code.startswith("ResourceNotFound")


class Cloud(Protocol):
    """The API."""

    def call(self, action: str, fields: Fields) -> Fields:
        """Make one call and return its answer; CloudError if it is refused."""
        ...


class Scf:
    """The API in one region."""

    def __init__(self, region: str, environ: Mapping[str, str]) -> None:
        absent = absent_keys(environ)
        if absent:
            raise CloudError(" and ".join(absent), "not set")
        keys = [environ[name] for name in KEY_VARIABLES]
        credential = Credential(*keys, environ.get("TENCENTCLOUD_TOKEN") or None)
        self._client = ScfClient(credential, region, ClientProfile(httpProfile=_http(environ.get(ENDPOINT_VARIABLE))))

    def call(self, action: str, fields: Fields) -> Fields:
        """Make one call. A request over the size limit is not sent."""
        size = len(json.dumps(fields))
        if size > REQUEST_BYTES:
            problem = f"the zip makes a request of {size:,} bytes, and SCF takes {REQUEST_BYTES:,}"
            raise CloudError(action, "RequestSizeLimitExceeded", f"{problem}; deploy the zip from COS instead")
        try:
            answer: object = self._client.call_json(action, fields)
        except TencentCloudSDKException as error:
            raise CloudError(action, str(error.code), _redacted(error)) from None
        response = answer.get("Response") if isinstance(answer, dict) else None
        if not isinstance(response, dict):
            raise CloudError(action, "InvalidAnswer")
        return response


def _http(endpoint: str | None) -> HttpProfile:
    parts = _ENDPOINT.fullmatch(endpoint) if endpoint else None
    if endpoint and parts is None:
        raise CloudError(ENDPOINT_VARIABLE, "InvalidEndpoint", "must be https://<host> or http://127.0.0.1:<port>")
    protocol, host = parts.groups() if parts else (None, None)
    return HttpProfile(protocol=protocol, endpoint=host, reqTimeout=TIMEOUT_S)


def _redacted(error: TencentCloudSDKException) -> str:
    """The API's message, which names the parameter at fault. That of a failed signature may hold the signature."""
    return "" if str(error.code).startswith(("AuthFailure", "Client")) else str(error.message)
