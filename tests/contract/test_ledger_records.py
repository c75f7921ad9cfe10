"""Records hold answers: written with the row or not at all, never changed, kept until their window has passed."""

from itertools import count

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Answer, Applied, Record, Rejected, Unknown
from handler.core.model.row import Row
from tests.contract.samples import GROUP, WINDOW_S, attempt, entry, idle_row, record, settlement, there
from tests.contract.stores import GivenClock, OpenLedger

ANSWERS: dict[str, Answer] = {
    "applied": Applied((("like", 2**63 - 1), ("ключ '\"\\ 😀", -1))),
    "seen later": Applied((), observed_later=True),
    "rejected": Rejected(10010, "no such group\n"),
    "unknown": Unknown("no answer"),
}
# A write or two do not have to suffice, as long as expired records go away faster than new ones come.
SOME_WRITES = 30


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_record_is_found_as_it_was_written(ledger: OpenLedger, answer: Answer) -> None:
    written = Record("v1:abc", answer, 1_700_000_000.25, 0.5 + WINDOW_S)
    assert ledger.swap(GROUP, idle_row(), {"operation": written})
    assert ledger.find(GROUP, ["operation"]) == {"operation": written}


def test_only_the_records_asked_for_are_found(ledger: OpenLedger) -> None:
    """Unknown ids are left out, ids asked for twice are found once."""
    ledger.swap(GROUP, idle_row(), {name: record(name) for name in ("a", "b", "c")})
    assert ledger.find(GROUP, ["c", "missing", "a", "a"]) == {"a": record("a"), "c": record("c")}
    assert ledger.find(GROUP, []) == {}


def test_records_can_be_written_and_found_by_the_hundred(ledger: OpenLedger) -> None:
    """A batch is as large as its source makes it."""
    records = {f"operation {number}": record(f"operation {number}", number) for number in range(600)}
    assert ledger.swap(GROUP, idle_row(), records)
    assert ledger.find(GROUP, [*records, *(f"missing {number}" for number in range(1400))]) == records


@pytest.mark.parametrize("write", ["swap", "settle"])
def test_the_first_answer_wins(ledger: OpenLedger, write: str) -> None:
    """It may have been given to a caller. The row goes on, so that no mistake elsewhere can hold up a group."""
    run = attempt(entry())
    opened = replace(idle_row().opened(run), version=1)
    assert ledger.swap(GROUP, opened, {"operation": record(value=1)})
    if write == "swap":
        assert ledger.swap(GROUP, opened.changed(attempt=None), {"operation": record(value=2)})
    else:
        assert ledger.settle(GROUP, replace(settlement(run), records={"operation": record(value=2)}))
    assert ledger.find(GROUP, ["operation"]) == {"operation": record(value=1)}
    row = there(ledger.load(GROUP))
    assert (row.version, row.attempt) == (2, None)


def test_records_stay_until_their_window_has_passed(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.swap(GROUP, idle_row(), {"operation": record(at=clock.now())})
    clock.advance(WINDOW_S - 1)
    write_more(ledger, SOME_WRITES)
    assert ledger.find(GROUP, ["operation"]) == {"operation": record(at=clock.now() - WINDOW_S + 1)}


def test_records_are_gone_some_writes_after_their_window(ledger: OpenLedger, clock: GivenClock) -> None:
    short, long = record("short", at=clock.now()), replace(record("long", at=clock.now()), window_s=3 * WINDOW_S)
    ledger.swap(GROUP, idle_row(), {"short": short, "long": long})
    clock.advance(2 * WINDOW_S)
    write_more(ledger, SOME_WRITES)
    assert ledger.find(GROUP, ["short", "long"]) == {"long": long}


def test_a_backlog_of_expired_records_shrinks_while_new_ones_are_written(ledger: OpenLedger, clock: GivenClock) -> None:
    """A store under steady load does not grow for ever, whatever the size of its batches."""
    old = {f"old {number}": record(at=clock.now()) for number in range(100)}
    ledger.swap(GROUP, idle_row(), old)
    clock.advance(2 * WINDOW_S)
    write_more(ledger, SOME_WRITES, records_each=10)
    assert ledger.find(GROUP, list(old)) == {}


def test_a_steady_load_of_batches_leaves_no_growing_backlog(ledger: OpenLedger, clock: GivenClock) -> None:
    """Where every write adds many records, it takes away at least as many that have expired."""
    ledger.swap(GROUP, idle_row(), {})
    row, written = idle_row(), [str(number) for number in range(500)]
    for batch in range(50):
        row = row.changed()
        names = written[batch * 10 : batch * 10 + 10]
        assert ledger.swap(GROUP, row, {name: record(name, at=clock.now()) for name in names})
        clock.advance(WINDOW_S)
    assert len(ledger.find(GROUP, written)) < 100


def test_an_expired_record_that_is_gone_lets_its_operation_begin_again(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.swap(GROUP, idle_row(), {"operation": record(at=clock.now())})
    clock.advance(2 * WINDOW_S)
    row = write_more(ledger, SOME_WRITES)
    assert ledger.begin(GROUP, attempt(entry()), row.receipt_key, row.generation) is not None


def write_more(ledger: OpenLedger, writes: int, records_each: int = 0) -> Row:
    """Write new versions of the row, some with new records that last."""
    row, numbers = ledger.load(GROUP), count()
    assert row is not None
    for _ in range(writes):
        row = row.changed()
        fresh = {f"new {next(numbers)}": record(at=2_000_000_000) for _ in range(records_each)}
        assert ledger.swap(GROUP, row, fresh)
    return row
