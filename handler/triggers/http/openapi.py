"""The contract over HTTP as an OpenAPI document, served with the Swagger UI that Powertools brings along.

Requests are never checked against it: Powertools would answer what fails in its own words, and ours name the field.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aws_lambda_powertools.event_handler import ApiGatewayResolver, Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader

from handler.core.model.operation import GROUP_ID_BYTES, KEY_BYTES, KEYS_PER_GROUP
from handler.triggers.http import security
from handler.triggers.http.responses import CONTENT_TYPE
from handler.triggers.idempotency_key import HEADER, KEY_CHARACTERS

Json = dict[str, object]

DOCUMENT = "/openapi.json"
PAGE = "/swagger"

_DESCRIPTION = (
    "Updates Tencent Chat group counters exactly once. Repeat a request with the same Idempotency-Key until the status "
    "is 2xx or 4xx, 429 excepted: it counts once."
)


class Description(msgspec.Struct, frozen=True):
    """What the document says about one route."""

    summary: str
    responses: dict[int, OpenAPIResponse]
    extensions: Json


def schemas(keys_max: int = KEYS_PER_GROUP) -> dict[str, Json]:
    """The bodies, by name; `keys_max` is how many keys one call may carry."""
    counter: Json = {
        "type": "object",
        "required": ["Key", "Value"],
        "additionalProperties": False,
        "properties": {
            "Key": {"type": "string", "minLength": 1, "description": f"1 to {KEY_BYTES} bytes of UTF-8"},
            "Value": {"type": "integer", "format": "int64"},
        },
    }
    counters: Json = {"type": "array", "minItems": 1, "maxItems": keys_max, "items": counter}
    group_id: Json = {"type": "string", "minLength": 1, "description": f"at most {GROUP_ID_BYTES} bytes of UTF-8"}
    mode: Json = {"type": "string", "enum": ["Set", "Increase", "Decrease"]}
    return {
        "Update": _object({"GroupId": group_id, "GroupCounter": counters, "Mode": mode})
        | {"additionalProperties": False},
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


def is_asked_for(path: str) -> bool:
    """Whether a request wants the document or the page, perhaps behind a base path."""
    return path.rstrip("/").endswith((DOCUMENT, PAGE))


def describe(path: str, scheme: str) -> Description:
    """What there is to say about the route at `path`, where callers are known by a scheme of HTTP_AUTH."""
    return {
        "/v1/update_group_counter": _update,
        "/v1/operations": _operation,
        "/v1/health": _health,
    }[path](scheme)


def publish(app: ApiGatewayResolver, scheme: str) -> None:
    """Serve `/openapi.json` and `/swagger`, both relative to wherever they are served."""
    # Loading the models takes longer than all the rest of the function: only this switch may cost it.
    from aws_lambda_powertools.event_handler.openapi.models import Server  # noqa: PLC0415

    here = [Server(url=".")]
    app.configure_openapi(
        title="update-group-counter",
        version="v1",
        description=_DESCRIPTION,
        servers=here,
        security_schemes=security.schemes(scheme),
    )
    # Its scripts stand in the page itself, which is over 1 MB unless it is compressed.
    app.enable_swagger(path=PAGE, servers=here, persist_authorization=True, compress=True)

    def document() -> Response[str]:
        return Response(200, "application/json", app.get_openapi_json_schema())

    app.get(DOCUMENT, include_in_schema=False)(document)


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
        422: _problem("the key came before with another content"),
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
        {"parameters": parameters, "requestBody": body, "security": security.requirement(scheme)},
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
        "Ask after an operation", responses, {"parameters": parameters, "security": security.requirement(scheme)}
    )


def _health(_: str) -> Description:
    responses = {200: _json("settings and ledger are good", "Health"), 503: _problem("they are not")}
    return Description("Ask whether the function can work", responses, {})


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
