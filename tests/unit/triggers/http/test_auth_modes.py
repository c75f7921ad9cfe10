"""HTTP_AUTH chooses whose word is believed, from the environment to the reply."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler import bootstrap
from handler.main import lambda_handler, main_handler
from tests.sandbox.dialects import Dialect, event_of
from tests.sandbox.environment import TOKEN, made_up_secret, sandboxed_environment
from tests.unit.triggers.http.signing import KEY, OTHER_KEY, signed_headers, whsec

Event = dict[str, object]

UPDATE = "/v1/update_group_counter"
BODY = json.dumps({"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}).encode()
NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: no event here needs the API."""


@pytest.fixture(autouse=True)
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cold instance, and a secret with a caller that signs beside one that has a bearer token."""
    for name, value in sandboxed_environment(NOBODY, tmp_path).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "secret.json"
    write_callers(path, {"name": "bearer", "token": TOKEN}, {"name": "signer", "token": whsec(KEY)})
    bootstrap.reset()
    yield path
    bootstrap.reset()


def write_callers(path: Path, *callers: dict[str, str]) -> None:
    """Let the secret have these callers and no others."""
    path.write_text(json.dumps({**made_up_secret(), "callers": callers}))


def status(event: Event) -> object:
    """The status of the function's reply, which is the same at both entry points."""
    replies = [entry(event, None)["statusCode"] for entry in (lambda_handler, main_handler)]
    assert len(set(replies)) == 1
    return replies[0]


def update(dialect: Dialect, headers: dict[str, str]) -> Event:
    """An update that is accepted without a call."""
    return event_of(dialect, "POST", UPDATE, [*headers.items(), ("Prefer", "respond-async")], BODY)


def bearing() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k"}


def signing(key: bytes = KEY, away_s: float = 0.0) -> dict[str, str]:
    """A signature of this moment, or of one that is `away_s` from it."""
    return signed_headers("k", BODY, key, f"{time.time() + away_s:.0f}")


def identified(event: Event) -> Event:
    context = event["requestContext"]
    assert isinstance(context, dict)
    return {**event, "requestContext": {**context, "authorizer": {"principalId": "somebody"}}}


@pytest.mark.parametrize(("scheme", "expected"), [("bearer", (202, 401)), ("signature", (401, 202))])
def test_each_scheme_believes_its_own_proof_only(
    monkeypatch: pytest.MonkeyPatch, scheme: str, expected: tuple[int, int]
) -> None:
    """A token is no signature, and a signature no token."""
    monkeypatch.setenv("HTTP_AUTH", scheme)
    assert (status(update("http-v2", bearing())), status(update("http-v2", signing()))) == expected


def test_the_platform_is_believed_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_AUTH", "platform")
    everything = bearing() | signing()
    assert status(update("rest", everything)) == 401
    assert status(identified(update("rest", everything))) == 202


def test_a_platform_without_identities_is_told_to_the_operator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_AUTH", "platform")
    assert status(update("alb", bearing())) == 503
    assert "HTTP_AUTH: platform finds no identity in events of" in capsys.readouterr().out


@pytest.mark.parametrize("away_s", [-310.0, 310.0])
def test_the_clock_is_the_machines_own(monkeypatch: pytest.MonkeyPatch, away_s: float) -> None:
    monkeypatch.setenv("HTTP_AUTH", "signature")
    assert status(update("http-v2", signing(away_s=away_s))) == 401
    assert status(update("http-v2", signing(away_s=away_s * 0.9))) == 202


def test_a_secret_rotates_without_a_restart_and_without_a_second_count(
    monkeypatch: pytest.MonkeyPatch, secret_file: Path
) -> None:
    """Two callers of one name share their keys, so that a repetition with the new secret is a repetition."""
    monkeypatch.setenv("HTTP_AUTH", "signature")
    write_callers(secret_file, *({"name": "signer", "token": whsec(key)} for key in (KEY, OTHER_KEY)))
    assert [status(update("http-v2", signing(key))) for key in (KEY, OTHER_KEY)] == [202, 202]
    changed = event_of(
        "http-v2",
        "POST",
        UPDATE,
        list(signed_headers("k", BODY.replace(b"5", b"6"), OTHER_KEY, f"{time.time():.0f}").items()),
        BODY.replace(b"5", b"6"),
    )
    assert status(changed) == 422


def test_nothing_of_a_signature_reaches_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_AUTH", "signature")
    sent = [signing(), signing(OTHER_KEY), signing(away_s=1000.0)]
    replies = [lambda_handler(update("http-v2", headers), None) for headers in sent]
    written = str(replies) + capsys.readouterr().out
    assert not [headers for headers in sent if headers["webhook-signature"][3:] in written]
    assert whsec(KEY)[6:] not in written
