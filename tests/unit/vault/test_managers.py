"""References to secrets managers, and what is wrong about one before any service is asked."""

import logging

import pytest

from handler.core.errors import SecretUnavailable, SettingsError
from handler.redaction import drop_debug_logs, text_of, unavailable
from handler.vault.references import source_for
from tests.unit.missing import leave_out

CONTENT = '{"key": "nobody-may-see-this"}'
REGION = {"TENCENTCLOUD_REGION": "ap-guangzhou"}
AWS_FORM = "CHAT_SECRET: an aws: reference is aws:<name or ARN of a secret>"
TENCENT_FORM = "CHAT_SECRET: a tencent: reference is tencent:<name>[#<version>][?region=<region>]"


@pytest.mark.parametrize(
    "reference",
    [
        *(f"aws:{secret}" for secret in ("", " ", "a b", CONTENT, "arn:aws:secretsmanager:::secret:")),
        "aws:arn:aws:ssm:eu-west-1:123456789012:parameter/chat",
        *(f"tencent:{secret}" for secret in ("", "#v1", "chat#", "chat#v1#v2", "chat?", "chat?region=", CONTENT)),
        *("tencent:chat?version=v1", "tencent:chat?region=a&region=b"),
    ],
)
def test_what_names_no_secret_is_refused_without_being_shown(reference: str) -> None:
    """An unknown parameter is no slip to pass over: another version or region would be read."""
    with pytest.raises(SettingsError) as refusal:
        source_for(reference, REGION)
    assert str(refusal.value) == (AWS_FORM if reference.startswith("aws:") else TENCENT_FORM)


def test_an_arn_may_leave_out_the_six_characters_at_its_end() -> None:
    assert callable(source_for("aws:arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:chat", {}))


def test_a_secret_of_tencent_needs_a_region() -> None:
    with pytest.raises(SettingsError, match=r"by \?region= or in TENCENTCLOUD_REGION$"):
        source_for("tencent:chat", {})


@pytest.mark.parametrize(
    "endpoint", ["http://ssm.example.com", "http://127.0.0.1", "https://host/path", "127.0.0.1:1", "https://u:p@host"]
)
def test_another_endpoint_is_encrypted_or_this_machine(endpoint: str) -> None:
    """A session token would cross the network in the clear."""
    with pytest.raises(SettingsError) as refusal:
        source_for("tencent:chat", REGION | {"TENCENT_SSM_ENDPOINT": endpoint})
    assert str(refusal.value) == "TENCENT_SSM_ENDPOINT: must be https://<host> or http://127.0.0.1:<port>"


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        (REGION, "TENCENTCLOUD_SECRETID and TENCENTCLOUD_SECRETKEY"),
        (REGION | {"TENCENTCLOUD_SECRETID": "x"}, "TENCENTCLOUD_SECRETKEY"),
        (REGION | {"TENCENTCLOUD_SECRETID": "", "TENCENTCLOUD_SECRETKEY": "x"}, "TENCENTCLOUD_SECRETID"),
    ],
)
def test_missing_credentials_of_tencent_are_named(environ: dict[str, str], missing: str) -> None:
    """The function has no role, or the role was added after its instance was started."""
    problem = f"CHAT_SECRET: the secret in Tencent SSM cannot be read: {missing} not set"
    with pytest.raises(SecretUnavailable, match=f"^{problem}$"):
        source_for("tencent:chat", environ)()


def test_credentials_that_cannot_be_any_are_refused_by_the_sdk() -> None:
    environ = REGION | {"TENCENTCLOUD_SECRETID": " id", "TENCENTCLOUD_SECRETKEY": " key"}
    with pytest.raises(SecretUnavailable, match=r"cannot be read: InvalidCredential$"):
        source_for("tencent:chat", environ)()


@pytest.mark.parametrize(
    ("reference", "variable"), [("aws:a b", "LEDGER_URL"), ("tencent:chat", "LEDGER_URL"), ("tencent:", "CHAT_SECRET")]
)
def test_the_error_is_in_the_name_of_the_variable(reference: str, variable: str) -> None:
    """The ledger's address may be in a secrets manager, too."""
    with pytest.raises(SettingsError) as refusal:
        source_for(reference, {}, variable)()
    assert refusal.value.variable == variable


@pytest.mark.parametrize(("reference", "package"), [("aws:chat", "boto3"), ("tencent:chat", "tencentcloud")])
def test_an_sdk_that_is_not_installed_is_named(reference: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each platform brings its own; a function elsewhere has to pack the other one."""
    importers = (
        "handler.vault.aws",
        "handler.vault.tencent",
        "handler.clouds.aws",
        "handler.clouds.tencent",
        "aws_lambda_powertools.utilities.parameters",
    )
    leave_out(monkeypatch, package, *importers)
    scheme = reference.split(":", maxsplit=1)[0]
    said = f"^CHAT_SECRET: {scheme}: references need the package {package}, which is not there$"
    with pytest.raises(SettingsError, match=said):
        source_for(reference, REGION)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("ResourceNotFound.SecretNotExist", "ResourceNotFound.SecretNotExist"),
        ("AccessDeniedException", "AccessDeniedException"),
        ("", "an error without a code"),
        (CONTENT, "an error without a code"),
        ("a b", "an error without a code"),
    ],
)
def test_only_what_looks_like_a_code_is_shown(code: str, shown: str) -> None:
    """A text in its place may hold anything."""
    assert unavailable("a vault", code).problem == f"the secret in a vault cannot be read: {shown}"


def test_bytes_that_are_no_text_are_not_shown() -> None:
    """The error that says where they go wrong has them all."""
    with pytest.raises(SecretUnavailable, match=r"^the secret in a vault is not UTF-8$") as refusal:
        text_of(b"nobody-may-see-this\xff", "a vault")
    assert refusal.value.__suppress_context__


def test_debugging_of_a_hushed_logger_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.talkative")
    for _ in range(2):
        drop_debug_logs([logger.name])
    with caplog.at_level(logging.DEBUG):
        logger.debug(CONTENT)
        logger.warning("slow")
    assert ([record.getMessage() for record in caplog.records], len(logger.filters)) == (["slow"], 1)
