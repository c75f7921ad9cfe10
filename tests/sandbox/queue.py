"""A standard queue of SQS with a dead-letter queue behind it, by boto3."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from tests.sandbox.aws_client import AwsClient

MESSAGES: Final = 10
"""The most messages in one request to SQS."""


class Message(TypedDict):
    """A message as SQS hands it out."""

    MessageId: str
    ReceiptHandle: str
    MD5OfBody: str
    Body: str
    Attributes: dict[str, str]


def message(name: str, body: str) -> Message:
    """One that was sent just now, delivered for the first time."""
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(time.time() * 1000))}
    return Message(MessageId=name, ReceiptHandle="handle", MD5OfBody="0" * 32, Body=body, Attributes=attributes)


class Sqs(AwsClient):
    """SQS at `endpoint`. Use it in a `with` block."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("sqs", endpoint)

    def ask(self, operation: str, **request: object) -> dict[str, object]:
        """Send one request; ValueError if it was carried out in part only, else boto3's errors."""
        answer = super().ask(operation, **request)
        if answer.get("Failed"):
            raise ValueError(f"{operation} failed in part: {answer['Failed']}")
        return answer


class Queue:
    """A queue whose messages come back `visibility_s` whole seconds after they were received and not deleted.

    A message that has been received `most_receives` times goes to the dead-letter queue instead.
    """

    def __init__(self, sqs: Sqs, name: str, *, visibility_s: int = 1, most_receives: int = 3) -> None:
        self._sqs = sqs
        self._dead = self._create(f"{name}-dead", {})
        redrive = {"deadLetterTargetArn": self._attributes(self._dead)["QueueArn"], "maxReceiveCount": most_receives}
        wanted = {"VisibilityTimeout": str(visibility_s), "RedrivePolicy": json.dumps(redrive)}
        self.url = self._create(name, wanted)
        self.arn = self._attributes(self.url)["QueueArn"]

    def send(self, bodies: Sequence[str]) -> None:
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        for start in range(0, len(entries), MESSAGES):
            self._sqs.ask("send_message_batch", QueueUrl=self.url, Entries=entries[start : start + MESSAGES])

    def receive(self, wait_s: int) -> list[Message]:
        """At most ten messages; an empty list after `wait_s` whole seconds without any."""
        return self._receive(self.url, wait_s)

    def delete(self, messages: Sequence[Message]) -> None:
        entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(messages)]
        for start in range(0, len(entries), MESSAGES):
            self._sqs.ask("delete_message_batch", QueueUrl=self.url, Entries=entries[start : start + MESSAGES])

    def left(self) -> int:
        """How many messages are in the queue, those that are being worked on too."""
        attributes = self._attributes(self.url)
        return sum(int(attributes[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible", "Delayed"))

    def dead(self) -> list[str]:
        """The bodies of at most ten messages in the dead-letter queue; who asks at once again gets others, or none."""
        return [message["Body"] for message in self._receive(self._dead, 0)]

    def _create(self, name: str, attributes: Mapping[str, str]) -> str:
        return str(self._sqs.ask("create_queue", QueueName=name, Attributes=attributes)["QueueUrl"])

    def _attributes(self, url: str) -> dict[str, str]:
        answer = self._sqs.ask("get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
        return TypeAdapter(dict[str, str]).validate_python(answer["Attributes"])

    def _receive(self, url: str, wait_s: int) -> list[Message]:
        limits = {"MaxNumberOfMessages": MESSAGES, "WaitTimeSeconds": wait_s}
        answer = self._sqs.ask("receive_message", QueueUrl=url, AttributeNames=["All"], **limits)
        return TypeAdapter(list[Message]).validate_python(answer.get("Messages", []))
