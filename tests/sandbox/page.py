"""The page of `make serve`: the scene, and the operator's part over the function behind the gateway."""

from layers.console.site import Site
from layers.operate.arguments import Event
from layers.operate.functions import OperatorError
from tests.sandbox.gateway import Gateway
from tests.sandbox.responses import Response
from tests.sandbox.swagger import SwaggerGateway


class PageGateway(SwaggerGateway):
    """A gateway that answers `/` and what its page asks for, once it has a `site`, and leaves the rest as it was."""

    site: Site | None = None

    def respond(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        answer = self.site and self.site.answer(method, target, headers, body, self.server_port)
        if answer:
            return Response(answer.status, answer.headers, answer.body)
        return super().respond(method, target, headers, body)


class ServedFunction:
    """The function behind a gateway, for operator events."""

    name = "the function of make serve"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def invoke(self, event: Event) -> object:
        """Invoke it as its platform does; what it raises is said in one line."""
        try:
            return self._gateway.invoke(event)
        except Exception as error:  # noqa: BLE001  # a platform tells an operator what its function raised
            raise OperatorError(f"{type(error).__name__}: {error}") from None
