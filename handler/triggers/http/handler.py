"""HTTP: from an event of any platform to a request, to the route that serves it, to the reply that platform wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from handler.core.errors import (
    LedgerUnavailable,
    NotPermitted,
    OutcomeUnknown,
    SecretUnavailable,
    SettingsError,
    TooManyCalls,
    Unauthorized,
)
from handler.core.ports.system import Notice, Reporter
from handler.triggers.event_kind import Event, Kind
from handler.triggers.http import cors, responses
from handler.triggers.http.headers import Correlation
from handler.triggers.http.request import Request, read_request
from handler.triggers.http.responses import Reply, write
from handler.triggers.http.routes import DOCUMENT, ROUTES, Exchange, HttpContext
from handler.triggers.invocation import Invocation

_PATHS = frozenset(route.path for route in (*ROUTES, DOCUMENT))

# The platforms on which a path may end in slashes.
_SLASHED = frozenset({Kind.HTTP_V1, Kind.SCF_URL})


def answer(
    kind: Kind,
    event: Event,
    invocation: Invocation,
    context_of: Callable[[], HttpContext],
    reporter: Reporter,
) -> dict[str, object]:
    """Answer an event of an HTTP kind in its platform's form, and report an error that is not the caller's."""
    correlation = Correlation()
    shared: Mapping[str, str] = {}
    try:
        request = read_request(kind, event)
        correlation = Correlation.of(request.headers)
        reporter.bind(**correlation.log_fields)
        exchange = Exchange(request, invocation, context_of())
        shared = cors.headers_for(request, exchange.context.origins)
        exchange.context.app.check_takes(kind)
        _check_scheme(kind, exchange.context)
        path = _path_of_route(kind, request, exchange.context.base_path)
        reply = _served(path, exchange)
    except Exception as error:  # noqa: BLE001  # the caller is owed a reply to every request
        reply = responses.of_error(error)
        if reply.status >= responses.OURS:
            reporter.failed(error)
        elif isinstance(error, Unauthorized):
            # Strangers may come in any number, so that there is no line for each.
            reporter.count(Notice.UNAUTHORIZED, 1, reason=str(error))
        elif isinstance(error, TooManyCalls):
            reporter.report(Notice.TURNED_AWAY, reason=str(error), retry_after_s=error.retry_after_s)
        elif isinstance(error, NotPermitted):
            reporter.report(Notice.NOT_PERMITTED, reason=str(error))
    return write(kind, event, replace(reply, headers={**reply.headers, **correlation.headers, **shared}))


def _check_scheme(kind: Kind, context: HttpContext) -> None:
    """Raise SettingsError where no request of this kind can name its caller: a mistake of the deployment."""
    authenticator = context.authenticator
    if kind not in authenticator.kinds:
        raise SettingsError("HTTP_AUTH", f"{authenticator.scheme} finds no identity in events of {kind.value}")


def _served(path: str, exchange: Exchange) -> Reply:
    """The reply of the route that has the request's method and path, or what is wrong with them."""
    method = exchange.request.method
    routes = (*ROUTES, DOCUMENT) if exchange.context.docs else ROUTES
    for route in routes:
        if (route.method, route.path) == (method, path):
            with exchange.context.health.ends_with(LedgerUnavailable, SecretUnavailable, OutcomeUnknown):
                return route.serve(exchange)
    allowed = [route.method for route in routes if route.path == path.rstrip("/")]
    asked = cors.preflight(exchange.request, exchange.context.origins, allowed) if allowed else None
    if asked is not None:
        return asked
    # A path that ends in slashes, where it may not, is wrong for every method.
    if allowed and method not in allowed:
        return responses.wrong_method(", ".join(allowed))
    return responses.NO_SUCH_ROUTE.reply("no route has this path")


def _path_of_route(kind: Kind, request: Request, base: str) -> str:
    """The request's path without stage and the prefix of a custom domain, and without slashes that its platform allows.

    Either may be missing, and may be called like the beginning of a route: what is a route already loses nothing.
    """
    path = request.path.rstrip("/") if kind in _SLASHED else request.path
    for prefix in (request.stage, base):
        if path.rstrip("/") not in _PATHS and path.startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
    return path
