"""An HTTP address for a function: real requests become events of one platform, and its replies real responses."""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Final, TypeAlias

from tests.sandbox.contexts import lambda_context, scf_context
from tests.sandbox.dialects import Dialect, Event, event_of
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer
from tests.sandbox.responses import Response, failure, response_of

Handler: TypeAlias = Callable[[Event, object], object]

USUAL_TIMEOUT_S: Final = 29.0
"""API Gateway waits for 30 s at most, so a function behind it is given a little less."""

_COMPUTED: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""The headers that a platform writes itself, whatever the function says."""


class Gateway(LoopbackServer):
    """Serves `handler` at `url`, one thread for each connection. `port` 0 takes a free one.

    The context says that an invocation may last `timeout_s`; nothing here ends one that lasts longer.
    """

    def __init__(
        self, handler: Handler, dialect: Dialect = "http-v2", *, port: int = 0, timeout_s: float = USUAL_TIMEOUT_S
    ) -> None:
        self._handler = handler
        self._dialect = dialect
        self._timeout_s = timeout_s
        super().__init__(port, _Connection)

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def invoke(self, event: Event) -> object:
        """Invoke the function for any event, with its platform's context. The return value goes through JSON."""
        context = scf_context(self._timeout_s) if self._dialect == "scf" else lambda_context(self._timeout_s)
        returned: object = json.loads(json.dumps(self._handler(event, context)))
        return returned

    def respond(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        """Invoke the function for one request. What it raises is printed, as a platform logs it."""
        try:
            reply = self.invoke(event_of(self._dialect, method, target, headers, body))
        except Exception:  # noqa: BLE001  # whatever a function raises, its platform answers for it
            traceback.print_exc(file=sys.stderr)
            return failure(self._dialect)
        return response_of(self._dialect, reply)


class _Connection(LoopbackConnection):
    server: Gateway

    def _answer(self) -> None:
        body = self.body()
        if body is None:
            return
        response = self.server.respond(self.command, self.path, self.headers.items(), body)
        headers = [(name, value) for name, value in response.headers if name.lower() not in _COMPUTED]
        self.reply(response.status, headers, response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815  # http.server's
    do_DELETE = do_OPTIONS = do_TRACE = do_QUERY = _answer  # noqa: N815  # the same
