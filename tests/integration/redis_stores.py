"""Redis servers for tests: one that is missing on this machine skips the test, but never in CI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox.redis_servers import Binary, NoServerError, RedisServer


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
