"""What all clients of Tencent Cloud share: the role's credentials, how a service is reached, and logs without secrets.

SCF puts the role's temporary credentials into TENCENTCLOUD_SECRETID, TENCENTCLOUD_SECRETKEY and
TENCENTCLOUD_SESSIONTOKEN; the SDK itself looks elsewhere. The SDK repeats nothing unless it is given a retryer, and its
StandardRetryer repeats calls that have succeeded, so no client here has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from handler.core.errors import SecretUnavailable, SettingsError
from handler.redaction import drop_debug_logs

ID_VARIABLE = "TENCENTCLOUD_SECRETID"
KEY_VARIABLE = "TENCENTCLOUD_SECRETKEY"
SESSION_VARIABLE = "TENCENTCLOUD_SESSIONTOKEN"

# How long a call waits for a connection, and for an answer.
CONNECT_S = 1.0
READ_S = 2.0

# At debug level it shows each request with its session token, and each answer with the secret in it.
LOGGERS_WITH_SECRETS = ("tencentcloud_sdk_common",)

_ENDPOINT = re.compile(r"(https)://([A-Za-z0-9.-]+(?::[0-9]+)?)/?|(http)://(127\.0\.0\.1:[0-9]+)/?")


def role_credential(environ: Mapping[str, str], without: str) -> Credential:
    """The role's credentials of this moment: the platform replaces them before they expire.

    Raises SecretUnavailable, which begins with what cannot be done without them.
    """
    missing = [name for name in (ID_VARIABLE, KEY_VARIABLE) if not environ.get(name)]
    if missing:
        raise SecretUnavailable(f"{without}: {' and '.join(missing)} not set")
    return Credential(environ[ID_VARIABLE], environ[KEY_VARIABLE], environ.get(SESSION_VARIABLE) or None)


def client_profile(environ: Mapping[str, str], variable: str) -> ClientProfile:
    """How a service is reached: at the SDK's own endpoint, or at the one in `variable`; SettingsError for no such.

    From here on the SDK's debug log is dropped.
    """
    drop_debug_logs(LOGGERS_WITH_SECRETS)
    endpoint = environ.get(variable)
    parts = _ENDPOINT.fullmatch(endpoint) if endpoint else None
    if endpoint and not parts:
        raise SettingsError(variable, "must be https://<host> or http://127.0.0.1:<port>")
    protocol, host = [part for part in parts.groups() if part] if parts else (None, None)
    return ClientProfile(httpProfile=HttpProfile(protocol=protocol, endpoint=host, reqTimeout=(CONNECT_S, READ_S)))
