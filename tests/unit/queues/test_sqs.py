"""How pages go into a queue of SQS, by boto3, and what becomes of those that it does not take."""

import json
from collections.abc import Mapping, Sequence
from itertools import count

import pytest

from handler.core.errors import QueueUnavailable
from handler.core.ports.queue import Message
from handler.queues.sqs import ATTEMPTS, MESSAGES_MAX, ROUNDS, SqsQueue
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.wire import forget_environment
from tests.sandbox.aws_client import REGION

FAILED = "the queue of FAN_OUT_QUEUE does not take every page: "


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up credentials, and nothing that this machine has."""
    forget_environment(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")


class Sqs(ByteServer):
    """Takes everything but the texts in `refused`, each so many times, and keeps the texts of each request."""

    def __init__(self, refused: Mapping[str, int] | None = None, code: str = "InternalError") -> None:
        super().__init__(self._take)
        self.sent: list[list[str]] = []
        self.delays: list[int] = []
        self._refused = dict(refused or {})
        self._code = code

    def _take(self, exchange: Exchange) -> None:
        while request := exchange.receive():
            entries = json.loads(request.partition(b"\r\n\r\n")[2])["Entries"]
            texts = [entry["MessageBody"] for entry in entries]
            self.sent.append(texts)
            self.delays += [entry["DelaySeconds"] for entry in entries]
            failed = [place for place, text in enumerate(texts) if self._refused.get(text, 0) > 0]
            for place in failed:
                self._refused[texts[place]] -= 1
            told = [{"Id": str(place), "Code": self._code, "SenderFault": False} for place in failed]
            exchange.send(http(json.dumps({"Successful": [], "Failed": told}).encode()))


def send(server: ByteServer, texts: Sequence[str]) -> None:
    endpoint = f"http://{server.address}"
    queue = SqsQueue(f"{endpoint}/000000000000/pages", region=REGION, endpoint=endpoint)
    queue.send([Message(text, delay_s) for delay_s, text in enumerate(texts)])


def texts_of(number: int) -> list[str]:
    return [f"page {place}" for place in range(number)]


@pytest.mark.parametrize("number", [0, 1, MESSAGES_MAX, 2 * MESSAGES_MAX + 1])
def test_messages_go_in_their_order_ten_at_a_time(number: int) -> None:
    texts = texts_of(number)
    with Sqs() as server:
        send(server, texts)
    assert server.sent == [texts[first : first + MESSAGES_MAX] for first in range(0, number, MESSAGES_MAX)]
    assert server.delays == [*range(number)]


def test_what_was_not_taken_is_sent_again_before_the_next_request() -> None:
    """Alone, in as many rounds as there are."""
    texts = texts_of(MESSAGES_MAX + 1)
    with Sqs({texts[3]: ROUNDS - 1, texts[7]: 1}) as server:
        send(server, texts)
    assert server.sent == [texts[:MESSAGES_MAX], [texts[3], texts[7]], [texts[3]], texts[MESSAGES_MAX:]]


def test_what_is_not_taken_in_any_round_ends_the_sending() -> None:
    texts = texts_of(MESSAGES_MAX + 1)
    with Sqs({texts[3]: ROUNDS}, code="OverLimit") as server, pytest.raises(QueueUnavailable) as failure:
        send(server, texts)
    assert str(failure.value) == FAILED + "OverLimit"
    assert server.sent == [texts[:MESSAGES_MAX], *[[texts[3]]] * (ROUNDS - 1)]


def test_a_refusal_of_the_whole_request_is_told_by_its_code_alone() -> None:
    """The service's words may name the queue, and accounts."""
    refusal = json.dumps({"__type": "com.amazonaws.sqs#AccessDenied", "message": "hidden"}).encode()
    script = answering(http(refusal, status="400 Bad Request"))
    with ByteServer(script) as server, pytest.raises(QueueUnavailable) as failure:
        send(server, texts_of(1))
    assert str(failure.value) == FAILED + "AccessDenied"


def test_a_service_that_hangs_up_is_asked_again_before_it_is_given_up() -> None:
    """A request whose answer is lost may be sent again."""
    numbers = count(1)

    def script(exchange: Exchange) -> None:
        exchange.receive()
        if next(numbers) == ATTEMPTS:
            exchange.send(http(b'{"Successful": []}'))

    with ByteServer(script) as server:
        send(server, texts_of(1))
        with pytest.raises(QueueUnavailable) as failure:
            send(server, texts_of(1))
    assert str(failure.value) == FAILED + "ConnectionClosedError"
    assert len(server.requests) == 2 * ATTEMPTS


def test_an_endpoint_that_is_none_is_no_crash() -> None:
    """boto3 finds fault with it when the client is made."""
    with pytest.raises(QueueUnavailable) as failure:
        SqsQueue("https://host/000000000000/pages", region=REGION, endpoint="nonsense")
    assert str(failure.value) == FAILED + "ValueError"
