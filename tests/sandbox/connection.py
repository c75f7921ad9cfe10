"""The HTTP side of the sandbox: reads requests from one connection, hands them on, and ends it as each reply asks."""

from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from math import floor
from typing import Final
from urllib.parse import parse_qsl

from pydantic_core import to_json

from layers.console.rules import refusal
from tests.sandbox.admission import Call
from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import named_by
from tests.sandbox.listener import Listener, reset_on_close
from tests.sandbox.loopback import LoopbackConnection
from tests.sandbox.replies import Reply, refused

CONTROL_PATH: Final = "/sandbox/"


class Connection(LoopbackConnection):
    """One connection to the Chat server."""

    server: Listener
    body_bytes = 1_048_576
    counted = False

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        """Answer a call of the API or of the control interface."""
        body = self.body()
        if body is not None:
            self._answer(body)

    def do_GET(self) -> None:  # noqa: N802  # the name is http.server's
        """Answer a read of the control interface; the API takes POST only."""
        if self.path.startswith(CONTROL_PATH):
            self._answer(b"")
        else:
            # Its body, if it has one, is not read, so nothing can follow on this connection.
            self.close_connection = True
            self._send(refused(RefusalError(60002, "the API takes POST only")))

    def handle(self) -> None:
        """Serve requests until the connection ends, by either side: clients with a timeout often go first."""
        with suppress(ConnectionError):
            super().handle()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP, without the stock message: that repeats the request line and the signature in it."""
        super().send_error(code)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The sandbox's time for `Date`, in whole seconds."""
        return formatdate(floor(self.server.service.date() if timestamp is None else timestamp), usegmt=True)

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith(CONTROL_PATH):
            self._send(self._controlled(path.removeprefix(CONTROL_PATH), query, body))
            return
        if not self.counted:
            self.counted = True
            self.server.count_connection()
        try:
            call = Call(named_by(path), query, body)
        except RefusalError as refusal:
            self._send(refused(refusal))
            return
        self._end(self.server.service.exchange(call))

    def _controlled(self, operation: str, query: str, body: bytes) -> Reply:
        headers = {name.lower(): value for name, value in self.headers.items()}
        refused_with = refusal(self.command, headers, self.server.server_port, token=self.server.service.token)
        if refused_with is None:
            return self.server.service.control(self.command, operation, dict(parse_qsl(query)), body)
        status, reason = refused_with
        return Reply("sent", status=status, body=to_json({"error": reason}))

    def _end(self, reply: Reply | None) -> None:
        if reply is not None and reply.ending in ("sent", "cut"):
            self._send(reply)
        if reply is None or reply.ending != "sent":
            self.close_connection = True
        if reply is not None and reply.ending == "reset":
            reset_on_close(self.connection)

    def _send(self, reply: Reply) -> None:
        self.send_response(HTTPStatus(reply.status))
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.ending == "cut" else reply.body)
