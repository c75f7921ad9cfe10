"""Many workers on one group: every write that was answered with yes is there, and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from handler.core.model.row import Group
from tests.contract import works
from tests.contract.processes import Work, in_processes
from tests.contract.samples import GROUP, attempt, entry, idle_row, record, there
from tests.contract.stores import OpenLedger, SharedStore

WORKERS = 8
TIMES = 8


def in_threads(ledger: OpenLedger, tasks: list[Work]) -> list[object]:
    """Do every work in a thread of its own, all with the same ledger."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(lambda task: task(ledger), tasks))


def assert_counted(ledger: OpenLedger) -> None:
    """Every increment of every worker is there."""
    row = there(ledger.load(GROUP))
    assert (row.base, row.version) == (1000 + WORKERS * TIMES, 1 + WORKERS * TIMES)


def test_increments_by_threads_are_all_counted(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    in_threads(ledger, [partial(works.increment, times=TIMES)] * WORKERS)
    assert_counted(ledger)


def test_increments_by_processes_are_all_counted(shared_store: SharedStore, shared_ledger: OpenLedger) -> None:
    shared_ledger.swap(GROUP, idle_row(), {})
    in_processes(shared_store, [partial(works.increment, times=TIMES)] * WORKERS)
    assert_counted(shared_ledger)


def test_operations_appended_by_processes_are_all_owed_once(
    shared_store: SharedStore, shared_ledger: OpenLedger
) -> None:
    """From the creation of the row on, each worker's own in its own order."""
    names = [[f"{worker}.{number}" for number in range(TIMES)] for worker in range(WORKERS)]
    in_processes(shared_store, [partial(works.append, names=mine) for mine in names])
    row = there(shared_ledger.load(GROUP))
    owed = [operation.id for operation in row.queue]
    assert sorted(owed) == sorted(chain.from_iterable(names))
    assert [[name for name in owed if name in mine] for mine in names] == names


def test_of_processes_that_begin_together_one_opens_its_attempt(
    shared_store: SharedStore, shared_ledger: OpenLedger
) -> None:
    """The others find the group busy, and the attempt in the row is the winner's."""
    shared_ledger.swap(GROUP, idle_row(), {})
    won = in_processes(shared_store, [partial(works.begin, name=f"worker {number}") for number in range(WORKERS)])
    assert sorted(map(bool, won)) == [False] * (WORKERS - 1) + [True]
    row = there(shared_ledger.load(GROUP))
    assert there(row.attempt).id == f"worker {won.index(True)}"


def test_of_threads_that_settle_together_one_gives_the_answer(ledger: OpenLedger) -> None:
    """An attempt is settled once, and what is on record is what the winner wrote."""
    ledger.swap(GROUP, idle_row(), {})
    ledger.swap(GROUP, idle_row().opened(attempt(entry())), {})
    won = in_threads(ledger, [partial(works.settle, value=number) for number in range(WORKERS)])
    assert sorted(map(bool, won)) == [False] * (WORKERS - 1) + [True]
    assert ledger.find(GROUP, ["operation"]) == {"operation": record(value=won.index(True))}


def test_groups_do_not_get_in_each_others_way(ledger: OpenLedger) -> None:
    """Where each worker has a group of its own, no swap is ever refused."""

    def swap_on(number: int) -> bool:
        row, mine = idle_row(), Group(GROUP.app, f"group {number}")
        held = [ledger.swap(mine, row, {})]
        for _ in range(TIMES):
            row = row.changed()
            held.append(ledger.swap(mine, row, {}))
        return all(held)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert all(pool.map(swap_on, range(WORKERS)))
