"""A settlement writes an attempt's records and closes it, and touches nothing else of the row."""

import pytest
from msgspec.structs import replace

from handler.core.model.row import Row, Settlement
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
)
from tests.contract.stores import OpenLedger

ATTEMPT = attempt(entry("first"), entry("second"))
SETTLEMENT = settlement(ATTEMPT)
OPEN_ROW = replace(idle_row().opened(ATTEMPT), version=1)
SETTLED_ROW = idle_row().changed(base=SETTLEMENT.new_base)

OTHER_ROWS = {
    "no attempt is open": idle_row(),
    "another attempt is open": replace(OPEN_ROW, attempt=attempt(entry("first"), name="other")),
    "the base has moved": replace(OPEN_ROW, base=1001),
    "the base is not known": replace(OPEN_ROW, base=None),
}


def test_a_landed_attempt_is_closed_with_its_records(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    ledger.begin(GROUP, ATTEMPT, RECEIPT_KEY, GENERATION)
    assert ledger.settle(GROUP, SETTLEMENT)
    assert ledger.load(GROUP) == replace(idle_row(), version=3, base=SETTLEMENT.new_base)
    assert ledger.find(GROUP, ["first", "second"]) == {"first": record("first"), "second": record("second")}


def test_what_others_have_queued_meanwhile_stays(ledger: OpenLedger) -> None:
    """The settlement needs no version, so appending does not get in its way."""
    ledger.swap(GROUP, OPEN_ROW, {})
    waiting = (entry("third"), entry("fourth"))
    ledger.swap(GROUP, OPEN_ROW.changed(queue=waiting), {})
    assert ledger.settle(GROUP, SETTLEMENT)
    assert ledger.load(GROUP) == replace(SETTLED_ROW, version=3, queue=waiting)


def test_whoever_read_the_row_before_a_settlement_cannot_swap_any_more(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, OPEN_ROW, {})
    ledger.settle(GROUP, SETTLEMENT)
    assert not ledger.swap(GROUP, OPEN_ROW.changed(queue=(entry("late"),)), {})


@pytest.mark.parametrize("row", OTHER_ROWS.values(), ids=OTHER_ROWS)
def test_a_settlement_does_not_hold_where(ledger: OpenLedger, row: Row) -> None:
    ledger.swap(GROUP, row, {})
    assert not ledger.settle(GROUP, SETTLEMENT)
    assert ledger.load(GROUP) == row
    assert ledger.find(GROUP, ["first", "second"]) == {}


def test_a_settlement_does_not_hold_in_a_group_never_seen(ledger: OpenLedger) -> None:
    assert not ledger.settle(GROUP, SETTLEMENT)
    assert ledger.load(GROUP) is None
    assert ledger.find(GROUP, ["first", "second"]) == {}


def test_an_attempt_settles_once(ledger: OpenLedger) -> None:
    """Whoever comes second, perhaps with other values in hand, changes nothing."""
    ledger.swap(GROUP, OPEN_ROW, {})
    assert ledger.settle(GROUP, SETTLEMENT)
    late = replace(SETTLEMENT, records={"first": record("first", value=99)})
    assert not ledger.settle(GROUP, late)
    assert ledger.load(GROUP) == SETTLED_ROW
    assert ledger.find(GROUP, ["first"]) == {"first": record("first")}


def test_an_attempt_that_owes_nobody_settles_without_records(ledger: OpenLedger) -> None:
    """The correction of a late landing is one."""
    ledger.swap(GROUP, OPEN_ROW, {})
    assert ledger.settle(GROUP, Settlement(attempt=ATTEMPT, base=1000, new_base=SETTLEMENT.new_base))
    assert ledger.load(GROUP) == SETTLED_ROW


def test_a_group_with_nothing_left_to_do_is_finished(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, OPEN_ROW, {})
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]
    ledger.settle(GROUP, SETTLEMENT)
    assert ledger.unfinished(GROUP.app, 10) == []


@pytest.mark.parametrize(
    "row",
    [
        replace(OPEN_ROW, queue=(entry("waiting"),)),
        replace(OPEN_ROW, remembered=(past_attempt(),)),
        replace(OPEN_ROW, debt=(("like", 5),)),
    ],
    ids=["with a queue", "with a remembered attempt", "with a debt"],
)
def test_a_group_stays_unfinished(ledger: OpenLedger, row: Row) -> None:
    ledger.swap(GROUP, row, {})
    assert ledger.settle(GROUP, SETTLEMENT)
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]
