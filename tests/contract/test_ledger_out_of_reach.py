"""A ledger that cannot be reached says so, in one way, whatever it is asked for: nothing was written."""

from collections.abc import Callable

import pytest

from handler.core.errors import LedgerUnavailable
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, idle_row, record, settlement
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore

CALLS: dict[str, Callable[[OpenLedger], object]] = {
    "load": lambda ledger: ledger.load(GROUP),
    "find": lambda ledger: ledger.find(GROUP, ["operation"]),
    "begin": lambda ledger: ledger.begin(GROUP, attempt(), RECEIPT_KEY, GENERATION),
    "swap": lambda ledger: ledger.swap(GROUP, idle_row(), {"operation": record()}),
    "settle": lambda ledger: ledger.settle(GROUP, settlement(attempt())),
    "unfinished": lambda ledger: ledger.unfinished(GROUP.app, 10),
    "held": lambda ledger: ledger.held(GROUP.app, 10),
    "rows": lambda ledger: ledger.rows(GROUP.app, ["a", "b"]),
    "generation": lambda ledger: ledger.generation(),
    "pause": lambda ledger: ledger.pause(None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_out_of_reach_is_unavailable(
    shared_store: SharedStore, clock: GivenClock, closing: Closing, call: Callable[[OpenLedger], object]
) -> None:
    """Each of the calls raises the error that promises that nothing was written, and says what is wrong."""
    ledger = closing(shared_store.open_out_of_reach(clock))
    with pytest.raises(LedgerUnavailable) as caught:
        call(ledger)
    assert str(caught.value)


def test_to_make_a_ledger_needs_no_store(shared_store: SharedStore, clock: GivenClock) -> None:
    """Nothing is opened before the first call, so a cold start cannot fail here."""
    assert shared_store.open_out_of_reach(clock).timeout_s > 0
