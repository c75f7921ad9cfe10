"""What became of an operation, as HTTP tells it: to the caller who asked for it, and to one who asks after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from handler.core.model.outcome import Applied, Frozen, KeyReused, Outcome, Pending, Rejected, Stalled, Unknown
from handler.triggers.http import responses
from handler.triggers.http.responses import Reply, retry_after

_Told: TypeAlias = Applied | Rejected | Unknown | Stalled | Frozen | KeyReused


def of_outcome(outcome: Outcome, location: str, http_status: Callable[[int], int]) -> Reply:
    """The reply to the request itself; `location` is where its operation can be asked after."""
    if isinstance(outcome, Pending):
        headers = {"Location": location, **retry_after(outcome.retry_after_s)}
        return Reply(202, {"state": "pending", "accepted": True}, headers)
    reply = _of_final(outcome, http_status)
    if isinstance(outcome, Applied | Rejected | Unknown) and outcome.replayed:
        return replace(reply, headers={**reply.headers, "Idempotency-Replayed": "true"})
    return reply


def of_state(outcome: Outcome, http_status: Callable[[int], int]) -> Reply:
    """The reply to a question after an operation: 200 with its state, and with the stored answer beside it."""
    if isinstance(outcome, Pending):
        return Reply(200, {"state": "pending", "accepted": True}, retry_after(outcome.retry_after_s))
    answer = _of_final(outcome, http_status)
    body = {"state": _state(outcome), **answer.body}
    if isinstance(outcome, Frozen | Unknown):
        body["reason"] = outcome.reason
    return Reply(200, body, answer.headers)


def _state(outcome: Outcome) -> str:
    if isinstance(outcome, Applied):
        return "applied"
    if isinstance(outcome, Rejected):
        return "rejected"
    # Without receipts an unknown outcome stays as it is, like a frozen group: nobody will ever find out.
    return "pending" if isinstance(outcome, Stalled) else "frozen"


def _of_final(outcome: _Told, http_status: Callable[[int], int]) -> Reply:
    if isinstance(outcome, Applied):
        headers = {"Counter-Values": "observed-later"} if outcome.observed_later else {}
        return Reply(200, _vendors_body(outcome), headers)
    if isinstance(outcome, Rejected):
        case = replace(responses.REJECTED, status=http_status(outcome.code))
        return case.reply(_REFUSED, code=outcome.code, info=outcome.info)
    if isinstance(outcome, Stalled):
        problem = responses.STALLED
        return problem.reply(_STALLED, code=outcome.code, info=outcome.info, retry_after_s=outcome.retry_after_s)
    if isinstance(outcome, Frozen):
        return responses.FROZEN.reply(f"accepted, but nothing is sent to this group until then: {outcome.reason}")
    if isinstance(outcome, KeyReused):
        return responses.KEY_REUSED.reply("the key came before with another content; use a new key")
    return responses.OUTCOME_UNKNOWN.reply(f"it is never repeated: {outcome.reason}")


_REFUSED = "refused for good and not counted; this key gets the same answer for as long as answers are kept"
_STALLED = "accepted and owed; it is sent once the vendor serves the app again"


def _vendors_body(applied: Applied) -> Mapping[str, object]:
    return {
        "ActionStatus": "OK",
        "ErrorCode": 0,
        "ErrorInfo": "",
        "GroupCounter": [{"Key": key, "Value": value} for key, value in applied.counters],
    }
