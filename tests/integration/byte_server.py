"""A server that answers byte by byte as a test says, for replies that no well-behaved server gives."""

import socket
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Event, Thread
from typing import TypeAlias

from typing_extensions import Self

Script: TypeAlias = Callable[["Exchange"], None]


class Exchange:
    """One connection, with the requests that came on it so far."""

    def __init__(self, connection: socket.socket, ending: Event) -> None:
        self._connection = connection
        self._closing = ending
        self._stream = connection.makefile("rb")
        self.requests: list[bytes] = []
        self.closed = False

    def receive(self) -> bytes | None:
        """The next request with its body; None when the client has hung up."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._stream.readline()
            if not line:
                return None
            head += line
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        self.requests.append(head + self._stream.read(length))
        return self.requests[-1]

    def send(self, data: bytes) -> bool:
        """Send bytes at once; False when the client has hung up."""
        try:
            self._connection.sendall(data)
        except OSError:
            return False
        return True

    def drip(self, data: bytes, pause_s: float) -> None:
        for index in range(len(data)):
            if not self.send(data[index : index + 1]) or self._closing.wait(pause_s):
                return

    def wait(self) -> None:
        self._closing.wait()

    def hang_up(self) -> None:
        """End the connection; the client may have been faster."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.hang_up()
        self._stream.close()
        self._connection.close()
        self.closed = True


class ByteServer:
    """Listens on 127.0.0.1 and plays `script` on each connection, in a thread of its own. Use it in a `with` block."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._closing = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._accept)]
        self.exchanges: list[Exchange] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def requests(self) -> list[bytes]:
        return [request for exchange in self.exchanges for request in exchange.requests]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for exchange in self.exchanges:
            exchange.hang_up()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.exchanges.append(Exchange(connection, self._closing))
            self._threads.append(Thread(target=self._play, args=(self.exchanges[-1],)))
            self._threads[-1].start()

    def _play(self, exchange: Exchange) -> None:
        # A client that has gone, or was cut off, is what many scripts are about.
        with closing(exchange), suppress(ConnectionError):
            self._script(exchange)


def answering(reply: bytes) -> Script:
    def script(exchange: Exchange) -> None:
        while exchange.receive() is not None and exchange.send(reply):
            pass

    return script


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
