"""What a client learns from a server that plays a script, and the replies that such scripts are made of."""

import json
import time

import pytest

from handler.core.ports.counter_api import Counted, Reply
from tests.integration.byte_server import ByteServer, Script
from tests.integration.chat_clients import client_of, increase

DATE = "Date: Sun, 22 Nov 2026 10:20:30 GMT"
SECONDS = 1795342830
COUNTERS = [{"Key": "like", "Value": 6}, {"Key": "_receipt", "Value": 7}]
OK = json.dumps({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "GroupCounter": COUNTERS}).encode()
COUNTED = Counted({"like": 6, "_receipt": 7}, SECONDS)
CALL = increase(1_700_000_000)


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what it says about proxies and certificates."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def asked(script: Script, calls: int = 1, timeout_s: float = 2.0) -> tuple[list[Reply], ByteServer]:
    """What a client learns from as many calls, and the server that it asked."""
    with ByteServer(script) as server:
        client = client_of(f"http://{server.address}", timeout_s=timeout_s)
        replies = [client.update(CALL) for _ in range(calls)]
        client.close()
    return replies, server


def learned(script: Script, timeout_s: float = 2.0) -> Reply:
    return asked(script, 1, timeout_s)[0][0]


def timed(script: Script, timeout_s: float) -> tuple[Reply, float]:
    """What a client learns, and after how many seconds."""
    with ByteServer(script) as server:
        client = client_of(f"http://{server.address}", timeout_s=timeout_s)
        begun = time.monotonic()
        reply = client.update(CALL)
        lasted_s = time.monotonic() - begun
        client.close()
    return reply, lasted_s
