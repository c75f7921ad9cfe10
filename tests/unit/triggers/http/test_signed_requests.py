"""A signed request's key is its signed id, from the header to the ledger."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.triggers.http.auth import Callers
from handler.triggers.http.webhook_signature import Signature
from tests.unit.triggers.http.signing import KEY, NOW, OTHER_KEY, secret_of, signed_headers, whsec
from tests.unit.triggers.stage import CALLER, START, UPDATE, Seen, Stage, body


@pytest.fixture
def stage() -> Stage:
    """The whole function behind the scheme, with a group `room` and one caller that signs with KEY."""
    stage = Stage()
    stage.vault.secret = stage.vault.fresh = secret_of((CALLER, whsec(KEY)))
    stage.http = replace(stage.http, authenticator=Signature(Callers(stage.vault, stage.told), stage.clock))
    return stage


def post(stage: Stage, key: str = "k", **beside: str) -> Seen:
    """A signed update; `beside` are other headers, with underscores for hyphens."""
    headers = signed_headers(key, body()) | {name.replace("_", "-"): value for name, value in beside.items()}
    return stage.send("POST", UPDATE, headers | {"Content-Type": "application/json"}, body())


def test_a_question_signs_an_empty_body(stage: Stage) -> None:
    target = "/v1/operations?GroupId=room&IdempotencyKey=k"
    assert stage.send("GET", target, signed_headers("ask-1")).status == 404
    assert stage.send("GET", target, signed_headers("ask-1", b"x")).status == 401


@pytest.mark.parametrize("beside", ["k", '"k"', " k ", ""])
def test_an_idempotency_key_may_repeat_the_signed_id(stage: Stage, beside: str) -> None:
    """Bare or quoted; an empty header is none."""
    assert post(stage, "k", idempotency_key=beside).status == 200


@pytest.mark.parametrize("beside", ["other", "K", '"other"', "two words", '"half', "k,k"])
def test_an_idempotency_key_that_differs_is_refused(stage: Stage, beside: str) -> None:
    assert post(stage, "k").status == 200
    seen = post(stage, "k", idempotency_key=beside)
    assert (seen.status, seen.body["field"], seen.body["accepted"]) == (400, "Idempotency-Key", False)
    assert stage.chat.groups["room"]["like"] == 5


@pytest.mark.parametrize("message_id", ["k" * 256, "two words", '"half'])
def test_a_signed_id_that_is_no_key_is_refused(stage: Stage, message_id: str) -> None:
    """The caller is known, and its input is not good: 400, not 401."""
    seen = post(stage, message_id)
    assert (seen.status, seen.body["field"], stage.chat.calls) == (400, "webhook-id", 0)


def test_the_signed_bytes_cannot_be_split_into_another_update(stage: Stage) -> None:
    """A full stop in an id or a body lets them be split elsewhere, but what is then the body is no update."""
    inner = body(GroupId=f"x.{NOW}.{{")
    message_id = f"a.{NOW}"
    headers = signed_headers(message_id, inner)
    whole = f"{message_id}.{NOW}.{inner.decode()}"
    places = [place for place in range(len(whole)) if whole.startswith(f".{NOW}.", place)]
    assert len(places) == 3
    statuses = []
    for place in places:
        split = headers | {"webhook-id": whole[:place]}
        statuses.append(stage.send("POST", UPDATE, split, whole[place + len(NOW) + 2 :].encode()).status)
    assert sorted(statuses) == [400, 400, 404]
    assert stage.chat.groups == {"room": {}}


def test_a_key_belongs_to_the_caller_that_signed(stage: Stage) -> None:
    """The same id by another caller is another operation."""
    stage.vault.secret = secret_of((CALLER, whsec(KEY)), ("other", whsec(OTHER_KEY)))
    post(stage, "k")
    seen = stage.send("POST", UPDATE, signed_headers("k", body(), OTHER_KEY), body())
    assert "idempotency-replayed" not in seen.headers
    assert stage.chat.groups["room"]["like"] == 10


def test_an_operation_is_repeated_with_a_new_time_and_the_same_id(stage: Stage) -> None:
    """As a caller does after a lost reply; hours later it is still one operation."""
    post(stage, "k")
    stage.clock.moved_s = 7200.0
    later = signed_headers("k", body(), timestamp=f"{START + 7200:.0f}")
    assert stage.send("POST", UPDATE, later, body()).headers["idempotency-replayed"] == "true"
    assert stage.chat.groups["room"]["like"] == 5


def test_the_callers_right_comes_before_the_size_of_the_body(stage: Stage) -> None:
    """401 for a stranger, 413 for a caller."""
    large = b" " * 65_537
    assert stage.send("POST", UPDATE, signed_headers("k", large, OTHER_KEY), large).status == 401
    assert stage.send("POST", UPDATE, signed_headers("k", large), large).status == 413
