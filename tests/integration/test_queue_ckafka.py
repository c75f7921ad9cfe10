"""Pages sent into a topic of CKafka by the real SDK, to a local service that checks every signature."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from handler.core.errors import CounterError, NotAccepted, QueueUnavailable, SettingsError
from handler.main import main_handler
from tests.integration.counting import SHORT_LIVES, TIMEOUT_S, chat_with, likes, sweep, tick
from tests.integration.vaults import everything_logged
from tests.sandbox.chat import ChatServer
from tests.sandbox.ckafka import CkafkaServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import scf_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.kafka import Event, ckafka_event
from tests.sandbox.tc3 import Credentials

GROUPS = [f"room-{number:03}" for number in range(60)]
REGION = "ap-guangzhou"
HUB = "datahub-meuh9nhn"
CREDENTIALS = Credentials("AKIDmadeup", "made-up-secret-key", "made-up-session-token")
SECRETS = (CREDENTIALS.secret_key, str(CREDENTIALS.token), "Signature=")


@pytest.fixture
def ckafka() -> Iterator[CkafkaServer]:
    with CkafkaServer(CREDENTIALS, REGION, HUB) as server:
        yield server


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with(GROUPS) as server:
        yield server


@pytest.fixture
def variables(chat: ChatServer, ckafka: CkafkaServer, tmp_path: Path) -> Mapping[str, str]:
    """What a function on SCF is given. Half of its rate are ten calls a second."""
    role = {
        "TENCENTCLOUD_SECRETID": CREDENTIALS.secret_id,
        "TENCENTCLOUD_SECRETKEY": CREDENTIALS.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": str(CREDENTIALS.token),
        "TENCENTCLOUD_REGION": REGION,
        "TENCENT_CKAFKA_ENDPOINT": f"http://{ckafka.address}",
    }
    more = {"FAN_OUT_QUEUE": f"ckafka:{HUB}", "CHAT_CALLS_PER_SECOND": "20", **role, **SHORT_LIVES}
    return sandboxed_environment(chat.endpoint, tmp_path, **more)


@pytest.fixture(autouse=True)
def _function(variables: Mapping[str, str]) -> Iterator[None]:
    with cold_function(variables):
        yield


def invoke(event: Event) -> dict[str, object]:
    return main_handler(event, scf_context(TIMEOUT_S))


def refused(kind: type[CounterError]) -> str:
    """The error of a tick; it shows nothing secret, and neither does the log at any level."""
    with everything_logged() as written, pytest.raises(kind) as error:
        invoke(tick(*GROUPS))
    assert [secret for secret in SECRETS if secret in written.getvalue() + str(error.value)] == []
    return str(error.value)


def test_each_group_counts_once(ckafka: CkafkaServer, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its pages read twice, as after a batch whose end nobody heard of."""
    assert invoke(tick(*GROUPS)) == {"handed_on": 60, "pages": 6}
    assert ckafka.requests == 1
    monkeypatch.setenv("CHAT_CALLS_PER_SECOND", "100000")
    records = ckafka.records("pages")
    assert invoke(ckafka_event(records)) == {"accepted": 6, "parked": 0, "ignored": 0}
    assert invoke(ckafka_event(records)) == {"accepted": 6, "parked": 0, "ignored": 0}
    sweep()
    assert set(likes(chat, GROUPS).values()) == {3}


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "FailedOperation", "UnauthorizedOperation"])
def test_a_refusal_fails_the_tick_and_the_next_delivery_sends_it_again(ckafka: CkafkaServer, code: str) -> None:
    ckafka.codes = [code]
    assert refused(QueueUnavailable) == f"the topic of FAN_OUT_QUEUE does not take every page: {code}"
    assert invoke(tick(*GROUPS)) == {"handed_on": 60, "pages": 6}
    assert len(ckafka.bodies) == 6


def test_a_request_that_was_taken_in_part_is_sent_again(ckafka: CkafkaServer) -> None:
    ckafka.codes = ["half"]
    assert refused(QueueUnavailable).endswith("it has taken 3 of 6")
    invoke(tick(*GROUPS))
    assert len(ckafka.bodies) == 9


@pytest.mark.parametrize(
    ("variable", "value", "kind", "said"),
    [
        ("TENCENTCLOUD_SECRETKEY", "another", QueueUnavailable, "AuthFailure.SignatureFailure"),
        ("TENCENTCLOUD_SECRETID", "", NotAccepted, "pages cannot be sent: TENCENTCLOUD_SECRETID not set"),
        ("TENCENTCLOUD_REGION", "", SettingsError, "FAN_OUT_QUEUE: needs a region"),
        ("FAN_OUT_QUEUE", "ckafka:datahub-other", QueueUnavailable, "InvalidParameterValue"),
        ("FAN_OUT_QUEUE", "kafka", SettingsError, "FAN_OUT_QUEUE: must be"),
        ("TENCENT_CKAFKA_ENDPOINT", "http://127.0.0.1:1", QueueUnavailable, "ClientNetworkError"),
        ("TENCENT_CKAFKA_ENDPOINT", "ftp://host", SettingsError, "TENCENT_CKAFKA_ENDPOINT: must be"),
    ],
)
def test_what_keeps_pages_back_is_named(
    variable: str, value: str, kind: type[CounterError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert said in refused(kind)
