"""Which version of a secret is read from Tencent's SSM, and what is no secret, by the real SDK and a local service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from handler.core.errors import SecretUnavailable
from handler.vault.references import source_for
from tests.integration.byte_server import ByteServer, answering, http
from tests.integration.wire import forget_environment
from tests.sandbox.ssm import SsmRefusalError, SsmServer
from tests.sandbox.tc3 import Credentials

REGION = "ap-guangzhou"
CREDENTIALS = Credentials("AKIDmadeup", "made-up-secret-key", "made-up-session-token")

# The SDK asks the standard library for a time in a way that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SsmServer]:
    """The service, with three versions of one secret."""
    forget_environment(monkeypatch)
    with SsmServer(CREDENTIALS, REGION) as server:
        for number in (1, 3, 2):
            server.put("chat", f"v{number}", f"secret {number}", created_at=1_700_000_000 + number)
        yield server


def environ(address: str) -> Mapping[str, str]:
    """What SCF has in its environment, with the service at an address."""
    return {
        "TENCENTCLOUD_SECRETID": CREDENTIALS.secret_id,
        "TENCENTCLOUD_SECRETKEY": CREDENTIALS.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": str(CREDENTIALS.token),
        "TENCENTCLOUD_REGION": REGION,
        "TENCENT_SSM_ENDPOINT": f"http://{address}",
    }


def read(ssm: SsmServer, reference: str = "tencent:chat") -> str:
    return source_for(reference, environ(ssm.address))()


def test_the_newest_version_that_can_be_had_is_read(ssm: SsmServer) -> None:
    """Each time anew: those that are switched off are passed over, down to the oldest."""
    assert read(ssm) == "secret 3"
    ssm.switch("chat", "v3", on=False)
    assert read(ssm) == "secret 2"
    ssm.delete("chat", "v2")
    assert read(ssm) == "secret 1"
    ssm.switch("chat", "v1", on=False)
    with pytest.raises(SecretUnavailable, match=r"cannot be read: ResourceUnavailable\.ResourceDisabled$"):
        read(ssm)


def test_a_version_that_is_named_is_read_whatever_is_newer(ssm: SsmServer) -> None:
    assert read(ssm, "tencent:chat#v1") == "secret 1"
    ssm.switch("chat", "v1", on=False)
    with pytest.raises(SecretUnavailable, match=r"cannot be read: ResourceUnavailable\.ResourceDisabled$"):
        read(ssm, "tencent:chat#v1")


class Throttled(SsmServer):
    """The service lists versions, and refuses to give the first one out."""

    def answer(self, action: str, fields: Mapping[str, object]) -> dict[str, object]:
        if action == "GetSecretValue" and action not in self.actions:
            self.actions.append(action)
            raise SsmRefusalError("RequestLimitExceeded")
        return super().answer(action, fields)


def test_a_refusal_that_is_no_matter_of_the_version_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older secret must not pass for the newest because the service was asked too often."""
    forget_environment(monkeypatch)
    with Throttled(CREDENTIALS, REGION) as ssm:
        for number in (1, 2):
            ssm.put("chat", f"v{number}", f"secret {number}", created_at=number)
        with pytest.raises(SecretUnavailable, match=r"cannot be read: RequestLimitExceeded$"):
            read(ssm)
        assert ssm.actions == ["ListSecretVersionIds", "GetSecretValue"]
        assert read(ssm) == "secret 2"


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"secret 4", "secret 4"), ("  secret 4\n", "secret 4"), (b"\xef\xbb\xbfsecret 4", "secret 4")],
)
def test_a_secret_is_text_however_it_was_put_there(ssm: SsmServer, content: str | bytes, secret: str) -> None:
    """As bytes too, and with what editors leave around it."""
    ssm.put("chat", "v4", content)
    assert read(ssm) == secret


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"Response": {"Versions": []}}', "has no version"),
        (b'{"Response": {"Versions": [{"VersionId": "v1", "CreateTime": 1}]}}', "has no content"),
        (
            b'{"Response": {"Versions": [{"VersionId": "v1"}], "SecretBinary": "nobody-may-see-this"}}',
            "is not base64",
        ),
        (b'{"Response": {"Versions": [{"VersionId": "v1"}], "SecretBinary": "/w=="}}', "is not UTF-8"),
    ],
)
def test_an_answer_without_a_secret_in_it_is_told_for_what_it_is(answer: bytes, told: str) -> None:
    with ByteServer(answering(http(answer, "Content-Type: application/json"))) as server:
        source = source_for("tencent:chat", environ(server.address))
        with pytest.raises(SecretUnavailable) as refusal:
            source()
    assert refusal.value.problem == f"the secret in Tencent SSM {told}"
