"""Apps, groups and operations never mix, whatever their ids are made of."""

from itertools import product

from handler.core.model.row import Group
from tests.contract.samples import idle_row, record
from tests.contract.stores import OpenLedger

SEPARATED = ["a", "b", "a:b", "a/b", "a#b", "a|b", "a\tb", "a b", "a\\", "a\\\\", "a:", ":b", "::", "{a}", "{a}:b"]
QUOTED = [*"'\"%_*?$0", "'; DROP TABLE groups; --", "[a]", "a'b", "@TGS#_a", "@TGS#2C", "null"]
FOREIGN = [*"éÉA😀\u200b\ufeff\uffff\U0010ffff", "e\u0301", "群组", "группа", "مجموعة", "👩‍👩‍👧"]
SPACED = [" a", "a ", "a\n", "\r\n", "1", "01", "1.0", "1e0"]
IDS = SEPARATED + QUOTED + FOREIGN + SPACED
LONG = "群" * 85


def test_every_group_has_a_row_of_its_own(ledger: OpenLedger) -> None:
    rows = {Group(1, group_id): idle_row().changed(base=number) for number, group_id in enumerate([*IDS, LONG])}
    for group, row in rows.items():
        assert ledger.swap(group, idle_row(), {}), group
        assert ledger.swap(group, row, {}), group
    assert {group: ledger.load(group) for group in rows} == rows


def test_every_app_has_groups_of_its_own(ledger: OpenLedger) -> None:
    """The same group id in two apps is two groups; the digits of an app do not run into the id."""
    groups = [Group(app, group_id) for app, group_id in product((1, 11, 1_400_000_000), ("1", "11", "1:1", ":1", "a"))]
    for number, group in enumerate(groups):
        assert ledger.swap(group, idle_row(), {"operation": record(value=number)}), group
    found = [ledger.find(group, ["operation"])["operation"] for group in groups]
    assert found == [record(value=number) for number in range(len(groups))]


def test_every_group_has_records_of_its_own(ledger: OpenLedger) -> None:
    """Neither the id of a group nor that of an operation runs into the other."""
    ids = ["a", "b", "a:b", "b:c", "c", ":", "a:", ":b", "a/b", "'", "😀"]
    for group_id in ids:
        assert ledger.swap(Group(1, group_id), idle_row(), {f"{group_id}:{name}": record(group_id) for name in ids})
    for group_id, other in product(ids, ids):
        names = [f"{other}:{name}" for name in ids]
        found = ledger.find(Group(1, group_id), names)
        expected = {f"{group_id}:{name}" for name in ids} & set(names)
        assert found == {name: record(group_id) for name in expected}
