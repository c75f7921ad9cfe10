"""A server on 127.0.0.1 for what stands in for a platform here: kept alive, prompt, and ended cleanly."""

import io
import socket
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, TCPServer
from sys import exc_info
from threading import Lock, Thread
from typing import Final, TypeAlias

from typing_extensions import Self

Headers: TypeAlias = Iterable[tuple[str, str]]
AnySocket: TypeAlias = socket.socket | tuple[bytes, socket.socket]

BODY_BYTES: Final = 6 * 1024 * 1024
"""The most that one request may carry: both clouds take 6 MB in one synchronous call."""

_LENGTH_DIGITS: Final = 18
"""More than any length has."""

_POLL_S: Final = 0.02
"""How often the listening thread looks whether it is to end."""


class LoopbackServer(ThreadingHTTPServer):
    """Serves each connection in a thread of its own. `port` 0 takes a free one. Use it in a `with` block."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, connection: type[BaseRequestHandler]) -> None:
        self._lock = Lock()
        self._open: set[AnySocket] = set()
        self._thread = Thread(target=self.serve_forever, args=(_POLL_S,), name="loopback-listener", daemon=True)
        super().__init__(("127.0.0.1", port), connection)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Give the port back, end all connections and wait for what is still being answered."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            hang_up(connection)
        self.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def server_bind(self) -> None:
        """Bind as a plain TCP server does: HTTPServer would also look the host's name up, which asks the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.socket.getsockname()[1])

    def process_request(self, request: AnySocket, client_address: object) -> None:
        """Start the connection's thread, and remember the connection for `close`."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: AnySocket) -> None:
        self.forget(request)
        super().shutdown_request(request)

    def forget(self, request: AnySocket) -> None:
        """Leave a connection out of what `close` ends."""
        with self._lock:
            self._open.discard(request)

    def handle_error(self, request: AnySocket, client_address: object) -> None:
        """Pass over a client that has gone. Every other error ends the connection's thread, loudly."""
        error = exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            raise error


class LoopbackConnection(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1, whole replies in one packet. Written in two, they wait for each other for 40 ms."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    body_bytes = BODY_BYTES

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The client has gone. What is still buffered can never be written, and newer Pythons complain of that when
            # they collect the buffer, unless what lies beneath it is closed first.
            if isinstance(self.wfile, io.BufferedWriter):
                self.wfile.raw.close()
            raise

    def body(self) -> bytes | None:
        """The body; `None` after a reply that refuses one without a length, or too long a one.

        ConnectionError where the client has gone in the middle of it.
        """
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._refuse(411)
            return None
        # Python reads no number of more than 4,300 digits.
        if len(length) > _LENGTH_DIGITS or int(length) > self.body_bytes:
            self._refuse(413)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError("the client has gone in the middle of its body")
        return body

    def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole reply; its length is added."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Log nothing: a path may hold an idempotency key."""

    def version_string(self) -> str:
        """The `Server` header, without the version of Python."""
        return "sandbox"

    def _refuse(self, status: int) -> None:
        # What follows cannot be told from the next request, so this is the last one on the connection.
        self.close_connection = True
        self.reply(status, ())


def hang_up(connection: AnySocket) -> None:
    """End a connection in both directions, whatever it is doing."""
    if isinstance(connection, socket.socket):
        # It may have ended by itself in this moment, which is just as good.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
