"""The account is demoted in the vendor's console, or one group alone is not permitted: the code is the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handler import bootstrap
from tests.e2e.watching import wait_for
from tests.integration.counting import chat_with, likes, order, over_http, sweep
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import sandboxed_environment

Event = dict[str, object]

GROUPS = [f"room-{number}" for number in range(12)]
FORBIDDEN = Fault("code", code=10007)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with(GROUPS) as server:
        yield server


@pytest.fixture(autouse=True)
def function(chat: ChatServer, tmp_path: Path) -> Iterator[None]:
    with cold_function(sandboxed_environment(chat.endpoint, tmp_path, WAIT_S="1")):
        yield


def increase(group: str, key: str) -> tuple[int, Event]:
    return over_http(order(group, 1), key)


def demote(chat: ChatServer, group: str = "*") -> None:
    chat.always(FORBIDDEN, "update", group)
    chat.always(FORBIDDEN, "get", group)


@pytest.mark.parametrize("reset", [lambda: None, bootstrap.reset], ids=["warm", "cold"])
def test_a_demoted_account_refuses_no_operation_for_good(chat: ChatServer, reset: Callable[[], None]) -> None:
    """All of them stay owed, the app is called refused, and each counts once when the account is an admin again."""
    assert [increase(group, f"before-{group}")[0] for group in GROUPS] == [200] * len(GROUPS)
    reset()
    demote(chat)
    answers = [increase(group, f"during-{group}") for group in GROUPS]
    assert {status for status, _ in answers} <= {202, 503}
    assert (answers[0][1]["type"], answers[0][1]["accepted"]) == ("/problems/app-refused", True)
    asked = len(chat.journal())
    assert asked <= len(GROUPS) + 30
    chat.clear_faults()
    # What was accepted is owed, what was turned away is asked for again.
    wait_for(lambda: {increase(group, f"during-{group}")[0] for group in GROUPS} == {200}, "every group counts again")
    assert likes(chat, GROUPS) == dict.fromkeys(GROUPS, 2)
    sweep()


def test_a_cold_instance_refuses_no_operation_of_a_new_group_for_a_demotion(chat: ChatServer) -> None:
    """The ledger's note says in which groups others have succeeded."""
    assert increase("room-1", "before")[0] == 200
    bootstrap.reset()
    demote(chat)
    status, body = increase("room-2", "during")
    assert (status, body["type"], body["accepted"]) == (503, "/problems/app-refused", True)
    chat.clear_faults()
    wait_for(lambda: increase("room-2", "during")[0] == 200, "the group counts again")
    assert chat.values("room-2")["like"] == 1


def test_one_group_that_is_not_permitted_is_refused_alone(chat: ChatServer) -> None:
    assert increase("room-1", "a")[0] == 200
    demote(chat, "room-2")
    status, body = increase("room-2", "b")
    assert (status, body["ErrorCode"]) == (403, 10007)
    assert [increase("room-1", "c")[0], increase("room-3", "d")[0]] == [200, 200]
    assert increase("room-2", "b")[0] == 403


@pytest.mark.parametrize("update", [10004, 10007, 10010, 10015, 10016])
@pytest.mark.parametrize("read", [10010, 10015])
def test_a_group_that_does_not_exist_is_404_whichever_code_comes_where(
    chat: ChatServer, update: int, read: int
) -> None:
    assert [increase(group, "a")[0] for group in ("room-1", "room-2")] == [200, 200]
    chat.always(Fault("code", code=update), "update", "room-1")
    chat.always(Fault("code", code=read), "get", "room-1")
    status, body = increase("room-1", "b")
    assert (status, body["ErrorCode"] in {10010, 10015}) == (404, True)
