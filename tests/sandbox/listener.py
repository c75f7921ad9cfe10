"""The TCP side of the sandbox: accepts connections on 127.0.0.1, counts them, and ends them politely or not."""

import socket
import struct
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from sys import exc_info
from typing import Final, Protocol

from tests.sandbox.admission import Call
from tests.sandbox.loopback import AnySocket, LoopbackServer
from tests.sandbox.replies import Reply

_LINGER: Final = struct.Struct("ii")


class Service(Protocol):
    """What stands behind the sockets; `token` goes with each control that is sent by POST."""

    token: str

    def date(self) -> float:
        """The sandbox's time, for `Date`."""

    def exchange(self, call: Call) -> Reply | None:
        """The reply to a call of the API, when it is due; `None` if the sandbox is closed first."""

    def control(self, method: str, operation: str, query: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request of the control interface."""


class Listener(LoopbackServer):
    """Serves the Chat API, and can end a connection as rudely as a network does."""

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], service: Service) -> None:
        self.service = service
        self._connections = 0
        super().__init__(port, handler)

    @property
    def connections(self) -> int:
        """TCP connections so far on which a call of the API came."""
        with self._lock:
            return self._connections

    def count_connection(self) -> None:
        with self._lock:
            self._connections += 1

    def forget_connections(self) -> None:
        """Count from zero; a connection that is open now is not counted again."""
        with self._lock:
            self._connections = 0

    def shutdown_request(self, request: AnySocket) -> None:
        """Close a connection. One that is to be reset must not say goodbye first: the client would see a normal end."""
        if isinstance(request, socket.socket) and _to_be_reset(request):
            self.forget(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: AnySocket, client_address: object) -> None:
        """Let an error of the sandbox itself end the thread, loudly; printed only, it would pass for a fault."""
        error = exc_info()[1]
        if error is not None:
            raise error


def reset_on_close(connection: socket.socket) -> None:
    """Make closing this connection send a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(1, 0))


def _to_be_reset(connection: socket.socket) -> bool:
    lingers, seconds = _LINGER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size))
    return bool(lingers) and seconds == 0
