"""The page on 127.0.0.1, until Ctrl-C: `make console`, or `python -m layers.console --local`."""

from __future__ import annotations

import argparse
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from layers.command import CommandParser, empty
from layers.console.site import Answer, Site, as_json
from layers.operate.functions import OperatorError, function_of
from layers.operate.place import add_place, function_at, wrong_place

PORT: Final = 8090
BODY_BYTES: Final = 65_536
_LENGTH_DIGITS: Final = 5
"""Of the longest body; Python reads no number of more than 4,300 digits."""


class ConsoleServer(ThreadingHTTPServer):
    """Serves one site on 127.0.0.1. `port` 0 takes a free one."""

    daemon_threads = True

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        super().__init__(("127.0.0.1", port), _Connection)


class _Connection(BaseHTTPRequestHandler):
    server: ConsoleServer
    timeout = 60

    def _respond(self) -> None:
        body = self._body()
        if isinstance(body, Answer):
            self._send(body)
            return
        port = self.server.server_address[1]
        answer = self.server.site.answer(self.command, self.path, self.headers.items(), body, int(port))
        self._send(answer or as_json(404, {"error": "there is no such path"}))

    do_GET = do_POST = _respond  # noqa: N815  # http.server's names

    def _body(self) -> bytes | Answer:
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            return as_json(411, {"error": "Content-Length must be a number"})
        if len(length) > _LENGTH_DIGITS or int(length) > BODY_BYTES:
            return as_json(413, {"error": f"the body is longer than {BODY_BYTES} bytes"})
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def version_string(self) -> str:
        """The `Server` header, without the version of Python."""
        return "console"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Log nothing: the function's own log says what was done."""


def main(given: list[str] | None = None) -> int:
    """Serve until Ctrl-C; 1 if the function or the port is not to be had."""
    parser = _parser()
    options = parser.parse_args(given)
    if wrong := empty(options) or wrong_place(options):
        parser.error(wrong)
    token = secrets.token_urlsafe(24)
    try:
        function = function_of(function_at(options), options.region, options.namespace)
        server = ConsoleServer(Site(function, token), options.port)
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"Cannot serve: {error.strerror}. Another port: --port, 0 for a free one.\n")
        return 1
    sys.stdout.write(f"Acting on {function.name}\nOpen  {address(server, token)}\nCtrl-C ends it.\n")
    sys.stdout.flush()
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("Ending.\n")
    return 0


def address(server: ConsoleServer, token: str) -> str:
    """Where the page is. A fragment is not sent to any server, so it stands in no log."""
    return f"http://127.0.0.1:{server.server_address[1]}/#{token}"


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m layers.console", description="The operator's page.")
    add_place(parser)
    parser.add_argument("--port", type=int, default=PORT, help="0 for a free one (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
