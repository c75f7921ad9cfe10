"""The TCP side of the sandbox: accepts connections on 127.0.0.1, counts them, and ends them politely or not."""

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from sys import exc_info
from threading import Lock, Thread
from typing import Final, Protocol

from tests.sandbox.admission import Call
from tests.sandbox.replies import Reply

_Socket = socket.socket | tuple[bytes, socket.socket]
_LINGER: Final = struct.Struct("ii")
_JOIN_S: Final = 5.0
_POLL_S: Final = 0.02
"""How often the listening thread looks whether it is to end."""


class Service(Protocol):
    """What stands behind the sockets."""

    def date(self) -> float:
        """The sandbox's time, for `Date`."""

    def exchange(self, call: Call) -> Reply | None:
        """The reply to a call of the API, when it is due; `None` if the sandbox is closed first."""

    def control(self, method: str, operation: str, query: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request of the control interface."""


class Listener(ThreadingHTTPServer):
    """Serves every connection in a daemon thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], service: Service) -> None:
        self.service = service
        self._lock = Lock()
        self._open: dict[_Socket, Thread] = {}
        self._connections = 0
        self._thread = Thread(target=self.serve_forever, args=(_POLL_S,), name="sandbox-listener", daemon=True)
        super().__init__(("127.0.0.1", port), handler)

    @property
    def connections(self) -> int:
        """TCP connections so far on which a call of the API came."""
        with self._lock:
            return self._connections

    def count_connection(self) -> None:
        """Count a connection, at its first call."""
        with self._lock:
            self._connections += 1

    def forget_connections(self) -> None:
        """Count from zero; a connection that is open now is not counted again."""
        with self._lock:
            self._connections = 0

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def close(self) -> None:
        """End all connections, whatever they wait for from their clients, and give the port back."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._lock:
            still_open = dict(self._open)
        for connection, thread in still_open.items():
            _hang_up(connection)
            thread.join(_JOIN_S)
        self.server_close()

    def server_bind(self) -> None:
        """Bind as a plain TCP server does: HTTPServer would also look the host's name up, which asks the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.socket.getsockname()[1])

    def process_request(self, request: _Socket, client_address: object) -> None:
        """Start the connection's thread, and remember both for `close`."""
        thread = Thread(
            target=self.process_request_thread, args=(request, client_address), name="sandbox-connection", daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: _Socket) -> None:
        """Close a connection. One that is to be reset must not say goodbye first: the client would see a normal end."""
        with self._lock:
            self._open.pop(request, None)
        if isinstance(request, socket.socket) and _to_be_reset(request):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: _Socket, client_address: object) -> None:
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


def _hang_up(connection: _Socket) -> None:
    if isinstance(connection, socket.socket):
        # It may have ended by itself in this moment, which is just as good.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
