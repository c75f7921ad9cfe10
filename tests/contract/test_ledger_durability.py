"""What was written stays, when ledgers are closed and when their processes are killed."""

import random
import time
from itertools import count
from multiprocessing.connection import Connection

import pytest

from handler.core.model.row import Group
from tests.contract import works
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, attempt, entry, idle_row, record, there
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore

KILLS = 6


def update_for_ever(pipe: Connection, store: SharedStore, group: Group) -> None:
    """Update again and again, and tell the number of each update that is done."""
    ledger = store.open(GivenClock())
    for number in count():
        works.update(ledger, group, number)
        pipe.send(number)


def test_everything_is_there_after_reopening(shared_store: SharedStore, clock: GivenClock, closing: Closing) -> None:
    first = shared_store.open(clock)
    row = idle_row().opened(attempt(entry("owed")))
    first.swap(GROUP, idle_row(), {"operation": record()})
    first.swap(GROUP, row, {})
    first.close()
    second = closing(shared_store.open(clock))
    assert second.load(GROUP) == row
    assert second.find(GROUP, ["operation", "owed"]) == {"operation": record()}
    assert second.unfinished(GROUP.app, 10) == [GROUP.id]


def test_a_closed_ledger_opens_again_when_it_is_used(shared_ledger: OpenLedger) -> None:
    shared_ledger.swap(GROUP, idle_row(), {})
    shared_ledger.close()
    shared_ledger.close()
    assert shared_ledger.load(GROUP) == idle_row()


@pytest.mark.parametrize("watched", [True, False], ids=["while others have it open", "while nobody else has it open"])
def test_a_writer_killed_at_any_moment_leaves_nothing_half_written(
    shared_store: SharedStore, clock: GivenClock, closing: Closing, watched: bool
) -> None:
    """Each update is there whole, open, or not at all; none that was told of is missing; others go on at once."""
    chance = random.Random(2)
    ledger = closing(shared_store.open(clock))
    for number in range(KILLS):
        group = Group(GROUP.app, f"group {number}")
        ledger.swap(group, idle_row(), {})
        if not watched:
            ledger.close()
        told = told_before_kill(shared_store, group, after_s=chance.uniform(0, 0.02))
        check(ledger, group, told)


def told_before_kill(store: SharedStore, group: Group, after_s: float) -> int:
    """Let a process update a group, kill it some time after its first update; the last update that it told of."""
    with running(update_for_ever, store, group) as (process, pipe):
        last = received(pipe)
        time.sleep(after_s)
        process.kill()
        process.join()
        try:
            while True:
                last = pipe.recv()
        except EOFError:
            assert isinstance(last, int)
            return last


def check(ledger: OpenLedger, group: Group, told: int) -> None:
    """Row, records and mark tell the same story, and it is the one that was told, or one update further."""
    row = there(ledger.load(group))
    updates = told + 1 if row.base == works.base_after(told + 1) else told + 2
    open_id = f"attempt {updates}"
    assert row.base == works.base_after(updates)
    assert row.version == 1 + 2 * updates + (row.attempt is not None)
    assert row.attempt is None or row.attempt.id == open_id
    # Where no write holds both, the record of the update that is open may be there before its row is closed (R5).
    written = [works.records_after(updates), works.records_after(updates + (row.attempt is not None))]
    assert ledger.find(group, [str(number) for number in range(updates + 2)]) in written
    assert (group.id in ledger.unfinished(group.app, 100)) is (row.attempt is not None)
    assert ledger.swap(group, row.changed(attempt=None), {})
