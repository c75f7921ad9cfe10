"""One session of boto3 for all clients of an instance: the second client finds read what the first one had to read."""

from __future__ import annotations

import threading

import boto3
from botocore.client import BaseClient


class AwsSession:
    """Makes one client at a time: threads may share a client, but boto3 does not let them make two at once."""

    def __init__(self) -> None:
        self._session = boto3.session.Session()
        self._one_at_a_time = threading.Lock()

    def client(self, service: str, **options: object) -> BaseClient:
        """Make a client, told as a session of boto3 is."""
        with self._one_at_a_time:
            return self._session.client(service, **options)
