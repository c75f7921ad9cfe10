"""A timer is told which groups know a counter's key, in pages."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from handler.core.model.known_keys import GONE
from handler.core.model.row import Group
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement, there
from tests.contract.stores import OpenLedger

APP = GROUP.app
BY = 1_700_000_000
IDS = ["A", "B 😀", "B 😀!", "b", "bb", "z", "é", "я", "群", "😀"]
KEYS = ["like", "like:", "4:like", "li", "观看", 'a"b\\', "\x00\n", "i" * 128, GONE]


def add(ledger: OpenLedger, group_id: str, *keys: str, since: int = BY, app: int = APP) -> None:
    """A group that has known these keys since then."""
    assert ledger.swap(Group(app, group_id), replace(idle_row(), keys=tuple((key, since) for key in keys)), {})


def listed(ledger: OpenLedger, key: str, limit: int, by: int = BY) -> list[str]:
    found: list[str] = []
    while page := ledger.groups_with_key(APP, key, by, limit, after=found[-1] if found else ""):
        assert len(page) <= limit
        found += page
    return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_groups_of_a_key_come_in_the_order_of_their_code_points(ledger: OpenLedger, limit: int) -> None:
    for group_id in reversed(IDS):
        add(ledger, group_id, "gift", "like")
    assert listed(ledger, "like", limit) == IDS


def test_keys_are_told_apart_whatever_is_in_them(ledger: OpenLedger) -> None:
    for number, key in enumerate(KEYS):
        add(ledger, f"group {number}", key)
    assert [listed(ledger, key, 10) for key in KEYS] == [[f"group {number}"] for number in range(len(KEYS))]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_group_is_listed_from_the_moment_on_since_which_it_knows_the_key(ledger: OpenLedger, limit: int) -> None:
    for number in range(12):
        add(ledger, f"room {number:02}", "like", since=BY + number)
    assert listed(ledger, "like", limit, BY - 1) == []
    assert listed(ledger, "like", limit, BY) == ["room 00"]
    assert listed(ledger, "like", limit, BY + 6) == [f"room {number:02}" for number in range(7)]


def test_one_page_of_many_follows_the_other(ledger: OpenLedger) -> None:
    """More groups than a page has, spread over whatever parts a store has, half of them with another key."""
    ids = [f"room-{number:03}" for number in range(150)]
    for number, group_id in enumerate(ids):
        add(ledger, group_id, "like" if number % 2 else "gift")
    assert listed(ledger, "like", 20) == ids[1::2]


def test_another_apps_groups_are_not_listed(ledger: OpenLedger) -> None:
    add(ledger, "theirs", "like", app=APP + 1)
    add(ledger, "ours", "like")
    assert listed(ledger, "like", 10) == ["ours"]


def test_a_group_is_listed_by_the_keys_of_its_newest_version(ledger: OpenLedger) -> None:
    """A key may come, another one go, and all of them."""
    row = idle_row()
    seen = []
    for keys in ((), ("like",), ("like", "gift"), ("gift",), ()):
        row = replace(row, keys=tuple((key, BY) for key in keys))
        assert ledger.swap(GROUP, row, {})
        seen.append([listed(ledger, key, 10) for key in ("like", "gift")])
        row = row.changed()
    assert seen == [[[], []], [[GROUP.id], []], [[GROUP.id], [GROUP.id]], [[], [GROUP.id]], [[], []]]


def test_what_a_group_knows_survives_the_writes_that_replace_no_row(ledger: OpenLedger) -> None:
    known = (("观看", BY + 7), ("like", BY))
    assert ledger.swap(GROUP, replace(idle_row(), keys=known), {})
    opened = attempt(entry("first"))
    begun = there(ledger.begin(GROUP, opened, RECEIPT_KEY, GENERATION))
    looked = there(ledger.append(GROUP, [entry("second")], 10_000))
    assert looked.row is not None
    assert ledger.settle(GROUP, settlement(opened))
    assert rows_keys(ledger, [begun.keys, looked.row.keys]) == [known] * 3
    assert listed(ledger, "like", 10) == [GROUP.id]


def test_a_settlement_brings_the_keys_that_its_group_knows_from_now_on(ledger: OpenLedger) -> None:
    """In the same step, whatever has been appended meanwhile; the next one that brings none leaves them as they are."""
    first, second = attempt(entry("first", "gift")), attempt(entry("second"), name="next")
    assert ledger.swap(GROUP, replace(idle_row(), keys=(("like", BY),)), {})
    assert ledger.begin(GROUP, first, RECEIPT_KEY, GENERATION)
    assert ledger.append(GROUP, [entry("waiting")], 10_000)
    known = (("gift", BY + 5), ("like", BY))
    assert ledger.settle(GROUP, replace(settlement(first), keys=known))
    row = there(ledger.load(GROUP))
    assert (row.keys, [waiting.id for waiting in row.owed]) == (known, ["waiting"])
    assert [listed(ledger, "gift", 10, by) for by in (BY + 4, BY + 5)] == [[], [GROUP.id]]
    assert ledger.swap(GROUP, row.changed(queue=()), {})
    begun = there(ledger.begin(GROUP, second, RECEIPT_KEY, GENERATION))
    assert ledger.settle(GROUP, settlement(second, base=begun.base or 0))
    assert rows_keys(ledger, [begun.keys]) == [known] * 2
    assert listed(ledger, "like", 10) == [GROUP.id]


def test_keys_that_a_settlement_no_longer_names_are_not_listed(ledger: OpenLedger) -> None:
    opened = attempt(entry("first", "gift"))
    assert ledger.swap(GROUP, replace(idle_row(), keys=(("like", BY),)), {})
    assert ledger.begin(GROUP, opened, RECEIPT_KEY, GENERATION)
    assert ledger.settle(GROUP, replace(settlement(opened), keys=(("gift", BY),)))
    assert [listed(ledger, key, 10) for key in ("like", "gift")] == [[], [GROUP.id]]


def rows_keys(ledger: OpenLedger, before: Iterable[object]) -> list[object]:
    """The keys that were seen, and those of the row as it is now."""
    row = ledger.load(GROUP)
    return [*before, row.keys if row else None]
