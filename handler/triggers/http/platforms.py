"""Powertools' event handler for each HTTP platform: it routes, and writes a reply in that platform's form.

It is given a tidy event of our own making, without the caller's credentials or body, because it can be told to print
what it is given. It is made anew for each request, in a seventh of a millisecond, because it keeps the event in hand on
a class, where another thread's request would replace it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import (
    ALBResolver,
    APIGatewayHttpResolver,
    ApiGatewayResolver,
    APIGatewayRestResolver,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.shared.headers_serializer import BaseHeadersSerializer, SingleValueHeadersSerializer
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from handler.triggers.event_kind import Event, Kind
from handler.triggers.http.request import Request
from handler.triggers.http.responses import Reply


class Resolver(ApiGatewayResolver):
    """Keeps the event in hand on itself, and describes bodies by `schemas` where it is asked for a document."""

    schemas: dict[str, dict[str, object]]

    def _to_proxy_event(self, event: dict[str, object]) -> BaseProxyEvent:
        self.current_event = super()._to_proxy_event(event)
        return self.current_event

    def _generate_schemas(self, definitions: object) -> dict[str, dict[str, object]]:  # noqa: ARG002  # its own errors
        return self.schemas


def resolver_for(kind: Kind, base_path: str = "") -> Resolver:
    """A resolver without routes; `base_path` is what a custom domain puts before them."""
    return _RESOLVERS[kind](strip_prefixes=[base_path] if base_path else None, debug=False)


def resolve(resolver: Resolver, kind: Kind, event: Event, request: Request) -> dict[str, object]:
    """Route the request, which `event` brought, and put the reply into the platform's form."""
    return resolver.resolve(_tidy(kind, event, request), LambdaContext())


def response(reply: Reply) -> Response[str]:
    """A reply as routes return it. The body is ASCII, which every platform passes on as it is."""
    return Response(reply.status, reply.content_type, json.dumps(reply.body, separators=(",", ":")), reply.headers)


def _tidy(kind: Kind, event: Event, request: Request) -> dict[str, object]:
    """The request as an event of every platform at once: each resolver finds in it what it looks for."""
    accepted = request.headers.get("accept-encoding", "")
    tidy: dict[str, object] = {
        "httpMethod": request.method,
        "path": request.path,
        "rawPath": request.path,
        "headers": {"accept-encoding": accepted},
        "queryStringParameters": dict(request.query),
        "requestContext": {"stage": "$default", "http": {"method": request.method, "path": request.path}},
    }
    # A load balancer wants the reply in the style of its request; the others have but one style.
    if kind is not Kind.ALB or isinstance(event.get("multiValueHeaders"), dict):
        tidy["multiValueHeaders"] = {"accept-encoding": [accepted]}
    return tidy


class _Rest(Resolver, APIGatewayRestResolver):
    """API Gateway, format 1.0."""


class _Http(Resolver, APIGatewayHttpResolver):
    """API Gateway, format 2.0."""


class _FunctionUrl(Resolver, LambdaFunctionUrlResolver):
    """Lambda function URL."""


class _Alb(Resolver, ALBResolver):
    """Application Load Balancer."""


class _ScfEvent(APIGatewayProxyEvent):
    """SCF knows no `multiValueHeaders` in a reply (cloud.tencent.com/document/product/583/96099)."""

    def header_serializer(self) -> BaseHeadersSerializer:
        return SingleValueHeadersSerializer()


class _Scf(_Rest):
    """SCF function URL: its event is that of format 1.0, its reply is not."""

    def _to_proxy_event(self, event: dict[str, object]) -> BaseProxyEvent:
        self.current_event = _ScfEvent(event)
        return self.current_event


_RESOLVERS: Mapping[Kind, type[Resolver]] = {
    Kind.HTTP_V1: _Rest,
    Kind.HTTP_V2: _Http,
    Kind.FUNCTION_URL: _FunctionUrl,
    Kind.ALB: _Alb,
    Kind.SCF_URL: _Scf,
}
