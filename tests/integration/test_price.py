"""What one warm, uncontended HTTP operation costs: counted at the API and at its socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.counting import chat_with, order, over_http
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import sandboxed_environment

GROUP = "live-room"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatServer]:
    """The Chat server, and the function set up for it."""
    with chat_with([GROUP]) as server, cold_function(sandboxed_environment(server.endpoint, tmp_path)):
        yield server


def increase(key: str) -> None:
    assert over_http(order(GROUP, 1), key)[0] == 200


def test_a_warm_operation_takes_one_call(chat: ChatServer) -> None:
    """The receipt travels with it."""
    increase("first")
    calls = len(chat.journal())
    increase("second")
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
    updates = [entry for entry in chat.journal() if entry.command == "update"]
    assert len({entry.random for entry in updates}) == 5
    assert {entry.life_s for entry in updates} == {6}
