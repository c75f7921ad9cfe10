"""Who may ask a server on 127.0.0.1: programs of this machine and its own page, but no page of another origin.

A browser lets every page send requests here, and a page whose name is pointed to 127.0.0.1 may even read the answers.
The first names itself in `Origin`, or can only send what a form sends; the second has its own name in `Host`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

TOKEN_HEADER = "console-token"  # noqa: S105  # the name of a header
"""Carries the token of a request that changes something."""


def refusal(method: str, headers: Mapping[str, str], port: int, *, token: str | None = None) -> tuple[int, str] | None:
    """The status and the reason why a request is refused; None for one that may pass. Header names are in lower case.

    Without a `token` none is asked for.
    """
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    if headers.get("host") not in hosts:
        return 421, f"Host must be {hosts[0]}"
    if "origin" in headers and headers["origin"] not in {f"http://{host}" for host in hosts}:
        return 403, "Origin must be that of this server"
    if method == "GET":
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, "Content-Type must be application/json"
    if token is not None and not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), token.encode()):
        return 401, "the token is missing or wrong: open the address that the terminal shows"
    return None
