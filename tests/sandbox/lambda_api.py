"""The part of AWS Lambda's API that invokes a function, with the function in this process.

docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: a function that raises is answered with 200, the header
`X-Amz-Function-Error` and what it raised; a refusal has its code in `x-amzn-ErrorType`.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

from tests.sandbox.contexts import lambda_context
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer

TIMEOUT_S = 60.0

Handler: TypeAlias = Callable[[object, object], object]


class LambdaServer(LoopbackServer):
    """Functions by their names. `refusal` is a code and a message with which every call is refused, if it is given."""

    def __init__(self, functions: Mapping[str, Handler]) -> None:
        self.functions = functions
        self.refusal: tuple[str, str] | None = None
        self.invoked: list[tuple[str, object]] = []
        super().__init__(0, _Connection)


class _Connection(LoopbackConnection):
    server: LambdaServer

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is None:
            return
        name = unquote(self.path.split("/")[3])
        handler = self.server.functions.get(name)
        if self.server.refusal is not None:
            self._turn_away(403, *self.server.refusal)
        elif handler is None:
            self._turn_away(404, "ResourceNotFoundException", f"Function not found: {name}")
        else:
            self.server.invoked.append((name, json.loads(body)))
            self._run(handler, json.loads(body))

    def _run(self, handler: Handler, event: object) -> None:
        headers = [("Content-Type", "application/json")]
        try:
            answer = handler(event, lambda_context(TIMEOUT_S))
        except Exception as error:  # noqa: BLE001  # whatever a function raises, its platform reports it
            answer = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []}
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        self.reply(200, headers, json.dumps(answer).encode())

    def _turn_away(self, status: int, code: str, message: str) -> None:
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
        self.reply(status, headers, json.dumps({"Type": "User", "Message": message}).encode())
