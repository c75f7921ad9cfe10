"""The hosts that addresses name: how they are written, which are the vendor's, and which may be reached without TLS."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from handler.core.errors import SettingsError

# A name or an address of a host, as any other reader of the same URL would find it.
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")

# Those of the regions' hosts (handler/chat/client.py), and those that a firewall has to let through beside them
# (tencentcloud.com/document/product/1047/78627).
VENDORS_DOMAINS = ("tim.qq.com", "qcloud.com", "my-imcloud.com", "my-cpaas.com")

CLEAR_SCHEMES = frozenset({"http", "redis"})
CLEAR_TEXT = "is in clear text, and its host is not this machine: use TLS, or set ALLOW_CLEARTEXT=on"
CLEAR_TEXT_ALLOWED = "is in clear text, as ALLOW_CLEARTEXT allows: every host on the way can read the secrets in it"


def is_vendors(url: str) -> bool:
    """Whether the host is one of the vendor's own, so that a call to it is a call to a real region."""
    host = _host(url)
    return any(host == domain or host.endswith(f".{domain}") for domain in VENDORS_DOMAINS)


def is_in_the_clear(url: str) -> bool:
    """Whether what is sent there leaves this machine without TLS."""
    return urlsplit(url).scheme in CLEAR_SCHEMES and not _is_loopback(_host(url))


def check(variable: str, url: str, *, allow_cleartext: bool, warn: Callable[[str], None]) -> None:
    """Raise SettingsError for a URL in clear text beyond this machine, or `warn` of it where that is allowed."""
    if not is_in_the_clear(url):
        return
    if not allow_cleartext:
        raise SettingsError(variable, CLEAR_TEXT)
    warn(f"{variable}: {CLEAR_TEXT_ALLOWED}")


def _host(url: str) -> str:
    """The name or address in small letters, without the dot that may end a whole name."""
    return (urlsplit(url).hostname or "").removesuffix(".")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
