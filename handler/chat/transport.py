"""One exchange with the API: sent at most once, bounded in time and size, and honest about what may have left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlencode

import requests
from requests.utils import default_headers, get_environ_proxies
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from handler.chat.connections import Adapter, number_of
from handler.core.errors import SettingsError
from handler.core.ports.counter_api import Unclear, Unsent

# The vendor's own limit of a response (its code 10018).
REPLY_BYTES = 2**20
CHUNK_BYTES = 2**16

Query: TypeAlias = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply with HTTP status 200: its body, the text of its `Date` header, and the connection it came on."""

    body: bytes
    date: str | None
    connection: int | None = field(default=None, compare=False)


class Transport:
    """Kept-alive connections to one base URL, for up to `connections` threads at once.

    Proxies and certificate authorities are taken from the environment, once, in the way of the HTTP library. Requests
    go to its adapter, which sends one and reads its reply: a session would follow redirects and keep cookies on top.
    """

    def __init__(self, base_url: str, timeout_s: float, connections: int) -> None:
        self.timeout_s = timeout_s
        self._adapter = Adapter(connections)
        self._proxies = get_environ_proxies(base_url)
        self._verify = _certificate_authorities()
        # All that the calls have in common, worked out once: that is a fifth of what the HTTP library does for a call.
        headers = {**default_headers(), "Content-Type": "application/json", "Accept-Encoding": "identity"}
        self._prepared = requests.Request("POST", base_url, headers).prepare()
        self._base_url = str(self._prepared.url).rstrip("/")

    def post(self, path: str, query: Query, content: bytes, *, fresh: bool = False) -> Answer | Unclear | Unsent:
        """Send one request and read its reply within `timeout_s`; every failure is an Unclear or an Unsent.

        A `fresh` one has a connection of its own, which is not kept.
        """
        body = _Body(content, time.monotonic() + self.timeout_s)
        try:
            outcome = self._exchange(path, query, body, closing(Adapter(1)) if fresh else nullcontext(self._adapter))
        except (OSError, HTTPError, ValueError) as error:
            # The texts of these errors show the URL and the signature in it, so only their kind is passed on.
            outcome = Unclear(_kind_of(error))
        if body.begun:
            return outcome
        return Unsent(outcome.reason if isinstance(outcome, Unclear) else "answered before it was sent")

    def within(self, timeout_s: float) -> Transport:
        """The same connections, for requests that have `timeout_s` at most."""
        quicker = copy(self)
        quicker.timeout_s = min(timeout_s, self.timeout_s)
        return quicker

    def close(self) -> None:
        """End the connections that are kept."""
        self._adapter.close()

    def _exchange(
        self, path: str, query: Query, body: _Body, connections: AbstractContextManager[Adapter]
    ) -> Answer | Unclear:
        # TCP and TLS are each bounded by the connect timeout, so a half for each; the rest is for the reply.
        timeout = Timeout(connect=self.timeout_s / 2, total=self.timeout_s)
        request = self._prepared.copy()
        # A UserSig has letters, digits, `*`, `-` and `_`, and a query may hold all of them as they are.
        request.url = f"{self._base_url}{path}?{urlencode(query, safe='*')}"
        request.headers["Content-Length"] = str(len(body))
        request.body = body  # type: ignore[assignment]  # documented by requests, missing in its annotations
        with (
            connections as adapter,
            adapter.send(
                request,
                timeout=timeout,  # type: ignore[arg-type]  # the same
                verify=self._verify,
                proxies=self._proxies,
            ) as response,
        ):
            return _read(response)


def _kind_of(error: Exception) -> str:
    """The name of what went wrong: requests calls all that keeps a connection from being made alike, urllib3 tells."""
    inner = error.args[0] if error.args else None
    if not isinstance(error, requests.ConnectionError) or not isinstance(inner, MaxRetryError):
        return type(error).__name__
    refused = isinstance(inner.reason, NewConnectionError) and not isinstance(inner.reason, NameResolutionError)
    cause = inner.reason.__cause__ if refused and inner.reason else None
    # requests' own classes below its ConnectionError say as much as urllib3's reason.
    plain = type(error) is requests.ConnectionError
    return type(cause or (plain and inner.reason) or error).__name__


class _Body:
    """A request's body that can be handed over once, and only in time.

    It is taken from here after the headers have gone. As long as it is not `begun`, the API cannot know what it was
    asked to do, whichever error came up; no exception of an HTTP library tells that as well.
    """

    def __init__(self, content: bytes, deadline: float) -> None:
        self._content = content
        self._deadline = deadline
        self.begun = False

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        if self.begun or time.monotonic() >= self._deadline:
            raise TimeoutError
        self.begun = True
        yield self._content


def _certificate_authorities() -> str | bool:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(variable)
        if path and not Path(path).exists():
            raise SettingsError(variable, "names no file")
        if path:
            return path
    return True


def _read(response: requests.Response) -> Answer | Unclear:
    if response.status_code != requests.codes.ok:
        return Unclear(f"HTTP status {response.status_code}")
    body = bytearray()
    while chunk := response.raw.read(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > REPLY_BYTES:
            return Unclear("the reply is too large")
    return Answer(bytes(body), response.raw.headers.get("Date"), number_of(response.raw))
