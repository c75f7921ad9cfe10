"""What SQS takes of a request and what it does not, by boto3 and a server that answers as it is told."""

from __future__ import annotations

import json

import pytest

from handler.core.errors import QueueUnavailable
from handler.core.ports.queue import Message
from handler.queues.sqs import ROUNDS, SqsQueue
from tests.integration.byte_server import ByteServer, Exchange, http
from tests.sandbox.aws_client import REGION

MESSAGES = [Message("one"), Message("two", 7), Message("three")]


class Scripted:
    """SQS whose next answers are these, each the places in the request of what is not taken."""

    def __init__(self, *failed: tuple[int, ...]) -> None:
        self.sent: list[list[tuple[str, int]]] = []
        self._failed = iter(failed)

    def __call__(self, exchange: Exchange) -> None:
        while request := exchange.receive():
            entries = json.loads(request.partition(b"\r\n\r\n")[2])["Entries"]
            self.sent.append([(entry["MessageBody"], entry["DelaySeconds"]) for entry in entries])
            failed = [{"Id": str(place), "Code": "InternalError", "SenderFault": False} for place in next(self._failed)]
            exchange.send(http(json.dumps({"Successful": [], "Failed": failed}).encode()))


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")


def send(script: Scripted) -> None:
    with ByteServer(script) as server:
        endpoint = f"http://{server.address}"
        SqsQueue(f"{endpoint}/000000000000/pages", region=REGION, endpoint=endpoint).send(MESSAGES)


def test_all_go_in_one_request_with_their_delays() -> None:
    script = Scripted(())
    send(script)
    assert script.sent == [[("one", 0), ("two", 7), ("three", 0)]]


def test_what_was_not_taken_is_sent_again_alone() -> None:
    script = Scripted((1, 2), (1,), ())
    send(script)
    assert script.sent[1:] == [[("two", 7), ("three", 0)], [("three", 0)]]


def test_what_is_never_taken_is_told_with_its_code() -> None:
    """After some rounds; the timer's event is then repeated."""
    script = Scripted(*[(0,)] * ROUNDS)
    with pytest.raises(QueueUnavailable, match=r"^the queue of FAN_OUT_QUEUE does not take every page: InternalError$"):
        send(script)
    assert script.sent[1:] == [[("one", 0)]] * (ROUNDS - 1)
