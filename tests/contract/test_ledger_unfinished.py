"""The sweep is told which groups wait for it."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Origin
from handler.core.model.row import Group, Note, Row
from tests.contract.samples import GROUP, attempt, entry, idle_row, past_attempt, settlement, there
from tests.contract.stores import OpenLedger

WAITING = replace(idle_row(), queue=(entry(),))
ORIGIN = Origin(source="arn:queue", place="arn:queue/群", caller="caller", key="key", teller="a visit")
NOTED = replace(idle_row(), notes=(Note(replace(entry(), origin=ORIGIN), 10010, 1_700_000_000),))
IDS = ["A", "B 😀", "b", "z", "é", "я", "群", "😀"]


def add(ledger: OpenLedger, row: Row, *groups: Group) -> None:
    for group in groups:
        assert ledger.swap(group, row, {})


@pytest.mark.parametrize(
    "row",
    [
        WAITING,
        replace(idle_row().opened(attempt()), version=1),
        replace(idle_row(), remembered=(past_attempt(),)),
        replace(idle_row(), debt=(("like", 5),)),
        NOTED,
        replace(NOTED, frozen="unexplained"),
    ],
    ids=["a queue", "an open attempt", "a remembered attempt", "a debt", "a note", "a note although it is frozen"],
)
def test_a_group_is_listed_that_has(ledger: OpenLedger, row: Row) -> None:
    add(ledger, row, GROUP)
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]


def test_a_frozen_group_is_not_listed(ledger: OpenLedger) -> None:
    add(ledger, replace(WAITING, frozen="unexplained"), GROUP)
    assert ledger.unfinished(GROUP.app, 10) == []


def test_the_mark_follows_every_version_of_the_row(ledger: OpenLedger) -> None:
    row, listed = idle_row(), []
    for queue in ((), (entry("first"),), (), (entry("second"),)):
        row = replace(row, queue=queue)
        add(ledger, row, GROUP)
        listed.append(list(ledger.unfinished(GROUP.app, 10)))
        row = row.changed()
    assert listed == [[], [GROUP.id], [], [GROUP.id]]


def test_ids_come_in_the_order_of_their_code_points(ledger: OpenLedger) -> None:
    add(ledger, WAITING, *(Group(GROUP.app, group_id) for group_id in reversed(IDS)))
    assert ledger.unfinished(GROUP.app, 100) == IDS


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_page_after_page_lists_every_group_once(ledger: OpenLedger, limit: int) -> None:
    add(ledger, WAITING, *(Group(GROUP.app, group_id) for group_id in IDS))
    listed: list[str] = []
    pages: list[Sequence[str]] = []
    while not pages or pages[-1]:
        pages.append(ledger.unfinished(GROUP.app, limit, after=listed[-1] if listed else ""))
        listed += pages[-1]
        assert len(pages[-1]) <= limit
        assert listed == IDS[: len(listed)]
    assert listed == IDS


def test_pages_go_on_after_a_group_that_was_finished_meanwhile(ledger: OpenLedger) -> None:
    add(ledger, WAITING, Group(GROUP.app, "a"), Group(GROUP.app, "b"), Group(GROUP.app, "c"))
    add(ledger, WAITING.changed(queue=()), Group(GROUP.app, "b"))
    assert ledger.unfinished(GROUP.app, 10, after="b") == ["c"]


def test_each_app_has_a_list_of_its_own(ledger: OpenLedger) -> None:
    add(ledger, WAITING, Group(1, "a"), Group(2, "b"), Group(12, "c"))
    assert [ledger.unfinished(app, 10) for app in (1, 2, 12, 3)] == [["a"], ["b"], ["c"], []]


def test_a_group_with_a_note_takes_no_fast_path_and_keeps_it_until_it_is_struck(ledger: OpenLedger) -> None:
    """What joins the queue and what is settled leaves it as it is, with all that the record is parked with."""
    add(ledger, NOTED, GROUP)
    assert ledger.begin(GROUP, attempt(), NOTED.receipt_key, NOTED.generation) is None
    joined = replace(entry("joined"), origin=ORIGIN)
    look = there(ledger.append(GROUP, [joined], 36 * 1024))
    assert look.row is not None
    assert (look.row.notes, look.row.queue) == (NOTED.notes, (joined,))
    opened = look.row.opened(attempt(joined))
    assert ledger.swap(GROUP, opened, {})
    assert ledger.settle(GROUP, settlement(opened.attempt or attempt(), opened.base or 0))
    settled = there(ledger.load(GROUP))
    assert (settled.notes, ledger.unfinished(GROUP.app, 10)) == (NOTED.notes, [GROUP.id])
    assert ledger.swap(GROUP, settled.changed(notes=()), {})
    assert ledger.unfinished(GROUP.app, 10) == []
