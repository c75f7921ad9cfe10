"""What one warm, uncontended HTTP operation costs: counted at the ledger, at the API and at its socket."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handler import bootstrap
from handler.ledgers.sqlite.file import SqliteFile
from handler.main import lambda_handler
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment

GROUP = "live-room"


class Traced(sqlite3.Connection):
    """A connection that keeps every statement that it executes."""

    statements: list[str] = []  # noqa: RUF012  # shared on purpose: the function opens one for each thread

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # sqlite3's own signature
        super().__init__(*args, **options)
        self.set_trace_callback(self.statements.append)


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """The Chat server, and the function set up for it with a ledger whose statements are kept."""

    def traced(*args: Any, **options: Any) -> SqliteFile:  # noqa: ANN401  # whatever the ledger passes
        return SqliteFile(*args, **{**options, "factory": Traced})

    monkeypatch.setattr("handler.ledgers.sqlite.ledger.SqliteFile", traced)
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group(GROUP)
        for name, value in sandboxed_environment(server.endpoint, tmp_path).items():
            monkeypatch.setenv(name, value)
        bootstrap.reset()
        yield server
        bootstrap.reset()


def increase(key: str) -> None:
    body = {"GroupId": GROUP, "GroupCounter": [{"Key": "like", "Value": 1}], "Mode": "Increase"}
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", key)]
    event = event_of("http-v2", "POST", "/v1/update_group_counter", headers, json.dumps(body).encode())
    reply = lambda_handler(event, lambda_context(29.0))
    assert reply["statusCode"] == 200, reply


def test_a_warm_operation_takes_two_ledger_transactions_and_one_call(chat: ChatServer) -> None:
    """Accepting and opening is one transaction, settling another; the receipt travels with the one call."""
    increase("first")
    Traced.statements.clear()
    calls = len(chat.journal())
    increase("second")
    transactions = [statement for statement in Traced.statements if statement.startswith("BEGIN")]
    assert len(transactions) == 2
    assert [entry.command for entry in chat.journal()[calls:]] == ["update"]


def test_only_the_first_operation_opens_a_connection(chat: ChatServer) -> None:
    for number in range(5):
        increase(f"key-{number}")
    assert chat.connections() == 1


def test_a_duplicate_makes_no_call(chat: ChatServer) -> None:
    """A finished operation is answered from the ledger alone."""
    increase("key")
    calls = len(chat.journal())
    increase("key")
    assert len(chat.journal()) == calls


def test_every_call_has_a_random_number_of_its_own(chat: ChatServer) -> None:
    """No two calls share `random`, and each is signed for the short life of its attempt."""
    for number in range(5):
        increase(f"key-{number}")
    updates = [replace(entry) for entry in chat.journal() if entry.command == "update"]
    assert len({entry.random for entry in updates}) == 5
    assert {entry.life_s for entry in updates} == {6}
