"""The ledger of simulations does what the real one does, and can go back in time."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from handler.core.model.row import Group, Settlement
from handler.core.ports.ledger import Ledger
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, past_attempt, record
from tests.contract.stores import GivenClock
from tests.sandbox.memory_ledger import MemoryLedger

STEPS = 400


def test_a_restored_ledger_holds_what_it_held_then(clock: GivenClock) -> None:
    """What was written since is gone, as after the restoration of a real store."""
    ledger = MemoryLedger(clock)
    ledger.swap(GROUP, idle_row(), {"before": record("before")})
    snapshot = ledger.snapshot()
    ledger.swap(GROUP, idle_row().changed(base=2000), {"after": record("after")})
    ledger.swap(Group(2, "new"), idle_row(), {})
    ledger.restore(snapshot)
    assert ledger.load(GROUP) == idle_row()
    assert ledger.load(Group(2, "new")) is None
    assert ledger.find(GROUP, ["before", "after"]) == {"before": record("before")}


def test_a_snapshot_can_be_restored_again_and_again(clock: GivenClock) -> None:
    """Neither what follows it nor what follows its restoration changes it."""
    ledger = MemoryLedger(clock)
    ledger.swap(GROUP, idle_row(), {})
    snapshot = ledger.snapshot()
    for base in (1, 2):
        ledger.restore(snapshot)
        assert ledger.load(GROUP) == idle_row()
        ledger.swap(GROUP, idle_row().changed(base=base), {"operation": record()})


def test_an_attempt_to_change_an_answer_is_noticed(clock: GivenClock) -> None:
    """A simulation can prove that it never happens; the same answer again is none."""
    ledger = MemoryLedger(clock)
    ledger.swap(GROUP, idle_row(), {"operation": record(value=1)})
    ledger.swap(GROUP, idle_row().changed(), {"operation": record(value=1)})
    assert ledger.conflicts == []
    ledger.swap(GROUP, idle_row().changed().changed(), {"operation": record(value=2)})
    assert ledger.conflicts == [(GROUP, "operation")]


def test_it_does_what_sqlite_does_step_by_step(clock: GivenClock, tmp_path: Path) -> None:
    """The same random calls, refused ones among them, get the same answers and leave the same rows and records."""
    chance = random.Random(7)
    with closing(SqliteLedger(str(tmp_path / "ledger.db"), clock, synchronous="normal")) as sqlite:
        memory = MemoryLedger(clock)
        for _ in range(STEPS):
            step = random_step(chance, memory)
            assert step(memory) == step(sqlite)
            clock.advance(chance.uniform(0, 60))


def test_keeping_objects_changes_nothing(clock: GivenClock) -> None:
    """The quicker form of the same ledger gets the same answers."""
    chance = random.Random(8)
    texts, objects = MemoryLedger(clock), MemoryLedger(clock, keeps_objects=True)
    for _ in range(STEPS):
        step = random_step(chance, texts)
        assert step(objects) == step(texts)
        clock.advance(chance.uniform(0, 60))


def random_step(chance: random.Random, ledger: Ledger) -> Callable[[Ledger], object]:
    """A call that often holds, judging by what is in `ledger`."""
    group = Group(chance.choice((1, 2)), chance.choice("ab"))
    row = ledger.load(group) or replace(idle_row(), version=0)
    name = str(chance.randrange(40))
    records = {name: record(name, at=1_700_000_000)} if chance.random() < 0.5 else {}
    run = attempt(entry(name), name=name)
    changed = chance.choice(
        [
            row.changed(attempt=None, queue=(), remembered=(), frozen=None),
            row.changed(queue=(*row.queue, entry(name))),
            row.changed(remembered=(past_attempt(),)),
            row.changed(frozen="unexplained"),
            row,
        ]
    )
    opened = row.attempt or attempt(name=name)
    limit, after = chance.randrange(3), chance.choice(["", "a"])
    landed = Settlement(
        attempt=opened, base=chance.choice((row.base or 0, 7)), new_base=chance.randrange(2000), records=records
    )
    return chance.choice(
        [
            lambda ledger: ledger.swap(group, changed, records),
            lambda ledger: ledger.begin(group, run, RECEIPT_KEY, GENERATION),
            lambda ledger: ledger.settle(group, landed),
            lambda ledger: ledger.load(group),
            lambda ledger: ledger.find(group, [str(number) for number in range(40)]),
            lambda ledger: (ledger.unfinished(group.app, limit, after), ledger.held(group.app, limit, after)),
        ]
    )
