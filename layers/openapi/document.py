"""The document itself: the routes with their parameters, answers, headers and links."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from handler.triggers.http import responses
from handler.triggers.http.auth import Bearer, Platform
from handler.triggers.http.headers import SIGNED_KEY
from handler.triggers.http.responses import CONTENT_TYPE, Case
from handler.triggers.http.routes import ROUTES, Route
from handler.triggers.http.webhook_signature import CHALLENGE, SIGNATURE, TIMESTAMP
from handler.triggers.idempotency_key import HEADER, KEY_CHARACTERS
from handler.version import VERSION
from layers.openapi import bodies, problems

Json = dict[str, object]

_ABOUT: Final = f"""Updates Tencent Chat group counters exactly once.

Repeat a request with the same `{HEADER}` until the answer is 200, or 4xx other than 429: it counts once. Store the
key before the first try.

- How callers are known is a setting of the deployment: by one of the security schemes here, never by several.
- A body is read as JSON, and needs no `Content-Type`.
- Every reply has `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`. `X-Request-Id` and `traceparent` come
  back as they were sent.
- A problem's `type` is fixed for each case. The page of all of them is `handler/triggers/http/README.md` in the
  repository; `x-problems` of the schema `Problem` says the same for programs.
- Counters have 64 bits, and JavaScript's numbers are exact up to 2^53 - 1 only."""

# What each header that carries a part of the caller's right is for, by the name of its security scheme.
_SIGNED: Final[Mapping[str, str]] = {
    SIGNED_KEY: f"HTTP_AUTH=signature: the idempotency key, signed; `{HEADER}` beside it has to be equal",
    TIMESTAMP: "HTTP_AUTH=signature: seconds since 1970, signed",
    SIGNATURE: "HTTP_AUTH=signature: `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`",
}

# The problems that a route cannot have; where a caller is known, every other one can occur.
_NOT_OF_UPDATE: Final = (responses.NO_SUCH_ROUTE, responses.NO_SUCH_OPERATION)
_NOT_OF_OPERATION: Final = (
    *(responses.NO_SUCH_ROUTE, responses.BODY_TOO_LARGE, responses.KEY_REUSED, responses.REJECTED),
    *(responses.TOO_MANY_CALLS, responses.APP_REFUSED, responses.STALLED, responses.FROZEN),
)
_OF_HEALTH: Final = (responses.WRONG_METHOD, responses.NOT_ACCEPTED, responses.SETTINGS, responses.OUTCOME_UNKNOWN)

_WORDS: Final[Mapping[int, str]] = {
    400: "Bad input, or no key; or the vendor found a parameter invalid.",
    401: "No caller, or an unknown one.",
    403: "Not permitted.",
    404: "There is no such thing.",
    405: "The path has another method.",
    409: "The vendor refused the operation for good: the group has 20 counters.",
    413: "The body is over 64 KiB.",
    422: "The key was used before with other content.",
    429: "Too many calls now; nothing was accepted.",
    503: "`accepted` tells whether the operation is, or may be, taken on.",
}

# The problems that are stored as an operation's answer.
_STORED: Final = frozenset({responses.REJECTED.name, responses.OUTCOME_UNKNOWN.name})

# The headers of each status that is a problem, and whether each is always there.
_OF_STATUS: Final[Mapping[int, Mapping[str, bool]]] = {
    401: {"WWW-Authenticate": True},
    405: {"Allow": True},
    429: {"Retry-After": True},
    503: {"Retry-After": False},
}


def document() -> Json:
    """The whole document, of OpenAPI 3.1."""
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _DESCRIBED[route.path](route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "update-group-counter", "version": "v1", "description": _ABOUT},
        # Relative to the document, so that it holds behind any stage and base path.
        "servers": [{"url": ".", "description": "The deployment that serves this document."}],
        "tags": [
            {"name": "counters", "description": "Operations on a group's counters."},
            {"name": "health", "description": "Whether the function can work."},
        ],
        "paths": paths,
        "components": {
            "schemas": bodies.schemas() | problems.schemas(),
            "headers": _headers(),
            "links": {"operation": _link()},
            "securitySchemes": _schemes(),
        },
    }


def _update(route: Route) -> Json:
    key = (
        f"One key for one operation on one group: 1 to {KEY_CHARACTERS} visible ASCII characters, bare or quoted. One "
        "with a comma has to be quoted, and the header stands once."
    )
    wait = "`wait=n` seconds at most, or `respond-async`; what cannot be read is ignored."
    parameters = [
        _parameter("header", HEADER, bodies.key(bodies.HEADER_KEY), key) | {"example": bodies.EXAMPLE_KEY},
        _parameter("header", "Prefer", {"type": "string"}, wait, required=False),
    ]
    body: Json = {"schema": _reference("Update"), "examples": {"increase": {"value": bodies.EXAMPLE}}}
    link: Json = {"operation": {"$ref": "#/components/links/operation"}}
    counted = {"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupCounter": bodies.EXAMPLE["GroupCounter"]}
    applied = {"Idempotency-Replayed": False, "Counter-Values": False}
    accepted = {"Location": True, "Retry-After": True}
    return {
        "operationId": route.serve.__name__,
        "summary": "Set, increase or decrease counters of one group, once",
        "tags": ["counters"],
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": _json("Applied, now or earlier.", "Counters", applied, counted) | {"links": link},
            "202": _json(
                "Accepted and owed: ask at `Location`, or repeat.",
                "Pending",
                accepted,
                {"state": "pending", "accepted": True},
            )
            | {"links": link},
            **_problems([case for case in problems.CASES if case not in _NOT_OF_UPDATE]),
        },
        "security": _requirements(),
    }


def _link() -> Json:
    """From an update that was accepted to what became of it."""
    return {
        "operationId": "operation",
        "parameters": {"GroupId": "$request.body#/GroupId", "IdempotencyKey": f"$request.header.{HEADER}"},
        "description": f"What became of the operation. A signed request has its key in `{SIGNED_KEY}`.",
    }


def _operation(route: Route) -> Json:
    group = _parameter("query", "GroupId", bodies.group_id(), "The group of the operation.")
    key = _parameter("query", "IdempotencyKey", bodies.key(bodies.QUERY_KEY), "The key of the operation.")
    parameters = [group | {"example": bodies.EXAMPLE["GroupId"]}, key | {"example": bodies.EXAMPLE_KEY}]
    headers = {"Retry-After": False, "Counter-Values": False}
    known = {"state": "pending", "accepted": True}
    return {
        "operationId": route.serve.__name__,
        "summary": "Ask after an operation",
        "tags": ["counters"],
        "parameters": parameters,
        "responses": {
            "200": _json("What became of it.", "State", headers, known),
            **_problems([case for case in problems.CASES if case not in _NOT_OF_OPERATION]),
        },
        "security": _requirements(),
    }


def _health(route: Route) -> Json:
    return {
        "operationId": route.serve.__name__,
        "summary": "Ask whether the function can work",
        "tags": ["health"],
        "responses": {
            "200": _json(
                "The settings, the secret and the ledger can be used.",
                "Health",
                {},
                {"status": "ok", "version": VERSION},
            ),
            **_problems(_OF_HEALTH),
        },
        "security": [],
    }


# What the document says about each route.
_DESCRIBED: Final[Mapping[str, Callable[[Route], Json]]] = {
    "/v1/update_group_counter": _update,
    "/v1/operations": _operation,
    "/v1/health": _health,
}


def _problems(cases: Collection[Case]) -> Json:
    """The answers that are problems, by status."""
    found: Json = {}
    names = dict.fromkeys(case.name for case in cases)
    for status in sorted({status for name in names for status in problems.statuses(name)}):
        of_status = [name for name in names if status in problems.statuses(name)]
        stored = {"Idempotency-Replayed": False} if _STORED.intersection(of_status) else {}
        found[str(status)] = {
            "description": _WORDS[status],
            "headers": _shown({**_OF_STATUS.get(status, {}), **stored}),
            "content": {CONTENT_TYPE: {"schema": problems.one_of(of_status)}},
        }
    return found


def _json(description: str, schema: str, headers: Mapping[str, bool], example: object) -> Json:
    return {
        "description": description,
        "headers": _shown(headers),
        "content": {"application/json": {"schema": _reference(schema), "examples": {"usual": {"value": example}}}},
    }


def _shown(headers: Mapping[str, bool]) -> Json:
    """Headers of an answer. One that is always there is required, which a reference cannot say."""
    known = _headers()
    return {
        name: {**known[name], "required": True} if always else {"$ref": f"#/components/headers/{name}"}
        for name, always in headers.items()
    }


def _headers() -> dict[str, Json]:
    challenges = [Bearer.scheme.capitalize(), CHALLENGE, Platform.scheme.capitalize()]
    methods = sorted({route.method for route in ROUTES})
    return {
        "Allow": _header("The methods of the path.", {"type": "string", "enum": methods}),
        "Counter-Values": _header(
            "The call's reply was lost: the values are those that were seen when the receipt was read.",
            {"const": "observed-later"},
        ),
        "Idempotency-Replayed": _header("This is the stored answer to an earlier request.", {"const": "true"}),
        "Location": _header(
            "Where to ask for the operation, relative to the request's own address.",
            {"type": "string", "format": "uri-reference"},
        ),
        "Retry-After": _header(
            "How many seconds to wait before asking, or repeating with the same key. Without it, not soon.",
            {"type": "integer", "minimum": 1},
        ),
        "WWW-Authenticate": _header("The scheme by which callers are known.", {"type": "string", "enum": challenges}),
    }


def _header(description: str, schema: Json) -> Json:
    return {"description": description, "schema": schema}


def _parameter(place: str, name: str, schema: Json, description: str, *, required: bool = True) -> Json:
    return {"in": place, "name": name, "required": required, "schema": schema, "description": description}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _requirements() -> list[dict[str, list[str]]]:
    """What one request needs, in each of the ways in which callers may be known."""
    return [{Bearer.scheme: []}, {name: [] for name in _SIGNED}, {Platform.scheme: []}]


def _schemes() -> dict[str, Json]:
    """The security schemes that the requirements name."""
    signed: dict[str, Json] = {
        name: {"type": "apiKey", "in": "header", "name": name, "description": text} for name, text in _SIGNED.items()
    }
    return {
        Bearer.scheme: {"type": "http", "scheme": "bearer", "description": "HTTP_AUTH=bearer: a token of the secret."},
        **signed,
        Platform.scheme: {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "HTTP_AUTH=platform: what the authorizer in front of the function asks for.",
        },
    }
