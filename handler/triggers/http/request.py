"""An HTTP request in one form for all platforms."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from handler.core.errors import BadInput, BodyTooLarge
from handler.triggers.event_kind import Event, Kind, part_of
from handler.triggers.parsing import BODY_BYTES


@dataclass(frozen=True, slots=True)
class Request:
    """Method in capitals, path as it came, header names in lower case, query decoded. The body is read on demand.

    Header values and the body may hold secrets and are in no representation.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    _body: object = field(default=None, repr=False)
    _is_base64: bool = False
    context: Event = field(default_factory=dict, repr=False)
    """What the platform itself says about the request."""

    @property
    def stage(self) -> str:
        """The stage as some platforms put it before the path, with a leading slash; empty where there is none."""
        name = self.context.get("stage")
        return f"/{name}" if isinstance(name, str) and name not in {"", "$default"} else ""

    def body(self) -> str:
        """The body as text. BodyTooLarge over 64 KiB; BadInput if there is none, or if it is not UTF-8."""
        content = self.content()
        if not content:
            raise BadInput("body", "is missing")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise BadInput("body", "is not UTF-8") from None

    def content(self) -> bytes:
        """The body as the bytes that were sent: BodyTooLarge over 64 KiB; BadInput if there are none to be read."""
        if self._body is None:
            return b""
        if not isinstance(self._body, str):
            raise BadInput("body", "is not a string")
        # In base64 four characters carry three bytes; white space between them is refused with the rest.
        characters_max = BODY_BYTES * 4 // 3 + 4 if self._is_base64 else BODY_BYTES
        if len(self._body) > characters_max:
            raise _too_large()
        try:
            content = base64.b64decode(self._body, validate=True) if self._is_base64 else self._body.encode()
        except UnicodeEncodeError:
            raise BadInput("body", "is not UTF-8") from None
        except (binascii.Error, ValueError):
            raise BadInput("body", "is not base64") from None
        if len(content) > BODY_BYTES:
            raise _too_large()
        return content


def read_request(kind: Kind, event: Event) -> Request:
    """Read an event of an HTTP kind; BadInput names the part that has another shape than its platform gives it."""
    is_v2 = kind in {Kind.HTTP_V2, Kind.FUNCTION_URL}
    http = part_of(part_of(event, "requestContext"), "http")
    method = http.get("method") if is_v2 else event.get("httpMethod")
    return Request(
        method=_text(method, "method").upper(),
        path=_text(event.get("rawPath"), "rawPath") if is_v2 else _text(event.get("path"), "path"),
        query=_query(kind, event),
        headers=_headers(event),
        _body=event.get("body"),
        _is_base64=event.get("isBase64Encoded") is True,
        context=part_of(event, "requestContext"),
    )


def _headers(event: Event) -> Mapping[str, str]:
    """Names in lower case. Repeated headers are joined with a comma, as most platforms do it.

    Names that differ only in case are joined too: if one of two keys or tokens counted alone, a gateway in front of the
    function could have checked the other one.
    """
    single = _strings(event.get("headers"), "headers", _value)
    multiple = _strings(event.get("multiValueHeaders"), "multiValueHeaders", _joined)
    return _in_lower_case(single) | _in_lower_case(multiple)


def _in_lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in headers.items():
        values.setdefault(name.lower(), []).append(value)
    return {name: ",".join(each) for name, each in values.items()}


def _query(kind: Kind, event: Event) -> Mapping[str, str]:
    if kind is Kind.SCF_URL and event.get("queryString"):
        return _scf_query(event["queryString"])
    single = _strings(event.get("queryStringParameters"), "queryStringParameters", _value)
    multiple = _strings(event.get("multiValueQueryStringParameters"), "multiValueQueryStringParameters", _last)
    query = single | multiple
    if not query and "rawQueryString" in event:
        return _decoded(_text(event["rawQueryString"], "rawQueryString"))
    if kind is Kind.ALB:
        # A load balancer passes the query on as it came.
        return {unquote_plus(name): unquote_plus(value) for name, value in query.items()}
    return query


def _scf_query(query: object) -> Mapping[str, str]:
    """An object in the vendor's sample; a text, or a list of values, could only mean the same."""
    if isinstance(query, str):
        return _decoded(query)
    return _strings(query, "queryString", _value_or_last)


def _decoded(query: str) -> Mapping[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _strings(part: object, name: str, read: Callable[[object, str], str]) -> dict[str, str]:
    if part is None:
        return {}
    if not isinstance(part, dict) or not all(isinstance(key, str) for key in part):
        raise BadInput(name, "is not an object")
    return {key: read(value, name) for key, value in part.items()}


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise BadInput(name, "is missing" if value is None else "is not a string")
    return value


def _value(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise BadInput(name, "holds a value that is not a string")
    return value


def _value_or_last(value: object, name: str) -> str:
    return _last(value, name) if isinstance(value, list) else _value(value, name)


def _joined(values: object, name: str) -> str:
    if not isinstance(values, list):
        raise BadInput(name, "holds a value that is not a list")
    return ",".join(_value(value, name) for value in values)


def _last(values: object, name: str) -> str:
    if not isinstance(values, list) or not values:
        raise BadInput(name, "holds a value that is not a list")
    return _value(values[-1], name)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge("body", f"is longer than {BODY_BYTES // 1024} KiB")
