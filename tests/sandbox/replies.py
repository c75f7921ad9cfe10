"""What a caller gets to see of a request: the API's answer, or what a fault makes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.sandbox.codes import OK, RefusalError
from tests.sandbox.faults import Fault, Kind

Ending = Literal[
    "sent",  # The reply goes out whole.
    "cut",  # The connection is closed in the middle of the body.
    "closed",  # The connection is closed without a reply.
    "reset",  # The connection is reset without a reply.
]

_HTML: Final = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Result:
    """The API's own answer: its ErrorCode, its ErrorInfo and, for an update or a read that went well, the counters."""

    code: int
    info: str = ""
    counters: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out on the connection. `code` is the ErrorCode that the caller can read from it, if it can."""

    ending: Ending
    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    code: int | None = None


_WITHOUT_ANSWER: Final[Mapping[Kind, Reply]] = {
    "drop_before": Reply("closed"),
    "drop_after": Reply("closed"),
    "late": Reply("closed"),
    "reset_before": Reply("reset"),
    "reset_after": Reply("reset"),
    "bad_gateway_before": Reply("sent", status=502, content_type="text/html", body=_HTML),
    "bad_gateway_after": Reply("sent", status=502, content_type="text/html", body=_HTML),
    "html_body": Reply("sent", content_type="text/html", body=_HTML),
}
"""The faults under which the caller sees nothing of the API's answer."""


def reply_to(result: Result | None, fault: Fault | None) -> Reply:
    """The reply to a request; `result` is `None` if the API never dealt with it."""
    if fault is not None:
        return _faulty(result, fault)
    if result is None:
        raise ValueError("a request that no fault kept from the API has a result")
    return answered(result)


def answered(result: Result) -> Reply:
    """The API's answer as it is: HTTP 200, whatever the code."""
    return Reply("sent", body=_encoded(result), code=result.code)


def refused(refusal: RefusalError) -> Reply:
    """The answer to a request that is refused."""
    return answered(Result(refusal.code, refusal.info))


def _faulty(result: Result | None, fault: Fault) -> Reply:
    if fault.kind in _WITHOUT_ANSWER:
        return _WITHOUT_ANSWER[fault.kind]
    if fault.kind == "code":
        return refused(RefusalError(fault.code))
    if result is not None and fault.kind == "missing_receipt":
        result = _without(result, fault.key)
    reply = reply_to(result, None)
    return replace(reply, ending="cut", code=None) if fault.kind == "cut_body" else reply


def _without(result: Result, key: str | None) -> Result:
    if key is None or result.counters is None:
        return replace(result, counters=None)
    return replace(result, counters={name: value for name, value in result.counters.items() if name != key})


def _encoded(result: Result) -> bytes:
    fields: dict[str, object] = {
        "ActionStatus": "OK" if result.code == OK else "FAIL",
        "ErrorCode": result.code,
        "ErrorInfo": result.info,
    }
    if result.counters is not None:
        fields["GroupCounter"] = [{"Key": key, "Value": value} for key, value in result.counters.items()]
    return json.dumps(fields, ensure_ascii=False).encode()
