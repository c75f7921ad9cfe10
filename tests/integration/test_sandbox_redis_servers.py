"""The servers that the tests of the Redis ledger start: they survive a kill as real ones do."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from tests.contract.redis_server import started
from tests.sandbox.redis_servers import Binary

DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@pytest.mark.parametrize("binary", ["redis", "valkey"])
def test_a_durable_server_has_after_a_kill_what_it_acknowledged(tmp_path: Path, binary: Binary) -> None:
    with started(tmp_path, binary=binary, options=DURABLE) as server:
        port = server.port
        with Redis.from_url(server.url) as client:
            client.set("a", "1")
            before = client.info("server")["run_id"]
        server.restart()
        with Redis.from_url(server.url) as client:
            assert (client.get("a"), server.port) == (b"1", port)
            assert client.info("server")["run_id"] != before


def test_a_server_can_be_made_to_forget(tmp_path: Path) -> None:
    with started(tmp_path, options=DURABLE) as server:
        with Redis.from_url(server.url) as client:
            client.set("a", "1")
            server.keep(tmp_path / "copy")
            client.set("a", "2")
        server.kill()
        server.put_back(tmp_path / "copy")
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.get("a") == b"1"
