"""A caller who names groups that do not exist costs reads of the reads' own schedule, and leaves no rows behind."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handler import bootstrap
from handler.core.model.row import Group
from tests.integration.counting import chat_with, order, over_http
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import SDKAPPID, sandboxed_environment

Event = dict[str, object]

RATE = 40

# Three reads each: what a second and a half of the rate would not be enough for.
STRANGE = 60


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with(()) as server:
        yield server


@pytest.fixture(autouse=True)
def function(chat: ChatServer, tmp_path: Path) -> Iterator[None]:
    """A cold instance, whose signatures live for two seconds."""
    variables = {"CHAT_CALLS_PER_SECOND": str(RATE), "WAIT_S": "2", "CHAT_TIMEOUT_S": "1"}
    short = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "1"}
    with cold_function(sandboxed_environment(chat.endpoint, tmp_path, **variables, **short)):
        yield


def increase(group: str, key: str) -> tuple[int, Event]:
    return over_http(order(group, 1), key, wait="wait=2")


def has_row(group: str) -> bool:
    return bootstrap.app_context().instance.ledger.load(Group(SDKAPPID, group)) is not None


def calls_of(chat: ChatServer) -> Counter[str]:
    """How many calls of each kind the vendor has met."""
    return Counter(str(entry.command) for entry in chat.journal())


def test_a_group_that_is_not_there_is_told_kept_and_leaves_no_row(chat: ChatServer) -> None:
    """By three reads and no update; the answer is final for its key, and the group is found as soon as it is made."""
    assert [increase("nowhere", "a")[0] for _ in range(2)] == [404, 404]
    assert dict(calls_of(chat)) == {"get": 3}
    assert not has_row("nowhere")
    chat.create_group("nowhere")
    assert [increase("nowhere", "a")[0], increase("nowhere", "b")[0]] == [404, 200]
    assert chat.values("nowhere")["like"] == 1


def test_many_strange_groups_are_read_within_the_reads_own_rate(chat: ChatServer) -> None:
    """The updates of others are not touched, and what finds no turn is told to come again."""
    chat.create_group("room")
    assert increase("room", "warm")[0] == 200
    before = chat.now()
    with ThreadPoolExecutor(12) as pool:
        strange = [pool.submit(increase, f"strange-{number}", "a") for number in range(STRANGE)]
        statuses = Counter(future.result()[0] for future in strange)
    took_s = chat.now() - before
    assert set(statuses) <= {404, 429}
    assert statuses[404] > 0
    assert calls_of(chat)["get"] <= RATE * (took_s + 1) + 10
    assert increase("room", "after")[0] == 200
    assert [number for number in range(STRANGE) if has_row(f"strange-{number}")] == []
