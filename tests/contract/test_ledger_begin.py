"""The fast path opens an attempt in one step, and only in a group where nothing else is owed or open."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.pace import Pace
from handler.core.model.row import Row
from tests.contract.samples import (
    GENERATION,
    GROUP,
    RECEIPT_KEY,
    attempt,
    entry,
    idle_row,
    past_attempt,
    record,
    settlement,
    there,
)
from tests.contract.stores import OpenLedger

BUSY_ROWS = {
    "an attempt is open": idle_row().opened(attempt(name="other")),
    "operations wait in the queue": replace(idle_row(), queue=(entry("waiting"),)),
    "a past attempt is remembered": replace(idle_row(), remembered=(past_attempt(),)),
    "a debt is owed": replace(idle_row(), debt=(("like", 5),)),
    "the group is frozen": replace(idle_row(), frozen="unexplained"),
    "the receipt is not known yet": replace(idle_row(), base=None),
    "the row has another receipt key": replace(idle_row(), receipt_key="other"),
    "the row has no receipts": replace(idle_row(), receipt_key=""),
    "the row is of an older generation": replace(idle_row(), generation=GENERATION - 1),
    "the row is of a newer generation": replace(idle_row(), generation=GENERATION + 1),
}


# A Decrease may begin from 2^32 on, a Set from zero on, and nothing far off.
OPEN_FROM = {Mode.INCREASE: 2**32 - 2**48, Mode.DECREASE: 2**32, Mode.SET: 0}


def begin(ledger: OpenLedger, name: str = "attempt") -> Row | None:
    return ledger.begin(GROUP, attempt(entry(), name=name), RECEIPT_KEY, GENERATION)


def test_an_attempt_is_opened_in_an_idle_group(ledger: OpenLedger) -> None:
    """The row given back is the one stored: the next version, with the attempt standing on the base of this moment."""
    ledger.swap(GROUP, idle_row(), {})
    opened = begin(ledger)
    assert opened == replace(idle_row(), version=2, attempt=replace(attempt(entry()), base=1000))
    assert ledger.load(GROUP) == opened


def test_the_base_that_counts_is_the_stored_one(ledger: OpenLedger) -> None:
    """Whatever base the new attempt brings along."""
    ledger.swap(GROUP, idle_row(), {})
    opened = there(ledger.begin(GROUP, replace(attempt(), base=77), RECEIPT_KEY, GENERATION))
    assert there(opened.attempt).base == 1000


def test_nothing_is_opened_in_a_group_never_seen(ledger: OpenLedger) -> None:
    assert begin(ledger) is None
    assert ledger.load(GROUP) is None


@pytest.mark.parametrize("row", BUSY_ROWS.values(), ids=BUSY_ROWS)
def test_nothing_is_opened_where(ledger: OpenLedger, row: Row) -> None:
    stored = replace(row, version=1)
    ledger.swap(GROUP, stored, {})
    assert begin(ledger) is None
    assert ledger.load(GROUP) == stored


@pytest.mark.parametrize("mode", OPEN_FROM, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("off", "opened"), [(-1, False), (0, True)], ids=["just below", "from there on"])
def test_an_attempt_begins_where_its_mode_may(ledger: OpenLedger, mode: Mode, off: int, *, opened: bool) -> None:
    """Below, the receipt has to be moved first, or written otherwise than whoever begins can know (R2)."""
    ledger.swap(GROUP, replace(idle_row(), base=OPEN_FROM[mode] + off), {})
    begun = ledger.begin(GROUP, replace(attempt(), mode=mode), RECEIPT_KEY, GENERATION)
    assert (begun is not None) == opened


def test_nothing_begins_on_a_receipt_that_is_far_off(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, replace(idle_row(), base=2**63 - 10**6), {})
    assert begin(ledger) is None


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
def test_without_receipts_there_is_nothing_to_move_first(ledger: OpenLedger, mode: Mode) -> None:
    """The base of such a row stays at zero."""
    ledger.swap(GROUP, replace(idle_row(), base=0, receipt_key=""), {})
    assert ledger.begin(GROUP, replace(attempt(), mode=mode), "", GENERATION) is not None


@pytest.mark.parametrize("known", ["first", "second", "third"])
def test_nothing_is_opened_if_any_of_its_operations_is_finished(ledger: OpenLedger, known: str) -> None:
    ledger.swap(GROUP, idle_row(), {known: record(known)})
    run = attempt(entry("first"), entry("second"), entry("third"))
    assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION) is None
    assert ledger.load(GROUP) == idle_row()


NOW_MS = 1_700_000_000_000
PACE = Pace(now_ms=NOW_MS, interval_ms=2500, ahead_max_ms=5000)

# When the last call was opened, and whether another one may open now.
STAMPS = {
    "never": (0, True),
    "longer ago than the interval": (NOW_MS - 2501, True),
    "as long ago as the interval": (NOW_MS - 2500, True),
    "less long ago": (NOW_MS - 2499, False),
    "as far ahead as clocks differ": (NOW_MS + 5000, False),
    "further ahead": (NOW_MS + 5001, True),
}


@pytest.mark.parametrize(("called_ms", "opened"), STAMPS.values(), ids=STAMPS)
def test_calls_of_a_group_keep_their_pace(ledger: OpenLedger, called_ms: int, *, opened: bool) -> None:
    """The group is idle, and was last called (R16)."""
    row = replace(idle_row(), called_ms=called_ms)
    ledger.swap(GROUP, row, {})
    begun = ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION, PACE)
    assert begun == (row.opened(attempt(), pace=PACE) if opened else None)
    assert ledger.load(GROUP) == (begun or row)


def test_the_time_of_a_call_outlives_its_settlement(ledger: OpenLedger) -> None:
    """As long as the row is changed piece by piece, and when it is written whole."""
    ledger.swap(GROUP, idle_row(), {})
    assert ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION, PACE) is not None
    assert ledger.settle(GROUP, settlement(attempt()))
    soon = replace(PACE, now_ms=NOW_MS + 2499)
    assert ledger.begin(GROUP, attempt(name="soon"), RECEIPT_KEY, GENERATION, soon) is None
    look = there(ledger.append(GROUP, [entry("waits")], 36_000))
    assert there(look.row).called_ms == NOW_MS
    assert ledger.swap(GROUP, there(look.row).changed(queue=()), {})
    assert ledger.begin(GROUP, attempt(name="soon"), RECEIPT_KEY, GENERATION, soon) is None
    later = replace(PACE, now_ms=NOW_MS + 2500)
    assert there(ledger.begin(GROUP, attempt(name="later"), RECEIPT_KEY, GENERATION, later)).called_ms == NOW_MS + 2500


def test_without_a_pace_the_time_of_the_last_call_goes(ledger: OpenLedger) -> None:
    """An earlier version refuses a row that has it."""
    ledger.swap(GROUP, replace(idle_row(), called_ms=NOW_MS), {})
    assert there(begin(ledger)).called_ms == 0
    assert there(ledger.load(GROUP)).called_ms == 0
