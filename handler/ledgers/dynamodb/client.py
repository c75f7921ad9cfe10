"""The client of DynamoDB: boto3's, made at its first use, shared by threads, and never by a child with its parent."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TypeAlias

import boto3
from botocore.client import BaseClient
from botocore.config import Config

# DynamoDB answers within some milliseconds, so whoever waits this long for a connection, or for an answer, waits for
# something that is broken.
CONNECT_S = 1.0
READ_S = 1.0

# As many calls at once as the function has workers, and some to spare; more would open connections and drop them.
CONNECTIONS = 50

# At debug level these show the session token, and whole requests and answers.
TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers")

Session: TypeAlias = Callable[[], boto3.session.Session]


class Client:
    """Makes one client per process by a session of `session`, and prepares it by `prepare` before its first call.

    Credentials are found as boto3 finds them anywhere. Retries are off: after a write whose answer was lost only the
    ledger knows what to do.
    """

    def __init__(
        self,
        region: str | None,
        endpoint: str | None,
        session: Session,
        prepare: Callable[[BaseClient], None],
    ) -> None:
        self._region = region
        self._endpoint = endpoint
        self._session = session
        self._prepare = prepare
        self._lock = threading.Lock()
        self._made: BaseClient | None = None
        _begin_anew_after_forks(self)

    def call(self, operation: str, request: Mapping[str, object]) -> Mapping[str, object]:
        """Send one request, once, by boto3's name for it; raises the SDK's errors."""
        answer: Mapping[str, object] = getattr(self._client(), operation)(**request)
        return answer

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def begin_anew(self) -> None:
        """Forget the parent's connections without touching them, and its lock, which nobody here could let go of."""
        self._lock = threading.Lock()
        self._made = None

    def _client(self) -> BaseClient:
        with self._lock:
            if self._made is None:
                made = self._connect()
                self._prepare(made)
                self._made = made
            return self._made

    def _connect(self) -> BaseClient:
        retries = {"mode": "standard", "total_max_attempts": 1}
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries=retries,
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
        )
        return self._session().client("dynamodb", region_name=self._region, endpoint_url=self._endpoint, config=config)


def _begin_anew_after_forks(client: Client) -> None:
    """A socket that parent and child both write to mixes up their requests."""
    alive = weakref.ref(client)

    def after() -> None:
        if target := alive():
            target.begin_anew()

    # Windows cannot fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after)
