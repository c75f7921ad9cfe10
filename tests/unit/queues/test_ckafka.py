"""How pages go into a topic of CKafka, by the real SDK, and what is made of a request that was not taken whole."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from tencentcloud.common.credential import Credential

from handler.clouds.tencent import client_profile, role_credential
from handler.core.errors import NotAccepted, QueueUnavailable
from handler.core.ports.queue import Message
from handler.queues.ckafka import ENDPOINT_VARIABLE, MESSAGES_MAX, CkafkaQueue
from tests.integration.byte_server import ByteServer, answering, http
from tests.integration.wire import forget_environment
from tests.sandbox.ckafka import CkafkaServer
from tests.sandbox.tc3 import Credentials

REGION = "ap-guangzhou"
HUB = "datahub-meuh9nhn"
CREDENTIALS = Credentials("AKIDmadeup", "made-up-secret-key", "made-up-session-token")
FAILED = "the topic of FAN_OUT_QUEUE does not take every page: "


@pytest.fixture
def ckafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[CkafkaServer]:
    forget_environment(monkeypatch)
    with CkafkaServer(CREDENTIALS, REGION, HUB) as server:
        yield server


@pytest.fixture
def role() -> dict[str, str]:
    """The role's credentials in the environment; they may be changed."""
    return {
        "TENCENTCLOUD_SECRETID": CREDENTIALS.secret_id,
        "TENCENTCLOUD_SECRETKEY": CREDENTIALS.secret_key,
        "TENCENTCLOUD_SESSIONTOKEN": str(CREDENTIALS.token),
    }


def queue_at(address: str, role: dict[str, str]) -> CkafkaQueue:
    credential: Callable[[], Credential] = partial(role_credential, role, "pages cannot be sent")
    return CkafkaQueue(
        HUB, REGION, credential, client_profile({ENDPOINT_VARIABLE: f"http://{address}"}, ENDPOINT_VARIABLE)
    )


def messages(count: int) -> list[Message]:
    return [Message(f"page {number}") for number in range(count)]


@pytest.mark.parametrize(("count", "requests"), [(0, 0), (1, 1), (MESSAGES_MAX, 1), (MESSAGES_MAX + 1, 2)])
def test_messages_go_in_their_order_as_many_at_a_time_as_a_request_holds(
    ckafka: CkafkaServer, role: dict[str, str], count: int, requests: int
) -> None:
    queue_at(ckafka.address, role).send(messages(count))
    assert (ckafka.bodies, ckafka.requests) == ([f"page {number}" for number in range(count)], requests)


def test_a_refused_request_ends_the_sending(ckafka: CkafkaServer, role: dict[str, str]) -> None:
    ckafka.codes = ["RequestLimitExceeded"]
    with pytest.raises(QueueUnavailable, match=r"RequestLimitExceeded$"):
        queue_at(ckafka.address, role).send(messages(2 * MESSAGES_MAX))
    assert (ckafka.requests, ckafka.bodies) == (1, [])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"gibberish", "JSONDecodeError"),
        (b"{}", "KeyError"),
        (b'{"Response": {"RequestId": "r"}}', "KeyError"),
        (b'{"Response": {"MessageId": 5}}', "TypeError"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_receipt(
    answer: bytes, told: str, role: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands between the function and the service."""
    forget_environment(monkeypatch)
    with ByteServer(answering(http(answer, "Content-Type: application/json"))) as server:
        with pytest.raises(QueueUnavailable) as failure:
            queue_at(server.address, role).send(messages(1))
        assert str(failure.value) == FAILED + told


def test_credentials_are_those_of_the_moment(ckafka: CkafkaServer, role: dict[str, str]) -> None:
    """The platform replaces them before they expire."""
    queue = queue_at(ckafka.address, role)
    key, role["TENCENTCLOUD_SECRETKEY"] = role["TENCENTCLOUD_SECRETKEY"], "expired"
    with pytest.raises(QueueUnavailable, match="SignatureFailure"):
        queue.send(messages(1))
    role["TENCENTCLOUD_SECRETKEY"] = ""
    with pytest.raises(NotAccepted, match=r"^pages cannot be sent: TENCENTCLOUD_SECRETKEY not set$"):
        queue.send(messages(1))
    role["TENCENTCLOUD_SECRETKEY"] = key
    queue.send(messages(1))
    assert ckafka.bodies == ["page 0"]
