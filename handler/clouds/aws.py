"""What all clients of AWS share: a session of boto3, how long they wait, and logs that show no credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from handler.redaction import drop_debug_logs

# At debug level these show the session token, what was signed, and whole requests and answers.
LOGGERS_WITH_SECRETS = ("botocore.auth", "botocore.endpoint", "botocore.parsers")

MakeSession: TypeAlias = Callable[[], boto3.session.Session]


class AwsSession:
    """Makes clients: the second one finds read what the first one had to read.

    It makes one at a time. Threads may share a client, but boto3 does not let them make two at once.
    """

    def __init__(self) -> None:
        drop_debug_logs(LOGGERS_WITH_SECRETS)
        self._session = boto3.session.Session()
        self._one_at_a_time = threading.Lock()

    def client(self, service: str, **options: object) -> BaseClient:
        """Make a client; the options are those of a session of boto3."""
        with self._one_at_a_time:
            return self._session.client(service, **options)


def bounded(*, connect_s: float, read_s: float, attempts: int, **options: object) -> Config:
    """The configuration of a client that waits this long for a connection and for an answer, and tries this often."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    return Config(connect_timeout=connect_s, read_timeout=read_s, retries=retries, **options)


def code_of(error: ClientError) -> str:
    """The code of a service's refusal; empty where it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))
