"""What an operator looks over: groups that are held, frozen or paused, and many rows at once."""

from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from handler.core.model import codec
from handler.core.model.row import Entry, Group, Note, Pause, Row, Trouble
from tests.contract.samples import (
    GENERATION,
    GROUP,
    RECEIPT_KEY,
    attempt,
    entry,
    idle_row,
    past_attempt,
    settlement,
    there,
)
from tests.contract.stores import LEDGERS, Closing, GivenClock, OpenLedger, SharedStore
from tests.faults.world.piecewise import PiecewiseLedger

APP = GROUP.app
ROOM = 36 * 1024
FROZEN = replace(idle_row(), frozen="unexplained", frozen_at=1_700_000_000)
PAUSED = replace(idle_row(), paused=Pause(1_700_000_000, "a migration"))
WAITING = replace(idle_row(), queue=(entry(),))
NOTED = (Note(entry(), 10010, 1_700_000_000),)
IDS = ["A", "B 😀", "b", "z", "é", "я", "群", "😀"]

HELD = [
    FROZEN,
    PAUSED,
    replace(FROZEN, paused=PAUSED.paused),
    replace(FROZEN, queue=(entry(),)),
    replace(PAUSED, queue=(entry(),)),
    replace(replace(PAUSED, version=0).opened(attempt()), version=1),
    replace(PAUSED, remembered=(past_attempt(),), debt=(("like", 5),)),
]


@pytest.fixture(params=["piece by piece", *sorted(LEDGERS)])
def ledger(request: pytest.FixtureRequest, clock: GivenClock) -> Iterator[OpenLedger]:
    """Every ledger, and the simulator's that changes rows piece by piece."""
    pieces = request.param == "piece by piece"
    opened = PiecewiseLedger(clock, lambda: None) if pieces else LEDGERS[request.param](request, clock).open(clock)
    yield opened
    opened.close()


def add(ledger: OpenLedger, row: Row, *groups: Group) -> None:
    for group in groups:
        assert ledger.swap(group, row, {})


def listed(ledger: OpenLedger) -> tuple[list[str], list[str]]:
    """The held groups, and the unfinished ones."""
    return list(ledger.held(APP, 10)), list(ledger.unfinished(APP, 10))


@pytest.mark.parametrize("row", HELD)
def test_a_held_group_waits_for_an_operator_and_not_for_the_sweep(ledger: OpenLedger, row: Row) -> None:
    add(ledger, row, GROUP)
    assert listed(ledger) == ([GROUP.id], [])
    assert ledger.load(GROUP) == row


@pytest.mark.parametrize("row", [idle_row(), WAITING, replace(idle_row(), notes=NOTED)])
def test_other_groups_are_not_held(ledger: OpenLedger, row: Row) -> None:
    add(ledger, row, GROUP)
    assert ledger.held(APP, 10) == []


@pytest.mark.parametrize("row", [FROZEN, PAUSED])
def test_a_held_group_with_a_note_is_in_both_lists_until_it_is_struck(ledger: OpenLedger, row: Row) -> None:
    noted = replace(row, notes=NOTED)
    add(ledger, noted, GROUP)
    assert listed(ledger) == ([GROUP.id], [GROUP.id])
    assert ledger.swap(GROUP, noted.changed(notes=()), {})
    assert listed(ledger) == ([GROUP.id], [])


@pytest.mark.parametrize("row", [FROZEN, PAUSED, replace(PAUSED, notes=NOTED)])
def test_a_first_row_may_be_held(ledger: OpenLedger, row: Row) -> None:
    assert ledger.create(GROUP, row)
    assert listed(ledger) == ([GROUP.id], [GROUP.id] if row.notes else [])


@pytest.mark.parametrize("held", [FROZEN, PAUSED, replace(FROZEN, notes=NOTED)])
@pytest.mark.parametrize("queue", [(), (entry(),)], ids=["idle", "owing"])
def test_a_group_that_is_let_go_is_listed_as_any_other(ledger: OpenLedger, held: Row, queue: tuple[Entry, ...]) -> None:
    """And what it takes on from then on is found by the sweep."""
    add(ledger, replace(held, queue=queue), GROUP)
    free = replace(held, queue=queue).changed(frozen=None, frozen_at=0, paused=None, notes=())
    assert ledger.swap(GROUP, free, {})
    assert listed(ledger) == ([], [GROUP.id] if queue else [])
    assert ledger.append(GROUP, [entry("more")], ROOM) is not None
    assert listed(ledger) == ([], [GROUP.id])


def test_a_group_that_was_let_go_begins_and_settles_as_before(ledger: OpenLedger) -> None:
    add(ledger, PAUSED, GROUP)
    assert ledger.swap(GROUP, PAUSED.changed(paused=None), {})
    assert ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION) is not None
    assert listed(ledger) == ([], [GROUP.id])
    assert ledger.settle(GROUP, settlement(attempt()))
    assert listed(ledger) == ([], [])


@pytest.mark.parametrize("before", [idle_row(), WAITING, replace(idle_row(), remembered=(past_attempt(),))])
def test_a_group_that_is_held_leaves_the_sweeps_list(ledger: OpenLedger, before: Row) -> None:
    add(ledger, before, GROUP)
    assert ledger.swap(GROUP, before.changed(paused=PAUSED.paused), {})
    assert listed(ledger) == ([GROUP.id], [])


def test_a_deleted_group_is_not_listed(ledger: OpenLedger) -> None:
    add(ledger, FROZEN, GROUP)
    assert ledger.delete(GROUP, FROZEN.version)
    assert listed(ledger) == ([], [])


@pytest.mark.parametrize("row", HELD[:3])
def test_nothing_begins_in_a_held_group(ledger: OpenLedger, row: Row) -> None:
    add(ledger, row, GROUP)
    assert ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION) is None
    assert ledger.load(GROUP) == row


@pytest.mark.parametrize("row", [FROZEN, PAUSED, replace(PAUSED, notes=NOTED)])
def test_a_held_group_takes_operations_on_and_stays_listed(ledger: OpenLedger, row: Row) -> None:
    add(ledger, row, GROUP)
    look = there(ledger.append(GROUP, [entry("a"), entry("b")], ROOM))
    assert look.row == ledger.load(GROUP) == row.changed(queue=(entry("a"), entry("b")))
    assert listed(ledger) == ([GROUP.id], [GROUP.id] if row.notes else [])


def test_a_call_that_was_under_way_lands_in_a_paused_group(ledger: OpenLedger) -> None:
    add(ledger, idle_row(), GROUP)
    begun = there(ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION))
    assert ledger.swap(GROUP, begun.changed(paused=PAUSED.paused), {})
    assert ledger.settle(GROUP, settlement(attempt()))
    assert there(ledger.load(GROUP)).paused == PAUSED.paused
    assert listed(ledger) == ([GROUP.id], [])


def test_a_row_that_has_begun_is_given_back_as_it_is_stored(ledger: OpenLedger) -> None:
    """With its last trouble, which stays until another takes its place."""
    add(ledger, replace(idle_row(), trouble=Trouble("60020: no such group", 1_700_000_000), frozen_at=7), GROUP)
    begun = ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION)
    assert begun == there(ledger.load(GROUP))
    assert ledger.settle(GROUP, settlement(attempt()))
    settled = there(ledger.load(GROUP))
    assert (settled.trouble, settled.frozen_at) == (Trouble("60020: no such group", 1_700_000_000), 7)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_page_after_page_lists_every_held_group_once(ledger: OpenLedger, limit: int) -> None:
    """In the order of their ids' code points, those in both lists too."""
    for number, group_id in enumerate(reversed(IDS)):
        row = (FROZEN, PAUSED, replace(FROZEN, notes=NOTED))[number % 3]
        add(ledger, row, Group(APP, group_id))
        add(ledger, WAITING, Group(APP, f"{group_id} waits"))
    found: list[str] = []
    pages: list[Sequence[str]] = []
    while not pages or pages[-1]:
        pages.append(ledger.held(APP, limit, after=found[-1] if found else ""))
        found += pages[-1]
        assert len(pages[-1]) <= limit
    assert found == IDS


def test_each_app_has_held_groups_of_its_own(ledger: OpenLedger) -> None:
    add(ledger, FROZEN, Group(1, "a"), Group(2, "b"), Group(12, "c"))
    assert [ledger.held(app, 10) for app in (1, 2, 12, 3)] == [["a"], ["b"], ["c"], []]


def test_many_rows_are_read_at_once(ledger: OpenLedger) -> None:
    """Those that exist, also where one was asked for twice, and with what was appended since they were written."""
    rows = {str(number): replace(idle_row(), base=number) for number in range(150)}
    for group_id, row in rows.items():
        add(ledger, row, Group(APP, group_id))
    look = there(ledger.append(Group(APP, "7"), [entry()], ROOM))
    add(ledger, idle_row(), Group(APP + 1, "of another app"))
    found = ledger.rows(APP, ["missing", "7", *rows, "of another app"])
    assert found == rows | {"7": there(look.row)}
    assert [ledger.rows(APP, ids) for ids in ([], ["missing"], ["3"])] == [{}, {}, {"3": rows["3"]}]


def test_a_row_of_a_later_version_is_left_out_of_many(ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ledger, idle_row(), Group(APP, "a"))
    with monkeypatch.context() as patch:
        patch.setattr(codec, "ROW_FORMAT", 99)
        add(ledger, idle_row(), GROUP)
    assert ledger.rows(APP, ["a", GROUP.id]) == {"a": idle_row()}


def test_what_another_instance_holds_is_held_for_all(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    """One that remembers the group as idle takes its operations on, and begins nothing."""
    one, other = closing(shared_store.open(clock)), closing(shared_store.open(clock))
    add(one, idle_row(), GROUP)
    assert other.load(GROUP) == idle_row()
    assert one.swap(GROUP, idle_row().changed(paused=PAUSED.paused), {})
    assert other.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION) is None
    assert there(other.append(GROUP, [entry()], ROOM)).row == there(one.load(GROUP))
    assert (listed(one), listed(other)) == (([GROUP.id], []), ([GROUP.id], []))
