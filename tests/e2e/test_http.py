"""Real HTTP requests through the events and replies of every platform, to the runtime that it stands before."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.e2e.backend import UPDATE, Backend, increase_body
from tests.e2e.clouds import DIALECTS as OWN
from tests.e2e.clouds import Cloud, Platform, calling, started
from tests.e2e.instances import FunctionInstance
from tests.sandbox.caller import Answer
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.dialects import DIALECTS, Dialect
from tests.sandbox.environment import made_up_secret
from tests.unit.triggers.http.signing import KEY, OTHER_KEY, signed_headers, whsec


@pytest.fixture(params=DIALECTS)
def door(
    request: pytest.FixtureRequest,
    shared_chat: ChatServer,
    warm_instances: Mapping[Platform, FunctionInstance],
    group_numbers: Iterator[int],
) -> Iterator[Cloud]:
    """A warm instance behind a gateway of each dialect in turn, and a group whose name needs quoting."""
    dialect: Dialect = request.param
    instance = warm_instances["scf" if dialect == "scf" else "lambda"]
    group = f"room {next(group_numbers)} & =100%+/?"
    shared_chat.create_group(group)
    with calling(instance, dialect, group) as backend:
        yield Cloud(shared_chat, instance, backend, group)


def test_a_key_counts_once_and_its_answer_stays(door: Cloud) -> None:
    """It is sent once, whatever happens to the group in between, and with another content it is refused."""
    first, between, again = (door.backend.increase(key, value) for key, value in (("a", 5), ("b", 2), ("a", 5)))
    assert [answer.status for answer in (first, between, again)] == [200, 200, 200]
    assert first.headers["content-type"] == "application/json"
    assert first.fields == {
        "ActionStatus": "OK",
        "ErrorCode": 0,
        "ErrorInfo": "",
        "GroupCounter": [{"Key": "like", "Value": 5}],
    }
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert again.body == first.body
    assert door.backend.increase("a", 6).status == 422
    assert (door.like, door.updates) == (7, 2)


def test_the_location_of_a_202_leads_to_the_operation(door: Cloud) -> None:
    """It is relative, so that it holds behind any stage and base path."""
    accepted = door.backend.increase("later", 5, Prefer="respond-async")
    assert (accepted.status, int(accepted.headers["retry-after"]) >= 1) == (202, True)
    assert urljoin(f"/stage{UPDATE}", accepted.headers["location"]).startswith("/stage/v1/operations?")
    found = door.backend.follow(accepted)
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert door.like == 5


SIGNED = increase_body("G", 5)


@pytest.fixture
def signer(platform: Platform, variables: dict[str, str], tmp_path: Path) -> Iterator[Backend]:
    """A caller of an instance that knows none but it; what that logs, and it logs all it can, holds no secret."""
    secret = {**made_up_secret(), "callers": [{"name": "signer", "token": whsec(KEY)}]}
    (tmp_path / "function" / "secret.json").write_text(json.dumps(secret), "utf-8")
    chosen = {"HTTP_AUTH": "signature", "POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_DEBUG": "true"}
    with started(platform, variables | chosen, tmp_path / "signers") as instance:
        with calling(instance, OWN[platform]) as backend:
            yield backend
        assert whsec(KEY)[6:] not in instance.logs
        assert "v1," not in instance.logs


def increase(backend: Backend, key: bytes = KEY, body: bytes = SIGNED, beside: str | None = None) -> Answer:
    """Increase `like` by a request with the id `a`, signed now; `beside` is a key of its own header."""
    signed = signed_headers("a", SIGNED, key, f"{time.time():.0f}") | ({"Idempotency-Key": beside} if beside else {})
    return backend.send("POST", UPDATE, signed | {"Content-Type": "application/json"}, body)


def test_a_signed_increase_counts_once_whatever_is_lost_or_repeated(signer: Backend, chat: ChatServer) -> None:
    """The signed id is the key. Another body, another secret or another key beside the signed one is refused."""
    changed = SIGNED.replace(b"5", b"6")
    others = [increase(signer, body=changed), increase(signer, OTHER_KEY), increase(signer, beside="b")]
    assert [answer.status for answer in others] == [401, 401, 400]
    assert [answer.fields["accepted"] for answer in others] == [False, False, False]
    assert chat.journal() == ()
    chat.plan([Fault("drop_after")])
    assert [increase(signer).status for _ in range(3)] == [200, 200, 200]
    question = signed_headers("q", b"", KEY, f"{time.time():.0f}")
    found = signer.send("GET", "/v1/operations?GroupId=G&IdempotencyKey=a", question)
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert chat.values("G")["like"] == 5
