"""How a secret is asked of AWS Secrets Manager by the real SDK, and what an answer makes of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

import boto3
import pytest

from handler.core.errors import SecretUnavailable, SettingsError
from handler.vault.aws import ATTEMPTS
from handler.vault.references import source_for
from tests.integration.byte_server import ByteServer, Exchange, http
from tests.integration.wire import forget_environment

REGION = "eu-west-1"
ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:chat-A1b2C3"
HIDDEN = "nobody-may-see-this"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What a function has in its environment, and nothing that this machine has; it may be changed."""
    forget_environment(monkeypatch)
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", HIDDEN)
    return monkeypatch


class Manager(ByteServer):
    """The service gives these answers one after the other, the last one again and again."""

    def __init__(self, environment: pytest.MonkeyPatch, *answers: bytes | None) -> None:
        super().__init__(self._manage)
        environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{self.address}")
        self._answers: Sequence[bytes | None] = answers

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The secrets that were asked for, each with the region that the request was signed for."""
        parts = [request.partition(b"\r\n\r\n") for request in self.requests]
        signed_for = [re.search(rb"Credential=[^/]+/[0-9]+/([a-z0-9-]+)/", head) for head, _, _ in parts]
        regions = [found[1].decode() if found else "" for found in signed_for]
        return [(json.loads(body)["SecretId"], region) for (_, _, body), region in zip(parts, regions, strict=True)]

    def _manage(self, exchange: Exchange) -> None:
        while exchange.receive() is not None:
            answer, self._answers = self._answers[0], self._answers[1:] or self._answers
            if answer is None or not exchange.send(answer):
                return


def secret(**content: str) -> bytes:
    """An answer with a secret in it."""
    return http(json.dumps({"Name": "chat", "VersionId": "v", **content}).encode())


def refusal(code: str) -> bytes:
    """An answer that says no, in words that show what nobody may see."""
    return http(json.dumps({"__type": code, "message": HIDDEN}).encode(), status="400 Bad Request")


def test_a_secret_is_asked_for_anew_each_time_over_one_connection(environment: pytest.MonkeyPatch) -> None:
    """What was rotated is read at once, and only the first time pays for a client."""
    with Manager(environment, secret(SecretString=" first\n"), secret(SecretString="second")) as manager:
        read = source_for("aws:chat", {"AWS_REGION": REGION})
        assert [read(), read()] == ["first", "second"]
        assert len(manager.exchanges) == 1


def test_an_arn_is_asked_for_in_its_own_region_and_a_name_in_the_functions(environment: pytest.MonkeyPatch) -> None:
    with Manager(environment, secret(SecretString="s")) as manager:
        for reference in ("aws:chat", f"aws:{ARN}"):
            assert source_for(reference, {"AWS_REGION": REGION})() == "s"
        assert manager.asked == [("chat", REGION), (ARN, "us-west-2")]


def test_a_binary_secret_is_read_as_text(environment: pytest.MonkeyPatch) -> None:
    contents = [base64.b64encode(content).decode() for content in (b"binary", b"\xff" + HIDDEN.encode())]
    with Manager(environment, *(secret(SecretBinary=content) for content in contents)):
        read = source_for("aws:chat", {"AWS_REGION": REGION})
        assert read() == "binary"
        with pytest.raises(SecretUnavailable, match=r"^the secret in AWS Secrets Manager is not UTF-8$"):
            read()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([refusal("AccessDeniedException")], "AccessDeniedException"),
        ([refusal(HIDDEN)], "an error without a code"),
        # A connection that may have been closed while the instance was frozen is worth a second attempt.
        ([None] * ATTEMPTS, "ConnectionClosedError"),
    ],
)
def test_what_went_wrong_is_told_by_its_code_and_the_next_read_begins_anew(
    environment: pytest.MonkeyPatch, answers: list[bytes | None], code: str
) -> None:
    with Manager(environment, *answers, secret(SecretString="s")) as manager:
        read = source_for("aws:chat", {"AWS_REGION": REGION})
        with pytest.raises(SecretUnavailable, match=f"^the secret in AWS Secrets Manager cannot be read: {code}$"):
            read()
        assert len(manager.requests) == len(answers)
        assert read() == "s"


def test_a_name_without_a_region_is_a_fault_of_the_settings() -> None:
    """In the name of the variable that has it."""
    with pytest.raises(SettingsError, match=r"^LEDGER_URL: the name of an aws: secret needs a region, in AWS_REGION$"):
        source_for("aws:chat", {}, "LEDGER_URL")()


def test_an_endpoint_that_is_none_is_no_crash(environment: pytest.MonkeyPatch) -> None:
    """The SDK finds fault with it when its client is made."""
    environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "nonsense")
    with pytest.raises(SecretUnavailable, match=r"cannot be read: ValueError$"):
        source_for("aws:chat", {"AWS_REGION": REGION})()


def test_the_session_that_is_given_makes_the_first_client_only(environment: pytest.MonkeyPatch) -> None:
    """It remembers its credentials, and whoever comes back after a failure has to find those that have come since."""
    made: list[boto3.session.Session] = []

    def given() -> boto3.session.Session:
        made.append(boto3.session.Session())
        return made[-1]

    with Manager(environment, refusal("ExpiredTokenException"), secret(SecretString="s")):
        read = source_for("aws:chat", {"AWS_REGION": REGION}, session=given)
        with pytest.raises(SecretUnavailable, match="ExpiredTokenException"):
            read()
        assert [read(), read(), len(made)] == ["s", "s", 1]
