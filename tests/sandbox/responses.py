"""What each platform makes of a function's reply: status, headers and body of the HTTP response."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.sandbox.dialects import Dialect

_JSON: Final = (("Content-Type", "application/json"),)
_INFERRED: Final[frozenset[Dialect]] = frozenset({"http-v2", "function-url", "scf"})
"""The dialects that take a reply without `statusCode` as the body of a 200."""

_BALANCED: Final[frozenset[Dialect]] = frozenset({"alb", "alb-multi-value"})
_BALANCED_BYTES: Final = 1024 * 1024
"""The most that a load balancer takes as the JSON of a reply (docs.aws.amazon.com, lambda-functions.html of ELB)."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; a header may stand more than once."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def response_of(dialect: Dialect, reply: object) -> Response:
    """The response to a reply of a handler that has gone through JSON; a malformed one is the platform's own error."""
    if dialect in _INFERRED and not (isinstance(reply, dict) and "statusCode" in reply):
        return Response(200, _JSON, json.dumps(reply).encode())
    if dialect in _BALANCED and len(json.dumps(reply)) > _BALANCED_BYTES:
        return failure(dialect)
    try:
        fields = _object(reply)
        return Response(_status(fields), tuple(_headers(dialect, fields)), _body(fields))
    except _MalformedError:
        return failure(dialect)


def failure(dialect: Dialect) -> Response:
    """The response to a handler that failed, was ended, or gave back what is no reply; SCF documents none."""
    if dialect == "http-v2":
        return Response(500, _JSON, b'{"message":"Internal Server Error"}')
    if dialect == "rest":
        return Response(502, _JSON, b'{"message": "Internal server error"}')
    if dialect in _BALANCED:
        return Response(502, (("Content-Type", "text/html"),), b"<html><body>502 Bad Gateway</body></html>")
    return Response(502, _JSON, b"Internal Server Error")


class _MalformedError(Exception):
    """A reply that no platform would take."""


def _object(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _MalformedError
    return value


def _status(reply: Mapping[str, object]) -> int:
    status = str(reply.get("statusCode"))
    if not status.isascii() or not status.isdigit() or not 100 <= int(status) <= 599:
        raise _MalformedError
    return int(status)


def _headers(dialect: Dialect, reply: Mapping[str, object]) -> list[tuple[str, str]]:
    """Each platform looks at its own field or fields for repeated headers, and passes over the others."""
    single = [(name, _text(value)) for name, value in _object(reply.get("headers")).items()]
    if dialect in {"http-v2", "function-url"}:
        return single + [("Set-Cookie", _text(cookie)) for cookie in _list(reply.get("cookies") or [])]
    if dialect in {"alb", "scf"}:
        return single
    lists = {name: _list(values) for name, values in _object(reply.get("multiValueHeaders")).items()}
    multiple = [(name, _text(value)) for name, values in lists.items() for value in values]
    if dialect == "alb-multi-value":
        return multiple
    return [(name, value) for name, value in single if name not in lists] + multiple


def _body(reply: Mapping[str, object]) -> bytes:
    body = reply.get("body") or ""
    if not isinstance(body, str):
        raise _MalformedError
    try:
        return base64.b64decode(body, validate=True) if reply.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise _MalformedError from None


def _text(value: object) -> str:
    if not isinstance(value, str | int | float):
        raise _MalformedError
    return value if isinstance(value, str) else json.dumps(value)


def _list(values: object) -> list[object]:
    if not isinstance(values, list):
        raise _MalformedError
    return values
