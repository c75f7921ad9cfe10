"""HTTP connections that end in time: a reply that drips in byte by byte gets no longer than one that comes at once.

The HTTP library bounds each single read. Here every read of a reply, its headers included, gets what the reads before
it have left over.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import WriteableBuffer
    from urllib3.connectionpool import ConnectionPool

# A frozen instance does not see that its peer has hung up, and a call into such a connection is lost without an answer.
# A new connection costs some round trips; a lost call costs its group the life of a signature.
IDLE_MAX_S = 30.0

_NUMBER = "connection_number"


class _Reader(io.RawIOBase):
    """The bytes of one reply, for as long as the socket's timeout was when the reading began."""

    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        super().__init__()
        self._sock = sock
        self._stream = stream
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Reply(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))


class _PlainConnection(HTTPConnection):
    response_class = _Reply
    _used_at = 0.0
    _number = 0

    @property
    def is_connected(self) -> bool:
        return 0 <= time.time() - self._used_at < IDLE_MAX_S and super().is_connected

    def connect(self) -> None:
        super().connect()
        # Two that were opened in the same nanosecond would be taken for one, and one proves less than two.
        self._number = time.monotonic_ns()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 departs from the standard library here
        # The wall clock, because the other one may stand still while the platform keeps the instance frozen.
        self._used_at = time.time()
        reply = super().getresponse()
        setattr(reply, _NUMBER, self._number)
        return reply


class _TlsConnection(_PlainConnection, HTTPSConnection):
    """The same over TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def number_of(reply: object) -> int | None:
    """Which connection a reply came on: no other one of this process has that number."""
    number: int | None = getattr(reply, _NUMBER, None)
    return number


class Adapter(HTTPAdapter):
    """Sends by the connections above, to the API itself and through a proxy. It repeats nothing.

    All requests are for one host, and go there in one way: which pool of connections that is, is found out once.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = _pools()
        self._pool: ConnectionPool | None = None

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001  # the library's, and perhaps a path
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> ConnectionPool:
        """The pool of connections for a request."""
        self._pool = self._pool or super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """What the request line names: the path, or what a proxy is asked for."""
        return super().request_url(request, proxies) if proxies else f"/{str(request.url).split('/', 3)[3]}"

    def build_response(self, _: PreparedRequest, reply: BaseHTTPResponse) -> Response:
        """The reply, without cookies and an encoding, for which nothing here asks."""
        response = Response()
        response.status_code, response.raw = reply.status, reply
        return response

    def proxy_manager_for(self, proxy: str, **options: object) -> ProxyManager:
        """The connections to a proxy, made the same way."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _pools()
        return manager


def _pools() -> dict[str, type[HTTPConnectionPool]]:
    return {"http": _PlainPool, "https": _TlsPool}
