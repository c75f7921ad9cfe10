"""The contract over HTTP as an OpenAPI document, served with the Swagger UI that Powertools brings along.

Requests are never checked against it: Powertools would answer what fails in its own words, and ours name the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, HTTPBearer, SecurityScheme, Server
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from handler.core.model.operation import KEYS_PER_GROUP, key_limit
from handler.core.model.payload import Payload
from handler.triggers.event_kind import Event, Kind
from handler.triggers.http.headers import SIGNED_KEY, Correlation
from handler.triggers.http.request import Request
from handler.triggers.http.responses import CONTENT_TYPE, with_headers
from handler.triggers.http.routes import DOCUMENT, PAGE, ROUTES, HttpContext
from handler.triggers.http.webhook_signature import SIGNATURE, TIMESTAMP
from handler.triggers.idempotency_key import HEADER, KEY_CHARACTERS

Json = dict[str, object]

_DESCRIPTION = (
    "Updates Tencent Chat group counters exactly once. Repeat a request with the same Idempotency-Key until the status "
    "is 2xx or 4xx, 429 excepted: it counts once."
)


# What each header that carries a part of the caller's right is for, by the name of its security scheme.
_SIGNED: Mapping[str, str] = {
    SIGNED_KEY: "the idempotency key, signed",
    TIMESTAMP: "seconds since 1970, signed",
    SIGNATURE: "`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`",
}
_PLATFORM = "what the authorizer in front of the function asks for"


class Description(msgspec.Struct, frozen=True):
    """What the document says about one route."""

    summary: str
    responses: dict[int, OpenAPIResponse]
    extensions: Json


def schemas(keys_max: int = KEYS_PER_GROUP) -> dict[str, Json]:
    """The bodies, by name; `keys_max` is how many keys one call may carry."""
    update: Json = Payload.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions, fields = cast("dict[str, Json]", update.pop("$defs")), cast("dict[str, Json]", update["properties"])
    # The receipt may take one of the group's keys.
    counters = fields["GroupCounter"] = fields["GroupCounter"] | {"maxItems": keys_max}
    return {
        **definitions,
        "Update": update,
        "Counters": _object({**_vendors_fields("OK"), "GroupCounter": counters}),
        "Pending": _object({"state": {"const": "pending"}, "accepted": {"const": True}}),
        "State": {
            "type": "object",
            "required": ["state"],
            "properties": {"state": {"type": "string", "enum": ["applied", "rejected", "pending", "frozen"]}},
            "description": "The fields of the stored answer stand beside the state.",
        },
        "Health": _object({"status": {"const": "ok"}}),
        "Problem": _object(
            {
                "type": {"type": "string", "description": "fixed for each case"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "accepted": {"type": "boolean", "description": "whether the operation is, or may be, taken on"},
                **_vendors_fields("FAIL"),
            }
        ),
    }


class _Described(APIGatewayHttpResolver):
    """Describes bodies by `schemas`, and keeps the event in hand on itself: Powertools shares it between threads."""

    schemas: dict[str, Json]

    def _generate_schemas(self, definitions: object) -> dict[str, Json]:  # noqa: ARG002  # it derives its own errors
        return self.schemas

    def _to_proxy_event(self, event: Event) -> APIGatewayProxyEventV2:
        self.current_event = APIGatewayProxyEventV2(event)
        return self.current_event


def page(kind: Kind, event: Event, path: str, request: Request, context: HttpContext) -> dict[str, object]:
    """The document or the page that shows it, in the form of the event's platform."""
    here = {"stage": "$default", "http": {"method": "GET", "path": path}}
    accepted = {"accept-encoding": request.headers.get("accept-encoding", "")}
    asked = {
        "rawPath": path,
        "headers": accepted,
        "queryStringParameters": dict(request.query),
        "requestContext": here,
    }
    shown = _described(context).resolve(asked, LambdaContext())
    written = {**shown["headers"], **Correlation.of(request.headers).headers}
    return with_headers(kind, event, written, shown["statusCode"], shown["body"], is_base64=shown["isBase64Encoded"])


def _described(context: HttpContext) -> _Described:
    """The contract's routes, which are described and never called, and the two that describe them."""
    scheme, app, here = context.authenticator.scheme, _Described(debug=False), [Server(url=".")]
    app.schemas = schemas(key_limit(context.app.instance.rules.receipt_key))

    def document() -> Response[str]:
        return Response(200, "application/json", app.get_openapi_json_schema())

    for route in ROUTES:
        described = _DESCRIBED[route.path](scheme)
        app.route(
            route.path,
            route.method,
            summary=described.summary,
            responses=described.responses,
            operation_id=route.serve.__name__,
            openapi_extensions=described.extensions,
        )(document)
    app.configure_openapi(
        title="update-group-counter",
        version="v1",
        description=_DESCRIPTION,
        servers=here,
        security_schemes=_schemes(scheme),
    )
    # Its scripts stand in the page itself, which is over 1 MB unless it is compressed.
    app.enable_swagger(path=PAGE, servers=here, persist_authorization=True, compress=True)
    app.get(DOCUMENT, include_in_schema=False)(document)
    return app


def _update(scheme: str) -> Description:
    responses = {
        200: _json("applied, now or earlier", "Counters", "Idempotency-Replayed", "Counter-Values"),
        202: _json("accepted and owed; ask at Location, or repeat", "Pending", "Location", "Retry-After"),
        400: _problem("bad input, or a missing key; or the vendor found a parameter invalid"),
        401: _problem("no caller, or an unknown one", "WWW-Authenticate"),
        403: _problem("refused for good by the vendor: not permitted"),
        404: _problem("refused for good by the vendor: no such group"),
        409: _problem("refused for good by the vendor: the group has 20 counters"),
        413: _problem("the body is over 64 KiB"),
        422: _problem("the key was used before with other content"),
        429: _problem("too many calls now; nothing was accepted", "Retry-After"),
        503: _problem("`accepted` tells whether the operation is, or may be, taken on", "Retry-After"),
    }
    # A signed request has its key in a header of its own.
    is_key_apart = scheme != "signature"
    key = "one key for one operation on one group, bare or quoted"
    parameters = [
        _parameter("header", HEADER, _key(), key, required=is_key_apart),
        _parameter("header", "Prefer", {"type": "string"}, "wait=n seconds at most, or respond-async", required=False),
    ]
    body = {"required": True, "content": {"application/json": {"schema": _reference("Update")}}}
    return Description(
        "Set, increase or decrease counters of one group, once",
        responses,
        {"parameters": parameters, "requestBody": body, "security": _requirement(scheme)},
    )


def _operation(scheme: str) -> Description:
    responses = {
        200: _json("what became of it", "State", "Retry-After", "Counter-Values"),
        400: _problem("a parameter is missing"),
        401: _problem("no caller, or an unknown one", "WWW-Authenticate"),
        404: _problem("this caller has no operation with this key on this group"),
        503: _problem("the ledger or the secret is not available", "Retry-After"),
    }
    parameters = [
        _parameter("query", "GroupId", {"type": "string"}, "the group of the operation"),
        _parameter("query", "IdempotencyKey", _key(), "the key of the operation"),
    ]
    return Description(
        "Ask after an operation", responses, {"parameters": parameters, "security": _requirement(scheme)}
    )


def _health(_: str) -> Description:
    responses = {200: _json("settings and ledger are good", "Health"), 503: _problem("they are not")}
    return Description("Ask whether the function can work", responses, {})


# What the document says about each route, where callers are known by a scheme of HTTP_AUTH.
_DESCRIBED: Mapping[str, Callable[[str], Description]] = {
    "/v1/update_group_counter": _update,
    "/v1/operations": _operation,
    "/v1/health": _health,
}


def _object(properties: Mapping[str, object]) -> Json:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _vendors_fields(status: str) -> Json:
    return {"ActionStatus": {"const": status}, "ErrorCode": {"type": "integer"}, "ErrorInfo": {"type": "string"}}


def _key() -> Json:
    return {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS}


def _parameter(place: str, name: str, schema: Json, description: str, *, required: bool = True) -> Json:
    return {"in": place, "name": name, "required": required, "schema": schema, "description": description}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: str, *headers: str) -> OpenAPIResponse:
    return _response(description, "application/json", schema, headers)


def _problem(description: str, *headers: str) -> OpenAPIResponse:
    return _response(description, CONTENT_TYPE, "Problem", headers)


def _response(description: str, content_type: str, schema: str, headers: tuple[str, ...]) -> OpenAPIResponse:
    shown: dict[str, OpenAPIResponseHeader] = {name: {"schema": {"type": "string"}} for name in headers}
    return {
        "description": description,
        "headers": shown,
        "content": {content_type: {"schema": _reference(schema)}},
    }


def _requirement(scheme: str) -> list[dict[str, list[str]]]:
    """What one request needs: all of it at once."""
    return [{name: [] for name in (_SIGNED if scheme == "signature" else [scheme])}]


def _schemes(scheme: str) -> dict[str, SecurityScheme]:
    """The security schemes that `_requirement` names."""
    if scheme == "bearer":
        return {scheme: HTTPBearer()}
    if scheme == "platform":
        return {scheme: APIKey(name="Authorization", in_=APIKeyIn.header, description=_PLATFORM)}
    return {name: APIKey(name=name, in_=APIKeyIn.header, description=text) for name, text in _SIGNED.items()}
