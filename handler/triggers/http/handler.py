"""HTTP: from an event of any platform to a request, to the route that serves it, to the reply that platform wants."""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from handler.core.errors import SettingsError
from handler.core.model.operation import key_limit
from handler.triggers.event_kind import Event, Kind
from handler.triggers.http import openapi
from handler.triggers.http import responses as problems
from handler.triggers.http.context import HttpContext
from handler.triggers.http.platforms import Resolver, resolve, resolver_for, response
from handler.triggers.http.request import Request, read_request
from handler.triggers.http.responses import Reply
from handler.triggers.http.routes import ROUTES, Exchange, Route, allowed
from handler.triggers.invocation import Invocation

_RESPONSE = Response[str]


def answer(
    kind: Kind,
    event: Event,
    invocation: Invocation,
    context_of: Callable[[], HttpContext],
    failed: Callable[[Exception], None],
) -> dict[str, object]:
    """Answer an event of an HTTP kind in its platform's form, whatever goes wrong; `failed` is told of our failures."""
    try:
        exchange = Exchange(read_request(kind, event), invocation, context_of())
        _check_scheme(kind, exchange.context)
    except Exception as error:  # noqa: BLE001  # whatever it is, the caller is owed a reply
        return _write(kind, event, _problem(error, failed))
    return resolve(_routes(kind, exchange, failed), kind, event, exchange.request)


def _check_scheme(kind: Kind, context: HttpContext) -> None:
    """Refuse every request where none could ever say who sent it: whoever set the function up has to know."""
    authenticator = context.authenticator
    if kind not in authenticator.kinds:
        raise SettingsError("HTTP_AUTH", f"{authenticator.scheme} finds no identity in events of {kind.value}")


def _routes(kind: Kind, exchange: Exchange, failed: Callable[[Exception], None]) -> Resolver:
    context = exchange.context
    resolver = resolver_for(kind, context.base_path)
    resolver.not_found(lambda _: response(_nowhere(exchange.request.method, resolver.context["_path"])))
    documented = context.docs and openapi.is_asked_for(exchange.request.path)
    # Those of other methods would be passed over, and to register one costs as much as to find it.
    for route in ROUTES if documented else [route for route in ROUTES if route.method == exchange.request.method]:
        told = openapi.describe(route.path, context.authenticator.scheme) if documented else None
        _register(resolver, route, _endpoint(route, exchange, failed), told)
    if documented:
        resolver.schemas = openapi.schemas(key_limit(context.app.instance.rules.receipt_key))
        openapi.publish(resolver, context.authenticator.scheme)
    return resolver


def _register(
    resolver: Resolver, route: Route, endpoint: Callable[[], Response[str]], told: openapi.Description | None
) -> None:
    if told is None:
        resolver.route(route.path, route.method)(endpoint)
        return
    resolver.route(
        *(route.path, route.method),
        summary=told.summary,
        responses=told.responses,
        operation_id=route.serve.__name__,
        openapi_extensions=told.extensions,
    )(endpoint)


def _endpoint(route: Route, exchange: Exchange, failed: Callable[[Exception], None]) -> Callable[[], Response[str]]:
    def endpoint() -> Response[str]:
        try:
            return response(route.serve(exchange))
        except Exception as error:  # noqa: BLE001  # Powertools would write its text into a log
            return response(_problem(error, failed))

    # Powertools asks for the types of each endpoint, twice for each request, and would compile their texts each time.
    endpoint.__annotations__["return"] = _RESPONSE
    return endpoint


def _problem(error: Exception, failed: Callable[[Exception], None]) -> Reply:
    reply = problems.of_error(error)
    if reply.status >= problems.OURS:
        failed(error)
    return reply


def _nowhere(method: str, path: str) -> Reply:
    allow = allowed(path)
    # Not every platform's routes may end in slashes, and there the method is not what is wrong.
    is_wrong_method = allow and method not in allow["Allow"].split(", ")
    return problems.wrong_method(allow) if is_wrong_method else problems.NO_SUCH_ROUTE.reply("no route has this path")


def _write(kind: Kind, event: Event, reply: Reply) -> dict[str, object]:
    """Put a reply into the platform's form without routing: whatever the path, this is the answer."""
    resolver = resolver_for(kind)
    resolver.not_found(lambda _: response(reply))
    return resolve(resolver, kind, event, Request("GET", "/", {}, {}))
