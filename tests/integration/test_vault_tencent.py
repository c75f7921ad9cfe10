"""Secrets read from Tencent's Secrets Manager by the real SDK, from a local one that checks every signature."""

import time
from collections.abc import Callable, Iterator

import pytest

from handler.core.errors import SecretUnavailable
from handler.vault.references import source_for
from tests.integration.byte_server import ByteServer, answering, http
from tests.integration.vaults import everything_logged, refusal_of
from tests.sandbox.ssm import SsmServer, Trouble
from tests.sandbox.tc3 import Credentials, TencentRefusalError

CONTENT = '{"key": "nobody-may-see-this"}'
ROTATED = '{"key": "nor-this"}'
REGION = "ap-guangzhou"
CREDENTIALS = Credentials("AKIDmadeup", "made-up-secret-key", "made-up-session-token")
SECRETS = (CONTENT, "nobody-may-see-this", "made-up-secret-key", "made-up-session-token", "Signature=")


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SsmServer]:
    """The service, with two versions of one secret."""
    with SsmServer(CREDENTIALS, REGION) as server:
        server.put("chat", "v1", CONTENT, created_at=1_700_000_000)
        server.put("chat", "v2", ROTATED, created_at=1_700_000_060)
        yield server


@pytest.fixture
def environ(ssm: SsmServer) -> dict[str, str]:
    """What SCF has in its environment; it may be changed."""
    return {
        "TENCENTCLOUD_SECRETID": CREDENTIALS.secret_id,
        "TENCENTCLOUD_SECRETKEY": CREDENTIALS.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": str(CREDENTIALS.token),
        "TENCENTCLOUD_REGION": REGION,
        "TENCENT_SSM_ENDPOINT": f"http://{ssm.address}",
    }


def refused(read: Callable[[], str]) -> str:
    """The code with which a secret cannot be read; nothing of what the SDK knows is shown."""
    return refusal_of(read, "Tencent SSM", SECRETS)


def test_without_a_version_the_newest_is_read(ssm: SsmServer, environ: dict[str, str]) -> None:
    read = source_for("tencent:chat", environ)
    assert read() == ROTATED
    ssm.put("chat", "v3", f" {CONTENT}\n")
    assert read() == CONTENT
    assert ssm.actions == ["ListSecretVersionIds", "GetSecretValue"] * 2


def test_the_newest_is_told_by_its_time(ssm: SsmServer, environ: dict[str, str]) -> None:
    """Neither by its name nor by its place in the list."""
    ssm.put("chat", "v9", CONTENT, created_at=1_600_000_000)
    assert source_for("tencent:chat", environ)() == ROTATED


def test_of_two_versions_of_one_second_the_first_in_the_list_is_read(ssm: SsmServer, environ: dict[str, str]) -> None:
    """The service lists the newer one first."""
    ssm.put("twins", "a", CONTENT, created_at=1_700_000_000)
    ssm.put("twins", "b", ROTATED, created_at=1_700_000_000)
    assert source_for("tencent:twins", environ)() == ROTATED


def test_a_fixed_version_stays(ssm: SsmServer, environ: dict[str, str]) -> None:
    assert source_for("tencent:chat#v1", environ)() == CONTENT
    assert ssm.actions == ["GetSecretValue"]


def test_a_disabled_or_deleted_version_is_passed_over(ssm: SsmServer, environ: dict[str, str]) -> None:
    """The newest enabled one is meant; a version that is named is not replaced by another."""
    ssm.switch("chat", "v2", on=False)
    assert source_for("tencent:chat", environ)() == CONTENT
    assert refused(source_for("tencent:chat#v2", environ)) == "ResourceUnavailable.ResourceDisabled"
    ssm.switch("chat", "v2", on=True)
    assert source_for("tencent:chat", environ)() == ROTATED
    ssm.delete("chat", "v2")
    assert source_for("tencent:chat", environ)() == CONTENT
    assert refused(source_for("tencent:chat#v2", environ)) == "ResourceNotFound"


class Throttled(SsmServer):
    """The service lists versions, and refuses to give the first one out."""

    def answer(self, action: str, fields: dict[str, object]) -> dict[str, object]:
        if action == "GetSecretValue" and action not in self.actions:
            self.actions.append(action)
            raise TencentRefusalError("RequestLimitExceeded")
        return super().answer(action, fields)


def test_a_refusal_that_is_no_matter_of_the_version_ends_the_search(environ: dict[str, str]) -> None:
    """An older secret must not pass for the newest because the service was asked too often."""
    with Throttled(CREDENTIALS, REGION) as server:
        for number in (1, 2):
            server.put("chat", f"v{number}", (CONTENT, ROTATED)[number - 1], created_at=number)
        read = source_for("tencent:chat", environ | {"TENCENT_SSM_ENDPOINT": f"http://{server.address}"})
        assert refused(read) == "RequestLimitExceeded"
        assert server.actions == ["ListSecretVersionIds", "GetSecretValue"]
        assert read() == ROTATED


def test_a_secret_all_of_which_is_disabled_says_so(ssm: SsmServer, environ: dict[str, str]) -> None:
    for version in ("v1", "v2"):
        ssm.switch("chat", version, on=False)
    assert refused(source_for("tencent:chat", environ)) == "ResourceUnavailable.ResourceDisabled"


@pytest.mark.parametrize("reference", ["tencent:none", "tencent:none#v1"])
def test_a_missing_secret_is_told_by_its_code(reference: str, environ: dict[str, str], ssm: SsmServer) -> None:
    read = source_for(reference, environ)
    assert refused(read) == "ResourceNotFound.SecretNotExist"
    ssm.put("none", "v1", CONTENT)
    assert read() == CONTENT


def test_a_binary_secret_is_read_as_text(ssm: SsmServer, environ: dict[str, str]) -> None:
    for content in (CONTENT.encode(), b"\xef\xbb\xbf" + CONTENT.encode()):
        ssm.put("chat", "v3", content)
        assert source_for("tencent:chat", environ)() == CONTENT
    ssm.put("chat", "v4", b"nobody-may-see-this\xff", created_at=2_000_000_000)
    with pytest.raises(SecretUnavailable, match=r"^CHAT_SECRET: the secret in Tencent SSM is not UTF-8$"):
        source_for("tencent:chat", environ)()


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("TENCENTCLOUD_SECRETKEY", "another", "AuthFailure.SignatureFailure"),
        ("TENCENTCLOUD_SECRETID", "another", "AuthFailure.SecretIdNotFound"),
        ("TENCENTCLOUD_SESSIONTOKEN", "another", "AuthFailure.TokenFailure"),
        ("TENCENTCLOUD_SESSIONTOKEN", "", "AuthFailure.TokenFailure"),
    ],
)
def test_wrong_credentials_are_told_by_their_code(
    variable: str, value: str, code: str, environ: dict[str, str]
) -> None:
    """The service's words repeat what it was sent, and are not shown."""
    assert refused(source_for("tencent:chat", environ | {variable: value})) == code


def test_credentials_are_taken_from_the_environment_of_the_moment(ssm: SsmServer, environ: dict[str, str]) -> None:
    """The platform replaces them before they expire."""
    read = source_for("tencent:chat", environ)
    assert read() == ROTATED
    ssm.credentials = Credentials("AKIDother", "other-key", "other-token")
    assert refused(read) == "AuthFailure.SecretIdNotFound"
    new = {"SECRETID": "AKIDother", "SECRETKEY": "other-key", "SESSIONTOKEN": "other-token"}
    environ |= {f"TENCENTCLOUD_{name}": value for name, value in new.items()}
    assert read() == ROTATED


def test_lasting_credentials_have_no_token(ssm: SsmServer, environ: dict[str, str]) -> None:
    ssm.credentials = Credentials(CREDENTIALS.secret_id, CREDENTIALS.secret_key)
    del environ["TENCENTCLOUD_SESSIONTOKEN"]
    assert source_for("tencent:chat", environ)() == ROTATED


def test_a_clock_that_is_wrong_is_told_by_its_code(ssm: SsmServer, environ: dict[str, str]) -> None:
    ssm.clock = lambda: time.time() + 301
    assert refused(source_for("tencent:chat", environ)) == "AuthFailure.SignatureExpire"


def test_the_region_of_the_reference_comes_first(environ: dict[str, str]) -> None:
    elsewhere = environ | {"TENCENTCLOUD_REGION": "ap-tokyo"}
    assert refused(source_for("tencent:chat", elsewhere)) == "UnsupportedRegion"
    assert source_for(f"tencent:chat?region={REGION}", elsewhere)() == ROTATED
    assert source_for(f"tencent:chat#v1?region={REGION}", elsewhere)() == CONTENT


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("hang up", "ClientNetworkError"),
        ("hang", "ClientNetworkError"),
        ("error", "ServerNetworkError"),
        ("throttle", "RequestLimitExceeded"),
    ],
)
def test_a_service_in_trouble_is_asked_once_within_three_seconds_and_read_when_it_is_back(
    trouble: Trouble, code: str, ssm: SsmServer, environ: dict[str, str]
) -> None:
    """Asking over and over is not for the fetch to decide, and whoever waits for the secret has a timeout too."""
    read = source_for("tencent:chat", environ)
    ssm.trouble = trouble
    begun = time.monotonic()
    assert refused(read) == code
    assert time.monotonic() - begun < 4
    assert ssm.actions == []
    ssm.trouble = None
    assert read() == ROTATED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"gibberish", "cannot be read: JSONDecodeError"),
        (b"{}", "cannot be read: KeyError"),
        (b'{"Response": {}}', "has no content"),
        (b'{"Response": {"SecretBinary": "nobody-may-see-this"}}', "is not base64"),
        ('{"Response": {"SecretBinary": "nobody-may-see-this-\u00e9"}}'.encode(), "is not base64"),
        (b'{"Response": {"SecretBinary": ["nobody-may-see-this"]}}', "is not base64"),
        (b'{"Response": 5}', "cannot be read: TypeError"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_secret(body: bytes, said: str, environ: dict[str, str]) -> None:
    """Whatever stands between the function and the service."""
    with ByteServer(answering(http(body, "Content-Type: application/json"))) as server:
        environ["TENCENT_SSM_ENDPOINT"] = f"http://{server.address}"
        with pytest.raises(SecretUnavailable) as refusal:
            source_for("tencent:chat#v1", environ)()
    assert refusal.value.problem == f"CHAT_SECRET: the secret in Tencent SSM {said}"


def test_a_secret_without_a_version_says_so(environ: dict[str, str]) -> None:
    """The list may be empty, or not be there."""
    with ByteServer(answering(http(b'{"Response": {"Versions": null}}', "Content-Type: application/json"))) as server:
        environ["TENCENT_SSM_ENDPOINT"] = f"http://{server.address}"
        with pytest.raises(SecretUnavailable, match=r"^CHAT_SECRET: the secret in Tencent SSM has no version$"):
            source_for("tencent:chat", environ)()


def test_nothing_secret_is_logged_even_at_debug_level(ssm: SsmServer, environ: dict[str, str]) -> None:
    """The SDK would log each request with its token, and each answer with the secret in it."""
    with everything_logged() as written:
        assert source_for("tencent:chat", environ)() == ROTATED
        refused(source_for("tencent:none", environ))
    assert "HTTP/1.1" in written.getvalue()
    assert [secret for secret in (*SECRETS, "nor-this") if secret in written.getvalue()] == []


@pytest.mark.parametrize("time", ['"yesterday"', "[]", "null", "1e400", "true"])
def test_a_list_whose_times_make_no_sense_is_read_in_its_order(environ: dict[str, str], time: str) -> None:
    """Else the secret that is known could not be kept: what goes wrong has to be told as no secret."""
    listed = f'{{"Response": {{"Versions": [{{"VersionId": "v1", "CreateTime": {time}}}], "SecretString": "s"}}}}'
    with ByteServer(answering(http(listed.encode(), "Content-Type: application/json"))) as server:
        environ["TENCENT_SSM_ENDPOINT"] = f"http://{server.address}"
        assert source_for("tencent:chat", environ)() == "s"


def test_a_source_shows_nothing_of_the_environment(environ: dict[str, str]) -> None:
    """The credentials of the role are in it."""
    shown = repr(source_for("tencent:chat", environ))
    assert [secret for secret in SECRETS if secret in shown] == []
