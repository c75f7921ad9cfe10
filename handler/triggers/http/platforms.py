"""A reply in the form that each platform wants: they look for its headers in different places."""

from __future__ import annotations

import json
from collections.abc import Mapping

from handler.triggers.event_kind import Event, Kind
from handler.triggers.http.responses import Reply


def write(kind: Kind, event: Event, reply: Reply) -> dict[str, object]:
    """What the function returns for `event`. The body is ASCII, which every platform passes on as it is."""
    headers = {"Content-Type": reply.content_type, **reply.headers}
    return with_headers(kind, event, headers, reply.status, json.dumps(reply.body, separators=(",", ":")))


def with_headers(
    kind: Kind, event: Event, headers: Mapping[str, str], status: int, body: str, *, is_base64: bool = False
) -> dict[str, object]:
    """The same, of its parts."""
    written = {"statusCode": status, "body": body, "isBase64Encoded": is_base64}
    # A load balancer wants the style of its request.
    if kind is Kind.HTTP_V1 or (kind is Kind.ALB and isinstance(event.get("multiValueHeaders"), dict)):
        return {**written, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    if kind in {Kind.HTTP_V2, Kind.FUNCTION_URL}:
        return {**written, "headers": headers, "cookies": []}
    # SCF knows no lists (cloud.tencent.com/document/product/583/96099).
    return {**written, "headers": headers}
