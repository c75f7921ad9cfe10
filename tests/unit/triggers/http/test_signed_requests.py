"""A signed request's key is its signed id, from the header to the ledger."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.triggers.http.auth import Callers
from handler.triggers.http.webhook_signature import Signature
from tests.unit.triggers.http.signing import KEY, NOW, secret_of, signed_headers, whsec
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


def test_an_operation_is_repeated_with_a_new_time_and_the_same_id(stage: Stage) -> None:
    """As a caller does after a lost reply; hours later it is still one operation."""
    post(stage, "k")
    stage.clock.moved_s = 7200.0
    later = signed_headers("k", body(), timestamp=f"{START + 7200:.0f}")
    assert stage.send("POST", UPDATE, later, body()).headers["idempotency-replayed"] == "true"
    assert stage.chat.groups["room"]["like"] == 5
