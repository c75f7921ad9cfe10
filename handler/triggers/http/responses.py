"""Every reply: what became of an operation, and what went wrong.

Problems are `application/problem+json` (RFC 9457), with the vendor's three fields beside. `write` puts a
reply into the form that each platform wants: they look for its headers in different places.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from handler.core.errors import (
    AppRefused,
    BadInput,
    BodyTooLarge,
    CounterError,
    LaterVersion,
    LedgerUnavailable,
    NotAccepted,
    NotPermitted,
    OutcomeUnknown,
    QuotaUsedUp,
    SecretUnavailable,
    SettingsError,
    TooManyCalls,
    Unauthorized,
)
from handler.core.model.outcome import (
    Applied,
    Frozen,
    KeyReused,
    Outcome,
    Pending,
    Rejected,
    Stalled,
    Unknown,
    state_of,
)
from handler.core.ports.error_codes import meaning_of
from handler.triggers.event_kind import Event, Kind

CONTENT_TYPE = "application/problem+json"

# In every reply: what became of an operation is for its caller alone, and no reply is a page or a script.
EVERYWHERE: Mapping[str, str] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

# A reply of this status has no body.
NO_CONTENT = 204

# From this status on a problem is the function's or its surroundings', not the caller's.
OURS = 500


class Reply(msgspec.Struct, frozen=True):
    """What goes back over HTTP; the body becomes JSON."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


class Case(msgspec.Struct, frozen=True):
    """One kind of problem. `then` is what a client does; `accepted`, whether the operation is, or may be, accepted."""

    status: int
    name: str
    title: str
    then: str
    accepted: bool = False

    @property
    def type(self) -> str:
        """The value of `type`, which is fixed."""
        return f"/problems/{self.name}"

    def reply(self, detail: str, *, code: int = 0, info: str = "", retry_after_s: float | None = None) -> Reply:
        """The reply to one occurrence; `code` and `info` are the vendor's, if it refused."""
        body = {
            "type": self.type,
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


_AGAIN = "Repeat with the same key after `Retry-After`."
_OPERATOR = (
    "Repeat with the same key, ever more rarely: the operator has to act. What was accepted is sent once the vendor "
    "serves the app again."
)

BAD_INPUT = Case(400, "bad-input", "Invalid input", "Mend what `field` names.")
BODY_TOO_LARGE = Case(413, "body-too-large", "The body is too large", "Send a body of at most 64 KiB.")
UNAUTHORIZED = Case(
    401, "unauthorized", "Unknown caller", "Check the token or the signature; `WWW-Authenticate` names the scheme."
)
NOT_PERMITTED = Case(
    403, "not-permitted", "The caller may not do this", "Stop: `field` is outside of what the caller may do."
)
NO_SUCH_ROUTE = Case(404, "no-such-route", "No route has this path", "Mend the path.")
WRONG_METHOD = Case(405, "wrong-method", "The path has another method", "Use a method that `Allow` names.")
NO_SUCH_OPERATION = Case(
    404,
    "no-such-operation",
    "Unknown operation",
    "Check the group and the key; an operation is known to its own caller only, for as long as answers are kept.",
)
KEY_REUSED = Case(
    422, "key-reused", "The idempotency key was used with other content", "Take a new key for new content."
)
REJECTED = Case(
    400,
    "rejected",
    "The vendor refused this operation for good",
    "Mend what `ErrorCode` names, then take a new key, because this one keeps its answer. 10010 and 10015: there is no "
    "such group; 10007: its type has no counters, or the account is no admin; 10063: it has 20 counters.",
    accepted=True,
)
TOO_MANY_CALLS = Case(429, "too-many-calls", "Too many calls", _AGAIN)
CALLER_RATE_EXCEEDED = Case(429, "caller-rate-exceeded", "Too many calls of this caller", _AGAIN)
NOT_ACCEPTED = Case(503, "not-accepted", "Nothing was accepted", _AGAIN)
SETTINGS = Case(
    503,
    "settings",
    "The function is not set up correctly",
    "Repeat with the same key, ever more rarely: the operator has to act.",
)
APP_REFUSED = Case(503, "app-refused", "The vendor refuses the whole app", _OPERATOR)
STALLED = Case(503, "app-refused", "The vendor refuses the whole app", _OPERATOR, accepted=True)
FROZEN = Case(
    503,
    "group-frozen",
    "The group is frozen until an operator decides",
    "Stop, and ask after the operation later: it stays owed, and an operator has to decide.",
    accepted=True,
)
OUTCOME_UNKNOWN = Case(
    503,
    "outcome-unknown",
    "The outcome is not known",
    f"{_AGAIN} Without that header, stop: this deployment has no receipts, and the call is never repeated.",
    accepted=True,
)

_CASES: Mapping[type[CounterError], Case] = {
    BadInput: BAD_INPUT,
    BodyTooLarge: BODY_TOO_LARGE,
    Unauthorized: UNAUTHORIZED,
    NotPermitted: NOT_PERMITTED,
    TooManyCalls: TOO_MANY_CALLS,
    QuotaUsedUp: CALLER_RATE_EXCEEDED,
    NotAccepted: NOT_ACCEPTED,
    AppRefused: APP_REFUSED,
    OutcomeUnknown: OUTCOME_UNKNOWN,
    SettingsError: SETTINGS,
    CounterError: OUTCOME_UNKNOWN,
}

# Errors of the function itself go to its log: their texts would name a variable, a path or a secret, and the caller may
# be unknown.
_DETAILS: Mapping[type[CounterError], str] = {
    SettingsError: "the function is not set up correctly; its log says what is wrong",
    SecretUnavailable: "the function cannot read its secret now; its log says why",
    LaterVersion: "a later version of the function has stored what this one cannot read; the group waits for that one",
    LedgerUnavailable: "the function cannot use its ledger now; its log says why",
}

_MAY_BE_ACCEPTED = "the operation may have been accepted; repeat it with the same key to find out"
_REFUSED = "refused for good and not counted; this key gets the same answer for as long as answers are kept"
_STALLED = "accepted; it is sent once the vendor serves the app again"

_ENCODER = json.JSONEncoder(separators=(",", ":"))

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


def wrong_method(allowed: str) -> Reply:
    """The reply to a method that the path does not have; `allowed` names those that it has."""
    return replace(WRONG_METHOD.reply(f"this path allows {allowed} only"), headers={"Allow": allowed})


def retry_after(seconds: float) -> dict[str, str]:
    """The header, in whole seconds and at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def of_outcome(outcome: Outcome, location: str) -> Reply:
    """The reply to the request itself; `location` is where the caller can ask about its operation."""
    if isinstance(outcome, Pending):
        headers = {"Location": location, **retry_after(outcome.retry_after_s)}
        return Reply(202, {"state": "pending", "accepted": True}, headers)
    reply = _of_final(outcome)
    if isinstance(outcome, Applied | Rejected | Unknown) and outcome.replayed:
        return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})
    return reply


def of_state(outcome: Outcome) -> Reply:
    """The reply to a question about an operation: 200 with its state, and with the stored answer beside it."""
    if isinstance(outcome, Pending):
        return Reply(200, {"state": "pending", "accepted": True}, retry_after(outcome.retry_after_s))
    answer, state = _of_final(outcome), state_of(outcome)
    # Without receipts an unknown outcome stays as it is, like that of a frozen group.
    body = {"state": "frozen" if state == "unknown" else state, **answer.body}
    if isinstance(outcome, Frozen | Unknown):
        body["reason"] = outcome.reason
    return Reply(200, body, answer.headers)


def _of_final(outcome: Applied | Rejected | Unknown | Stalled | Frozen | KeyReused) -> Reply:
    if isinstance(outcome, Applied):
        headers = {"Counter-Values": "observed-later"} if outcome.observed_later else {}
        return Reply(200, _vendors_body(outcome), headers)
    if isinstance(outcome, Rejected):
        case = replace(REJECTED, status=meaning_of(outcome.code).status)
        return case.reply(_REFUSED, code=outcome.code, info=outcome.info)
    if isinstance(outcome, Stalled):
        return STALLED.reply(_STALLED, code=outcome.code, info=outcome.info, retry_after_s=outcome.retry_after_s)
    if isinstance(outcome, Frozen):
        return FROZEN.reply(f"accepted; nothing is sent to this group until an operator decides: {outcome.reason}")
    if isinstance(outcome, KeyReused):
        return KEY_REUSED.reply("this key was used before with other content; use a new key")
    return OUTCOME_UNKNOWN.reply(f"the call is never repeated: {outcome.reason}")


def _vendors_body(applied: Applied) -> Mapping[str, object]:
    return {
        "ActionStatus": "OK",
        "ErrorCode": 0,
        "ErrorInfo": "",
        "GroupCounter": [{"Key": key, "Value": value} for key, value in applied.counters],
    }


def write(kind: Kind, event: Event, reply: Reply) -> dict[str, object]:
    """What the function returns for `event`. The body is ASCII, which every platform passes on as it is."""
    headers = {"Content-Type": reply.content_type, **EVERYWHERE, **reply.headers}
    body = "" if reply.status == NO_CONTENT else _ENCODER.encode(reply.body)
    written = {"statusCode": reply.status, "body": body, "isBase64Encoded": False}
    # A load balancer wants the style of its request.
    if kind is Kind.HTTP_V1 or (kind is Kind.ALB and isinstance(event.get("multiValueHeaders"), dict)):
        return {**written, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    if kind in {Kind.HTTP_V2, Kind.FUNCTION_URL}:
        return {**written, "headers": headers, "cookies": []}
    # SCF knows no lists (cloud.tencent.com/document/product/583/96099).
    return {**written, "headers": headers}
