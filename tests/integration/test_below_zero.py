"""A vendor whose counters stop at zero, or are refused there, and receipts that stand where nobody can count from."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handler.main import lambda_handler
from tests.integration.counting import chat_with, function_for, order, over_http
from tests.sandbox.chat import ChatServer
from tests.sandbox.contexts import lambda_context
from tests.sandbox.violations import Violation

GROUP = "shop"
HALF = (2**48) // 2


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatServer]:
    """The Chat server, and the function set up for it."""
    with chat_with(()) as server, function_for(server, tmp_path):
        yield server


def asked(key: str, mode: str, value: int) -> tuple[int, dict[str, object]]:
    return over_http(order(GROUP, value, mode), key)


def adopted(group: str) -> object:
    return lambda_handler({"Type": "Operator", "task": "adopt", "GroupId": group}, lambda_context(29.0))["done"]


def updates(chat: ChatServer) -> int:
    return sum(entry.command == "update" for entry in chat.journal())


@pytest.mark.parametrize("violation", [None, "below_zero_refused", "below_zero_cut_off"])
def test_a_decrease_is_counted_once_whatever_becomes_of_counters_below_zero(
    chat: ChatServer, violation: Violation | None
) -> None:
    """The receipt is lifted once, before the first one: no operation is counted twice or refused because of it."""
    chat.violate([violation] if violation else [])
    chat.create_group(GROUP, counters={"like": 100})
    sent = []
    for number in range(3):
        before = updates(chat)
        status, _ = asked(f"d{number}", "Decrease", 5)
        assert (status, chat.values(GROUP)["like"]) == (200, 95 - 5 * number)
        sent.append(updates(chat) - before)
    assert sent == [2, 1, 1]
    assert chat.values(GROUP)["_receipt"] > HALF


def test_who_only_counts_up_pays_for_no_lift(chat: ChatServer) -> None:
    chat.create_group(GROUP)
    for number in range(3):
        assert asked(f"i{number}", "Increase", 5)[0] == 200
    assert (updates(chat), chat.values(GROUP)["_receipt"] < HALF) == (3, True)


@pytest.mark.parametrize(
    ("violation", "status", "left"), [("below_zero_refused", 400, 3), ("below_zero_cut_off", 200, 0)]
)
def test_what_a_caller_takes_below_zero_is_the_vendors_to_judge(
    chat: ChatServer, violation: Violation, status: int, left: int
) -> None:
    """It is refused for good, or applied as far as it goes (A10)."""
    chat.violate([violation])
    chat.create_group(GROUP, counters={"like": 3})
    assert asked("too-much", "Decrease", 5)[0] == status
    assert asked("too-much", "Decrease", 5)[0] == status
    assert chat.values(GROUP)["like"] == left


def test_a_receipt_that_nobody_can_count_from_freezes_its_group(chat: ChatServer) -> None:
    """With that reason, and no operation is refused for good; once the counter is set, an operator adopts it."""
    receipts = {f"{GROUP}{receipt}": receipt for receipt in (2**63 - 1, 2**63 - 5, 2**62 + 1, -(2**63), -(2**32) - 1)}
    for group, receipt in receipts.items():
        chat.create_group(group, counters={"_receipt": receipt, "like": 7})
        for number in range(2):
            status, told = over_http(order(group, 5), f"i{number}")
            assert (status, told["type"]) == (503, "/problems/group-frozen")
            assert str(receipt) in str(told["detail"])
        assert (updates(chat), chat.values(group)["like"]) == (0, 7)
        chat.dismiss_group(group)
        chat.create_group(group, counters={"_receipt": 0, "like": 7})
    with ThreadPoolExecutor(len(receipts)) as pool:
        # Each waits until no earlier call of its group can land any more.
        assert all(pool.map(adopted, receipts))
    for group in receipts:
        assert [over_http(order(group, 5), f"i{number}")[0] for number in range(2)] == [200, 200]
        assert chat.values(group)["like"] == 17
