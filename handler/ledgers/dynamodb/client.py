"""The client of DynamoDB: boto3's, made at its first use and shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from botocore.client import BaseClient

from handler.clouds.aws import MakeSession, bounded
from handler.core.ports.system import Timed

# DynamoDB answers within some milliseconds, so after this long a connection, or an answer, is not going to come.
CONNECT_S = 1.0
READ_S = 1.0

# As many calls at once as the function has workers, and some to spare; more would open connections and drop them.
CONNECTIONS = 50


class Client:
    """Makes one client by a session of `session`, and prepares it by `prepare` before its first call.

    boto3 finds the credentials. Retries are off: after a write whose answer was lost only the ledger knows what to do.
    `timed` measures each request.
    """

    def __init__(
        self,
        region: str | None,
        endpoint: str | None,
        session: MakeSession,
        prepare: Callable[[BaseClient], None],
        timed: Timed = nullcontext,
    ) -> None:
        self._timed = timed
        self._region = region
        self._endpoint = endpoint
        self._session = session
        self._prepare = prepare
        self._lock = threading.Lock()
        self._made: BaseClient | None = None

    def call(self, operation: str, request: Mapping[str, object]) -> Mapping[str, object]:
        """Send one request, once, by boto3's name for it; raises the SDK's errors."""
        send: Callable[..., Mapping[str, object]] = getattr(self._client(), operation)
        with self._timed():
            return send(**request)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def _client(self) -> BaseClient:
        with self._lock:
            if self._made is None:
                made = self._connect()
                self._prepare(made)
                self._made = made
            return self._made

    def _connect(self) -> BaseClient:
        config = bounded(
            connect_s=CONNECT_S, read_s=READ_S, attempts=1, max_pool_connections=CONNECTIONS, tcp_keepalive=True
        )
        return self._session().client("dynamodb", region_name=self._region, endpoint_url=self._endpoint, config=config)
