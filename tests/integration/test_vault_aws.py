"""Secrets read from AWS Secrets Manager by the real SDK, from MiniStack."""

import json
import time
from collections.abc import Callable, Iterator

import boto3
import pytest

from handler.core.errors import SecretUnavailable, SettingsError
from handler.vault.references import source_for
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.vaults import everything_logged, refusal_of
from tests.sandbox.aws_client import REGION
from tests.sandbox.ministack import MiniStack
from tests.sandbox.secrets_manager import SecretsManager

CONTENT = '{"key": "nobody-may-see-this"}'
ROTATED = '{"key": "nor-this"}'
SECRET_KEY = "made-up-secret-access-key"
SESSION_TOKEN = "made-up-session-token"
SECRETS = ("nobody-may-see-this", SECRET_KEY, SESSION_TOKEN)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("ministack"), "secretsmanager") as running:
        yield running


@pytest.fixture
def manager(stack: MiniStack) -> Iterator[SecretsManager]:
    with SecretsManager(stack.endpoint) as client:
        yield client


@pytest.fixture
def name(numbers: Iterator[int]) -> str:
    return f"prod/chat-{next(numbers)}"


@pytest.fixture(autouse=True)
def environment(stack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What a function has in its environment, and nothing that this machine has; it may be changed."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "ASIAMADEUP",
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": stack.endpoint,
    }.items():
        monkeypatch.setenv(variable, value)
    return monkeypatch


def refused(read: Callable[[], str]) -> str:
    """The code with which a secret cannot be read; nothing of what the SDK knows is shown."""
    return refusal_of(read, "AWS Secrets Manager", SECRETS)


def test_a_secret_is_read_by_its_name_and_by_its_arn(manager: SecretsManager, name: str) -> None:
    arn = manager.create(name, f" {CONTENT}\n")
    assert [source_for(f"aws:{name}", {})(), source_for(f"aws:{arn}", {}, "LEDGER_URL")()] == [CONTENT, CONTENT]


def test_an_arn_is_read_in_its_own_region(manager: SecretsManager, name: str, environment: pytest.MonkeyPatch) -> None:
    arn = manager.create(name, CONTENT)
    environment.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert source_for(f"aws:{arn}", {"AWS_REGION": "us-west-2"})() == CONTENT
    assert refused(source_for(f"aws:{name}", {"AWS_REGION": "us-west-2"})) == "ResourceNotFoundException"
    assert source_for(f"aws:{name}", {"AWS_REGION": REGION})() == CONTENT


def test_a_binary_secret_is_read_as_text(manager: SecretsManager, name: str) -> None:
    manager.create(name, CONTENT.encode())
    assert source_for(f"aws:{name}", {})() == CONTENT
    manager.put(name, b"nobody-may-see-this\xff")
    with pytest.raises(SecretUnavailable, match=r"^CHAT_SECRET: the secret in AWS Secrets Manager is not UTF-8$"):
        source_for(f"aws:{name}", {})()


def test_a_version_that_is_rotated_in_stages_is_read_when_it_is_current(manager: SecretsManager, name: str) -> None:
    manager.create(name, CONTENT)
    read = source_for(f"aws:{name}", {})
    pending = manager.put(name, ROTATED, stage="AWSPENDING")
    assert read() == CONTENT
    manager.promote(name, pending, instead_of=manager.current(name))
    assert read() == ROTATED


def test_a_deleted_secret_is_told_by_its_code(manager: SecretsManager, name: str) -> None:
    manager.create(name, CONTENT)
    read = source_for(f"aws:{name}", {})
    assert read() == CONTENT
    manager.delete(name)
    assert refused(read) == "InvalidRequestException"


@pytest.mark.parametrize("variable", ["CHAT_SECRET", "LEDGER_URL"])
def test_without_a_region_a_name_leads_nowhere(variable: str, name: str, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SettingsError, match=rf"^{variable}: the name of an aws: secret needs a region, in AWS_REGION$"):
        source_for(f"aws:{name}", {}, variable)()


def test_missing_credentials_may_come_later(
    manager: SecretsManager, name: str, environment: pytest.MonkeyPatch
) -> None:
    manager.create(name, CONTENT)
    read = source_for(f"aws:{name}", {})
    with pytest.MonkeyPatch.context() as without:
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            without.delenv(variable)
        assert refused(read) == "NoCredentialsError"
    assert read() == CONTENT


def test_a_wrong_endpoint_is_no_crash(name: str, environment: pytest.MonkeyPatch) -> None:
    """The SDK finds fault with it when its client is made."""
    environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "nonsense")
    assert refused(source_for(f"aws:{name}", {})) == "ValueError"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("400 Bad Request", "AccessDeniedException", "AccessDeniedException"),
        ("400 Bad Request", "ThrottlingException", "ThrottlingException"),
        ("500 Internal Server Error", "InternalServiceError", "InternalServiceError"),
        ("400 Bad Request", "nobody-may-see-this", "an error without a code"),
    ],
)
def test_a_refusal_is_told_by_its_code(status: str, kind: str, code: str, environment: pytest.MonkeyPatch) -> None:
    """The service's words, which here repeat what nobody may see, are not shown, and it is asked twice at most."""
    refusal = json.dumps({"__type": kind, "message": CONTENT}).encode()
    with ByteServer(answering(http(refusal, status=status))) as server:
        environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{server.address}")
        assert refused(source_for("aws:chat", {})) == code
        assert len(server.requests) <= 2


def test_a_connection_that_was_dropped_is_worth_a_second_attempt(environment: pytest.MonkeyPatch) -> None:
    """It may have been closed while the instance was frozen. Later reads go on over the one that answered."""
    content = json.dumps({"Name": "chat", "VersionId": "v", "SecretString": CONTENT}).encode()
    drops = iter([True])

    def manage(exchange: Exchange) -> None:
        while exchange.receive() is not None:
            if next(drops, False) or not exchange.send(http(content)):
                return

    with ByteServer(manage) as server:
        environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{server.address}")
        read = source_for("aws:chat", {})
        assert [read(), read(), read()] == [CONTENT] * 3
        assert [len(exchange.requests) for exchange in server.exchanges] == [1, 3]


def test_a_service_that_hangs_is_given_up_within_three_seconds(environment: pytest.MonkeyPatch) -> None:
    """Whoever waits for the secret has a timeout of its own."""
    with ByteServer(Exchange.wait) as server:
        environment.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{server.address}")
        read = source_for("aws:chat", {})
        begun = time.monotonic()
        assert refused(read) == "ReadTimeoutError"
        assert time.monotonic() - begun < 4


def test_nothing_secret_is_logged_even_at_debug_level(manager: SecretsManager, name: str) -> None:
    """Of all loggers that the SDK has, those that would show a secret are hushed."""
    manager.create(name, CONTENT)
    read = source_for(f"aws:{name}", {})
    with everything_logged() as written:
        assert read() == CONTENT
        refused(source_for("aws:missing", {}))
    assert "botocore" in written.getvalue() or "HTTP/1.1" in written.getvalue()
    assert [secret for secret in SECRETS if secret in written.getvalue()] == []


def test_the_session_that_is_given_makes_the_first_client_only(manager: SecretsManager, name: str) -> None:
    """It remembers its credentials, so after a failure a session of its own looks for those that have come since."""
    made: list[boto3.session.Session] = []

    def given() -> boto3.session.Session:
        made.append(boto3.session.Session())
        return made[-1]

    read = source_for(f"aws:{name}", {}, session=given)
    assert refused(read) == "ResourceNotFoundException"
    manager.create(name, CONTENT)
    assert [read(), read(), len(made)] == [CONTENT, CONTENT, 1]
