"""Redis servers for tests. Where none is installed a test is skipped, and the run says so; in CI it fails."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.sandbox.redis_cluster import redis_cluster
from tests.sandbox.redis_servers import Binary, NoServerError, RedisServer

_RUNNING = ExitStack()


def started(
    folder: Path, *, binary: Binary = "redis", options: Mapping[str, str] | None = None, tls: Path | None = None
) -> RedisServer:
    """A server that starts with its `with` block."""
    try:
        return RedisServer(folder, binary=binary, options=options, tls=tls)
    except NoServerError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@cache
def shared_server() -> RedisServer:
    """One for all tests of this process that keep to keys of their own; TEST_REDIS=valkey takes the other kind."""
    folder = _RUNNING.enter_context(tempfile.TemporaryDirectory(prefix="redis-"))
    binary: Binary = "valkey" if os.environ.get("TEST_REDIS") == "valkey" else "redis"
    return _RUNNING.enter_context(started(Path(folder), binary=binary))


@cache
def shared_cluster() -> Sequence[RedisServer]:
    """The primaries of a cluster for all tests of this process that keep to keys of their own."""
    folder = Path(_RUNNING.enter_context(tempfile.TemporaryDirectory(prefix="redis-cluster-")))
    # Whether there is a server at all is found out, and told, in one place.
    started(folder)
    return _RUNNING.enter_context(redis_cluster(folder))


def end_shared_servers() -> None:
    """End them, when all tests of this process are over."""
    _RUNNING.close()
    shared_server.cache_clear()
    shared_cluster.cache_clear()
