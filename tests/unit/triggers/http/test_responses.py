"""Each outcome and each error has one status, one fixed type, and says whether the operation is accepted."""

import json

import pytest

from handler.core import errors
from handler.core.model.outcome import Applied, Frozen, KeyReused, Outcome, Pending, Rejected, Stalled, Unknown
from handler.triggers.http import responses
from handler.triggers.http.responses import Reply, of_outcome, of_state

VENDORS_BODY = {"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupCounter": [{"Key": "like", "Value": 5}]}
PROBLEM_FIELDS = ["type", "title", "status", "detail", "accepted", "ActionStatus", "ErrorCode", "ErrorInfo"]
APPLIED = Applied((("like", 5),))


def reply_to(outcome: Outcome) -> Reply:
    """The reply to a request that had this outcome."""
    return of_outcome(outcome, "operations?GroupId=room&IdempotencyKey=k")


@pytest.mark.parametrize(
    ("outcome", "headers"),
    [
        (APPLIED, {}),
        (Applied((("like", 5),), replayed=True), {"Idempotency-Replayed": "true"}),
        (Applied((("like", 5),), observed_later=True), {"Counter-Values": "observed-later"}),
    ],
)
def test_applied_is_the_vendors_body_and_nothing_else(outcome: Outcome, headers: dict[str, str]) -> None:
    assert reply_to(outcome) == Reply(200, VENDORS_BODY, headers, "application/json")


def test_a_refusal_for_good_has_the_status_of_its_code() -> None:
    reply = reply_to(Rejected(10063, "the vendor's words", replayed=True))
    assert (reply.status, reply.body["status"], reply.body["type"]) == (409, 409, "/problems/rejected")
    assert [reply.body[name] for name in PROBLEM_FIELDS[-3:]] == ["FAIL", 10063, "the vendor's words"]
    assert reply.body["accepted"] is True
    assert reply.headers == {"Idempotency-Replayed": "true"}


@pytest.mark.parametrize(
    ("outcome", "status", "name", "accepted", "headers"),
    [
        (KeyReused(), 422, "key-reused", False, {}),
        (Stalled(60020, "arrears", 3.0), 503, "app-refused", True, {"Retry-After": "3"}),
        (Frozen("a foreign write"), 503, "group-frozen", True, {}),
        (Unknown("the reply was lost"), 503, "outcome-unknown", True, {}),
        (Unknown("lost", replayed=True), 503, "outcome-unknown", True, {"Idempotency-Replayed": "true"}),
    ],
)
def test_every_other_outcome_is_a_problem(
    outcome: Outcome, status: int, name: str, accepted: bool, headers: dict[str, str]
) -> None:
    reply = reply_to(outcome)
    assert (reply.status, reply.body["type"], reply.body["accepted"]) == (status, f"/problems/{name}", accepted)
    assert reply.headers == headers
    assert reply.content_type == "application/problem+json"
    assert list(reply.body) == PROBLEM_FIELDS


@pytest.mark.parametrize(
    ("outcome", "state", "headers"),
    [
        (APPLIED, "applied", {}),
        (Applied((("like", 5),), observed_later=True, replayed=True), "applied", {"Counter-Values": "observed-later"}),
        (Rejected(10010, "no such group", replayed=True), "rejected", {}),
        (Pending(2.0), "pending", {"Retry-After": "2"}),
        (Stalled(60020, "arrears", 0.2), "pending", {"Retry-After": "1"}),
        (Frozen("a foreign write"), "frozen", {}),
        (Unknown("the reply was lost"), "frozen", {}),
    ],
)
def test_a_question_is_answered_with_a_state(outcome: Outcome, state: str, headers: dict[str, str]) -> None:
    reply = of_state(outcome)
    assert (reply.status, reply.body["state"], reply.content_type) == (200, state, "application/json")
    assert reply.headers == headers


def test_the_stored_answer_stands_beside_its_state() -> None:
    assert of_state(APPLIED).body == {"state": "applied", **VENDORS_BODY}
    rejected = of_state(Rejected(10010, "no such group")).body
    assert (rejected["status"], rejected["ErrorCode"], rejected["ErrorInfo"]) == (404, 10010, "no such group")
    assert of_state(Frozen("a foreign write")).body["reason"] == "a foreign write"
    unknown = of_state(Unknown("the reply was lost")).body
    assert (unknown["type"], unknown["reason"]) == ("/problems/outcome-unknown", "the reply was lost")


@pytest.mark.parametrize(
    ("error", "status", "name", "accepted", "retry_after"),
    [
        (errors.BadInput("Mode", "is wrong"), 400, "bad-input", False, None),
        (errors.UnknownEvent("event", "is unknown"), 400, "bad-input", False, None),
        (errors.BodyTooLarge("body", "is longer"), 413, "body-too-large", False, None),
        (errors.Unauthorized("no caller"), 401, "unauthorized", False, None),
        (errors.TooManyCalls("the row is full", 2.0), 429, "too-many-calls", False, "2"),
        (errors.LedgerUnavailable("the ledger is closed"), 503, "not-accepted", False, "1"),
        (errors.SecretUnavailable("no secret", 0.0), 503, "not-accepted", False, "1"),
        (errors.AppRefused(60020, "arrears", 7.1), 503, "app-refused", False, "8"),
        (errors.OutcomeUnknown("the answer was lost"), 503, "outcome-unknown", True, "1"),
        (errors.AnswerLost("the answer was lost"), 503, "outcome-unknown", True, "1"),
        (errors.SettingsError("WAIT_S", "is wrong"), 503, "settings", False, None),
        (errors.CounterError("of no kind"), 503, "outcome-unknown", True, "1"),
        (KeyError("sandbox-token"), 503, "outcome-unknown", True, "1"),
    ],
)
def test_every_error_is_a_problem(
    error: Exception, status: int, name: str, accepted: bool, retry_after: str | None
) -> None:
    """One that is not ours may have come after an acceptance, so it never says that nothing was accepted."""
    reply = responses.of_error(error)
    assert (reply.status, reply.body["type"], reply.body["accepted"]) == (status, f"/problems/{name}", accepted)
    assert reply.headers.get("Retry-After") == retry_after
    assert [*reply.body][: len(PROBLEM_FIELDS)] == PROBLEM_FIELDS
    assert "sandbox-token" not in json.dumps(reply.body)
