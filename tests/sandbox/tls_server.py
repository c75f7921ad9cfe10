"""A server on 127.0.0.1 that speaks TLS, with a certificate that an authority of the test's own has signed."""

import socket
import ssl
from pathlib import Path
from socketserver import BaseRequestHandler
from sys import exc_info

from tests.sandbox.loopback import AnySocket, LoopbackServer


class TlsServer(LoopbackServer):
    """Serves with the certificate in `folder`, which `certificates.make` has filled."""

    def __init__(self, folder: Path, connection: type[BaseRequestHandler]) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem", folder / "server.key")
        super().__init__(0, connection)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: AnySocket, client_address: object) -> None:
        """Pass over a client that does not trust the certificate."""
        if not isinstance(exc_info()[1], ssl.SSLError):
            super().handle_error(request, client_address)
