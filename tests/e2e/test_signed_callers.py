"""Callers that sign, over real HTTP and the platforms' own runtimes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.backend import UPDATE, Backend, increase_body
from tests.e2e.clouds import DIALECTS, Platform, calling, started
from tests.e2e.instances import FunctionInstance
from tests.sandbox.caller import Answer
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.environment import made_up_secret
from tests.unit.triggers.http.signing import KEY, OTHER_KEY, signed_headers, whsec

BODY = increase_body("G", 5)


@pytest.fixture
def signers(platform: Platform, variables: dict[str, str], tmp_path: Path) -> Iterator[FunctionInstance]:
    """An instance whose one caller signs; it logs as much as it can, and none of it is a secret."""
    secret = {**made_up_secret(), "callers": [{"name": "signer", "token": whsec(KEY)}]}
    (tmp_path / "function" / "secret.json").write_text(json.dumps(secret), "utf-8")
    chosen = {"HTTP_AUTH": "signature", "POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_DEBUG": "true"}
    with started(platform, variables | chosen, tmp_path / "signers") as instance:
        yield instance
        assert whsec(KEY)[6:] not in instance.logs
        assert "v1," not in instance.logs


@pytest.fixture
def signer(signers: FunctionInstance, platform: Platform) -> Iterator[Backend]:
    with calling(signers, DIALECTS[platform]) as backend:
        yield backend


def increase(backend: Backend, key: bytes = KEY, body: bytes = BODY, beside: str | None = None) -> Answer:
    """Increase `like` by a request with the id `a`, signed now; `beside` is a key of its own header."""
    headers = signed_headers("a", BODY, key, f"{time.time():.0f}") | ({"Idempotency-Key": beside} if beside else {})
    return backend.send("POST", UPDATE, headers | {"Content-Type": "application/json"}, body)


def test_a_signed_increase_counts_once_whatever_is_lost_or_repeated(signer: Backend, chat: ChatServer) -> None:
    """The signed id is the key; a question signs an empty body and has an id of its own."""
    chat.plan([Fault("drop_after")])
    assert [increase(signer).status for _ in range(3)] == [200, 200, 200]
    question = signed_headers("q", b"", KEY, f"{time.time():.0f}")
    found = signer.send("GET", "/v1/operations?GroupId=G&IdempotencyKey=a", question)
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert chat.values("G")["like"] == 5


def test_what_was_not_signed_so_is_refused(signer: Backend, chat: ChatServer) -> None:
    """Another body, another secret, another key beside the signed one."""
    other = BODY.replace(b"5", b"6")
    answers = [increase(signer, body=other), increase(signer, OTHER_KEY), increase(signer, beside="b")]
    assert [answer.status for answer in answers] == [401, 401, 400]
    assert [answer.fields["accepted"] for answer in answers] == [False, False, False]
    assert chat.journal() == ()
