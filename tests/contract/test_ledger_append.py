"""Appending makes operations owed in a row that exists, each once, and tells of those that are finished."""

from functools import partial

import pytest
from msgspec.structs import replace

from handler.core.errors import RowFull
from handler.core.model.row import Group, Row
from handler.core.ports.ledger import Ledger, Look
from tests.contract.processes import in_processes
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, past_attempt, record, there
from tests.contract.samples import settlement as settlement_of
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore, Store

ROOM = 36 * 1024
OPEN_ROW = replace(idle_row().opened(attempt(entry("open"))), version=1)

ROWS = {
    "idle": idle_row(),
    "with an open attempt": OPEN_ROW,
    "with a queue": replace(idle_row(), queue=(entry("first"),)),
    "that remembers": replace(idle_row(), remembered=(past_attempt(),)),
    "in debt": replace(idle_row(), debt=(("like", 5),)),
    "frozen": replace(idle_row(), frozen="unexplained"),
    "whose receipt is not known yet": replace(idle_row(), base=None),
    "of another generation": replace(idle_row(), generation=7),
}


def append(ledger: Ledger, *names: str, group: Group = GROUP) -> Look | None:
    return ledger.append(group, [entry(name) for name in names], ROOM)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_operations_go_to_the_end_of_the_queue_of_a_row(ledger: OpenLedger, row: Row) -> None:
    """Whatever else is going on in the group, and in the order given; nothing else of the row changes."""
    ledger.swap(GROUP, row, {})
    grown = row.changed(queue=(*row.queue, entry("a"), entry("b")))
    assert append(ledger, "a", "b") == Look(grown, {})
    assert ledger.load(GROUP) == grown


def test_a_group_never_seen_has_no_row_to_append_to(ledger: OpenLedger) -> None:
    assert append(ledger, "a") is None
    assert ledger.load(GROUP) is None


def test_what_is_owed_already_is_not_owed_twice(ledger: OpenLedger) -> None:
    """Whether it waits in the queue or is carried by the open attempt, written by a swap, a beginning or an append."""
    ledger.swap(GROUP, idle_row(), {})
    ledger.begin(GROUP, attempt(entry("begun")), RECEIPT_KEY, GENERATION)
    append(ledger, "queued")
    look = there(append(ledger, "begun", "queued", "new"))
    assert look.row is not None
    assert [owed.id for owed in look.row.owed] == ["begun", "queued", "new"]
    assert look.row.version == 4


def test_where_nothing_is_new_nothing_is_written(ledger: OpenLedger) -> None:
    """The version stays, so that nobody else's swap is in vain."""
    ledger.swap(GROUP, replace(idle_row(), queue=(entry("a"),)), {"b": record("b")})
    look = append(ledger, "a", "b")
    assert look == Look(replace(idle_row(), queue=(entry("a"),)), {"b": record("b")})
    assert ledger.load(GROUP) == replace(idle_row(), queue=(entry("a"),))


def test_what_is_on_record_is_told_and_not_appended(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {"done": record("done"), "other": record("other")})
    look = append(ledger, "done", "new")
    assert look == Look(idle_row().changed(queue=(entry("new"),)), {"done": record("done")})


def test_what_is_settled_is_finished_and_no_longer_owed(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    run = attempt(entry("a"))
    ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION)
    append(ledger, "b")
    assert ledger.settle(GROUP, settlement_of(run))
    look = there(append(ledger, "a", "b"))
    assert ([owed.id for owed in there(look.row).owed], set(look.records)) == (["b"], {"a"})


def test_a_swap_goes_on_from_what_was_appended(ledger: OpenLedger) -> None:
    """The queue that it has read is the one that it writes, and a new attempt takes from it."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, "a")
    look = there(append(ledger, "b"))
    assert look.row is not None
    opened = look.row.opened(attempt(entry("a")), (entry("b"),))
    assert ledger.swap(GROUP, opened, {})
    append(ledger, "c")
    row = there(ledger.load(GROUP))
    assert [owed.id for owed in row.owed] == ["a", "b", "c"]


def test_whoever_read_the_row_before_cannot_swap_any_more(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, "a")
    assert not ledger.swap(GROUP, idle_row().changed(base=2000), {})


def test_an_idle_group_is_idle_no_more(ledger: OpenLedger) -> None:
    """What waits goes first: the fast path is closed, and the sweep knows of the group."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, "a")
    assert ledger.begin(GROUP, attempt(entry("b")), RECEIPT_KEY, GENERATION) is None
    assert list(ledger.unfinished(GROUP.app, 10)) == [GROUP.id]


def test_a_full_row_takes_nothing_on(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, OPEN_ROW, {})
    with pytest.raises(RowFull):
        append(ledger, *(str(number) for number in range(1000)))
    assert ledger.load(GROUP) == OPEN_ROW


def test_a_row_fills_up_by_small_appends_too(ledger: OpenLedger) -> None:
    """What is appended piece by piece counts like what is written at once."""
    ledger.swap(GROUP, OPEN_ROW, {})
    with pytest.raises(RowFull):
        append_hundreds(ledger, 10)
    row = there(ledger.load(GROUP))
    assert 300 < len(row.queue) < 1000


def test_a_row_that_somebody_else_has_emptied_is_full_no_more(
    store: Store, clock: GivenClock, closing: Closing
) -> None:
    """Whatever a ledger remembers of a row may be long past."""
    mine, theirs = closing(store.open(clock)), closing(store.open(clock))
    full = replace(OPEN_ROW, queue=tuple(entry(f"{number:0>40}") for number in range(400)))
    assert mine.swap(GROUP, full, {})
    with pytest.raises(RowFull):
        append(mine, "new")
    assert theirs.swap(GROUP, full.changed(queue=()), {})
    assert append(mine, "new") == Look(full.changed(queue=()).changed(queue=(entry("new"),)), {})


def append_hundreds(ledger: OpenLedger, times: int) -> None:
    for number in range(times):
        append(ledger, *(f"{number}.{index}" for index in range(100)))


def test_a_full_row_still_tells_of_what_it_owes(ledger: OpenLedger) -> None:
    """Whoever repeats an accepted operation is not turned away."""
    ledger.swap(GROUP, OPEN_ROW, {})
    look = ledger.append(GROUP, [entry("open")], bytes_max=1)
    assert look == Look(OPEN_ROW, {})


def test_operations_appended_by_processes_are_all_owed_once(
    shared_store: SharedStore, shared_ledger: OpenLedger
) -> None:
    """Each worker's own in its own order, and those that several bring once."""
    shared_ledger.swap(GROUP, OPEN_ROW, {})
    names = [
        [f"{worker}.{number}" for number in range(6)] + [f"shared {number}" for number in range(6)]
        for worker in range(4)
    ]
    in_processes(shared_store, [partial(append_all, names=mine) for mine in names])
    row = there(shared_ledger.load(GROUP))
    owed = [operation.id for operation in row.queue]
    assert sorted(owed) == sorted({name for mine in names for name in mine})
    assert [[name for name in owed if name in mine[:6]] for mine in names] == [mine[:6] for mine in names]


def append_all(ledger: Ledger, names: list[str]) -> None:
    """Append operations one by one, each until it is taken."""
    for name in names:
        while append(ledger, name) is None:
            pass


def test_a_row_that_was_begun_settled_and_appended_to_many_times_is_still_right(ledger: OpenLedger) -> None:
    """What stands in the store in pieces adds up to what the core would have written whole."""
    row = idle_row()
    ledger.swap(GROUP, row, {})
    for number in range(5):
        run = attempt(entry(f"run {number}"), name=f"attempt {number}")
        begun = ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION)
        assert begun == row.opened(run)
        append(ledger, f"later {number}")
        assert ledger.settle(GROUP, settlement_of(run, row.base or 0))
        row = replace(
            row, version=row.version + 3, base=(row.base or 0) + run.weight, queue=(entry(f"later {number}"),)
        )
        assert ledger.load(GROUP) == row
        row = row.changed(queue=())
        assert ledger.swap(GROUP, row, {f"later {number}": record(f"later {number}")})
