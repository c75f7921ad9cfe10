"""Pages into a standard queue of SQS, by boto3. The function's role needs `sqs:SendMessage` on that queue.

Credentials, and the region where the URL names none, are found as boto3 finds them anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from handler.core.errors import QueueUnavailable
from handler.core.ports.queue import Message, requests

# What SQS takes in one SendMessageBatch.
MESSAGES_MAX = 10

# Whoever sends waits no longer than this for a connection, and for an answer. A request whose answer is lost may be
# sent again, since a page that is delivered twice counts nothing twice; boto3 does so by itself.
CONNECT_S = 2.0
READ_S = 5.0
ATTEMPTS = 3

# At debug level these show the session token, and whole requests and answers.
TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers")

# How often messages are sent that SQS has not taken while it took others of their request.
ROUNDS = 3


class SqsQueue:
    """A `Queue` behind the URL `url`. An endpoint is given where it is none of AWS's."""

    def __init__(self, url: str, *, region: str | None, endpoint: str | None) -> None:
        self._url = url
        retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        config = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=retries)
        try:
            self._client = boto3.session.Session().client(
                "sqs", region_name=region, endpoint_url=endpoint, config=config
            )
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
            raise _unavailable(str(error.response.get("Error", {}).get("Code", ""))) from None
        except BotoCoreError as error:
            raise _unavailable(type(error).__name__) from None
        failed = cast("Sequence[Mapping[str, str]]", answer.get("Failed") or ())
        return [messages[int(each["Id"])] for each in failed], failed[0].get("Code", "") if failed else ""


def _unavailable(code: str) -> QueueUnavailable:
    return QueueUnavailable(f"the queue of FAN_OUT_QUEUE does not take every page: {code}")
