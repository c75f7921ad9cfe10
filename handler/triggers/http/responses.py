"""What can go wrong, as HTTP tells it: `application/problem+json` (RFC 9457) with the vendor's three fields beside."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from handler.core.errors import (
    AppRefused,
    BadInput,
    BodyTooLarge,
    CounterError,
    LedgerUnavailable,
    NotAccepted,
    OutcomeUnknown,
    SecretUnavailable,
    SettingsError,
    TooManyCalls,
    Unauthorized,
)

CONTENT_TYPE = "application/problem+json"

# From this status on a problem is the function's or its surroundings', not the caller's.
OURS = 500


class Reply(msgspec.Struct, frozen=True):
    """What goes back over HTTP; the body becomes JSON."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


class Case(msgspec.Struct, frozen=True):
    """One kind of problem. `accepted` says whether the operation is, or may be, taken on."""

    status: int
    name: str
    title: str
    accepted: bool = False

    def reply(self, detail: str, *, code: int = 0, info: str = "", retry_after_s: float | None = None) -> Reply:
        """Tell of one occurrence; `code` and `info` are the vendor's, where it had a say."""
        body = {
            "type": f"/problems/{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": detail,
            "accepted": self.accepted,
            "ActionStatus": "FAIL",
            "ErrorCode": code,
            "ErrorInfo": info or detail,
        }
        headers = {} if retry_after_s is None else retry_after(retry_after_s)
        return Reply(self.status, body, headers, CONTENT_TYPE)


BAD_INPUT = Case(400, "bad-input", "The input means nothing")
BODY_TOO_LARGE = Case(413, "body-too-large", "The body is too large")
UNAUTHORIZED = Case(401, "unauthorized", "The caller is not known")
NO_SUCH_ROUTE = Case(404, "no-such-route", "There is nothing at this path")
WRONG_METHOD = Case(405, "wrong-method", "The path is served by another method")
NO_SUCH_OPERATION = Case(404, "no-such-operation", "No such operation is known")
KEY_REUSED = Case(422, "key-reused", "The idempotency key belongs to another content")
REJECTED = Case(400, "rejected", "The vendor refused this operation for good", accepted=True)
TOO_MANY_CALLS = Case(429, "too-many-calls", "Too many calls now")
NOT_ACCEPTED = Case(503, "not-accepted", "Nothing could be accepted now")
SETTINGS = Case(503, "settings", "The function's settings are wrong")
APP_REFUSED = Case(503, "app-refused", "The vendor refuses the whole app")
STALLED = Case(503, "app-refused", "The vendor refuses the whole app", accepted=True)
FROZEN = Case(503, "group-frozen", "The group waits for an operator", accepted=True)
OUTCOME_UNKNOWN = Case(503, "outcome-unknown", "It is not known what became of the operation", accepted=True)

_CASES: Mapping[type[CounterError], Case] = {
    BadInput: BAD_INPUT,
    BodyTooLarge: BODY_TOO_LARGE,
    Unauthorized: UNAUTHORIZED,
    TooManyCalls: TOO_MANY_CALLS,
    NotAccepted: NOT_ACCEPTED,
    AppRefused: APP_REFUSED,
    OutcomeUnknown: OUTCOME_UNKNOWN,
    SettingsError: SETTINGS,
    CounterError: OUTCOME_UNKNOWN,
}

# What is wrong with the function itself is told in its log: these texts would name a variable, a path or a secret, and
# the caller may be one that is not known yet.
_DETAILS: Mapping[type[CounterError], str] = {
    SettingsError: "the function is not set up correctly; its log names what is wrong",
    SecretUnavailable: "the function's secret cannot be had now; its log tells why",
    LedgerUnavailable: "the ledger cannot be used now; the function's log tells why",
}

# How soon a caller may repeat, with the same key, what may or may not have been accepted.
UNKNOWN_RETRY_S = 1.0


def of_error(error: Exception) -> Reply:
    """The reply to an error. One that is not ours may have come after an acceptance, so it claims nothing."""
    if not isinstance(error, CounterError):
        return OUTCOME_UNKNOWN.reply(_MAY_BE_ACCEPTED, retry_after_s=UNKNOWN_RETRY_S)
    case = next(_CASES[kind] for kind in type(error).__mro__ if kind in _CASES)
    if isinstance(error, AppRefused):
        return case.reply(str(error), code=error.code, info=error.info, retry_after_s=error.retry_after_s)
    detail = _DETAILS.get(type(error), str(error))
    if isinstance(error, NotAccepted):
        return case.reply(detail, retry_after_s=error.retry_after_s)
    if isinstance(error, BadInput):
        reply = case.reply(str(error))
        return replace(reply, body={**reply.body, "field": error.field})
    if isinstance(error, Unauthorized):
        return replace(case.reply(str(error)), headers={"WWW-Authenticate": error.challenge})
    if case is OUTCOME_UNKNOWN:
        return case.reply(_MAY_BE_ACCEPTED, retry_after_s=UNKNOWN_RETRY_S)
    return case.reply(detail)


def wrong_method(allow: Mapping[str, str]) -> Reply:
    """The reply to a method that the path does not have; `allow` is the header that names those it has."""
    return replace(WRONG_METHOD.reply(f"this path is served by {allow['Allow']} only"), headers=allow)


_MAY_BE_ACCEPTED = "the operation may have been accepted; repeat it with the same key to find out"


def retry_after(seconds: float) -> dict[str, str]:
    """The header, in whole seconds and at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
