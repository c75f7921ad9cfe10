"""Pages into a standard queue of SQS, by boto3. The function's role needs `sqs:SendMessage` on that queue.

Credentials, and the region where the URL names none, are found as boto3 finds them anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from botocore.exceptions import BotoCoreError, ClientError

from handler.clouds.aws import AwsSession, MakeSession, bounded, code_of
from handler.core.errors import QueueUnavailable
from handler.core.ports.queue import Message, requests

# What SQS takes in one SendMessageBatch.
MESSAGES_MAX = 10

# How long a request waits for a connection, and for an answer. boto3 may send one whose answer is lost again, since a
# page that is delivered twice counts nothing twice.
CONNECT_S = 2.0
READ_S = 5.0
ATTEMPTS = 3

# How often messages are sent that SQS has not taken while it took others of their request.
ROUNDS = 3


class SqsQueue:
    """A `Queue` behind the URL `url`. An endpoint is given where it is none of AWS's; `session` makes the client."""

    def __init__(
        self, url: str, *, region: str | None, endpoint: str | None, session: MakeSession = AwsSession
    ) -> None:
        self._url = url
        config = bounded(connect_s=CONNECT_S, read_s=READ_S, attempts=ATTEMPTS)
        try:
            self._client = session().client("sqs", region_name=region, endpoint_url=endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise _unavailable(type(error).__name__) from None

    def send(self, messages: Sequence[Message]) -> None:
        """Send all, ten at a time."""
        for request in requests(messages, MESSAGES_MAX):
            left, code = self._sent(request)
            for _ in range(ROUNDS - 1):
                left, code = self._sent(left) if left else (left, code)
            if left:
                raise _unavailable(code)

    def _sent(self, messages: Sequence[Message]) -> tuple[list[Message], str]:
        """Send one request; what was not taken of it, with the code of the first of those."""
        entries = [
            {"Id": str(place), "MessageBody": message.text, "DelaySeconds": message.delay_s}
            for place, message in enumerate(messages)
        ]
        try:
            answer: Mapping[str, object] = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except ClientError as error:
            raise _unavailable(code_of(error)) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None
        failed = cast("Sequence[Mapping[str, str]]", answer.get("Failed") or ())
        return [messages[int(each["Id"])] for each in failed], failed[0].get("Code", "") if failed else ""


def _unavailable(code: str) -> QueueUnavailable:
    return QueueUnavailable(f"the queue of FAN_OUT_QUEUE does not take every page: {code}")
