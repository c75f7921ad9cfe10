"""A write whose answer is lost may have taken effect: the error says so, and only a later read tells."""

from collections.abc import Callable

import pytest

from handler.core.errors import AnswerLost
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, record, settlement, there
from tests.contract.stores import Closing, GivenClock, OpenLedger, Store

ATTEMPT = attempt(entry())
OPENED = idle_row().opened(ATTEMPT)


@pytest.fixture(params=[True, False], ids=["took effect", "had none"])
def applied(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def lossy(
    store: Store, clock: GivenClock, ledger: OpenLedger, closing: Closing, *, applied: bool
) -> Callable[[], OpenLedger]:
    """Opens, on what `ledger` has written so far, a ledger that loses the answers of its writes."""
    return lambda: closing(store.open_losing_answers(clock, applied=applied))


def test_a_swap_whose_answer_is_lost(ledger: OpenLedger, lossy: Callable[[], OpenLedger], *, applied: bool) -> None:
    """Row and records are both there, or neither."""
    ledger.swap(GROUP, idle_row(), {})
    changed = idle_row().changed(base=2000)
    for reader in (losing := lossy(), ledger):
        if reader is losing:
            with pytest.raises(AnswerLost):
                losing.swap(GROUP, changed, {"operation": record()})
        assert reader.load(GROUP) == (changed if applied else idle_row())
        assert reader.find(GROUP, ["operation"]) == ({"operation": record()} if applied else {})


def test_a_beginning_whose_answer_is_lost(
    ledger: OpenLedger, lossy: Callable[[], OpenLedger], *, applied: bool
) -> None:
    """A worker knows its own attempt in the row by its id."""
    ledger.swap(GROUP, idle_row(), {})
    with pytest.raises(AnswerLost):
        lossy().begin(GROUP, ATTEMPT, RECEIPT_KEY, GENERATION)
    assert ledger.load(GROUP) == (OPENED if applied else idle_row())
    assert list(ledger.unfinished(GROUP.app, 10)) == ([GROUP.id] if applied else [])


def test_a_settlement_whose_answer_is_lost(
    ledger: OpenLedger, lossy: Callable[[], OpenLedger], *, applied: bool
) -> None:
    """Row and records are both there, or neither."""
    ledger.swap(GROUP, idle_row(), {})
    ledger.begin(GROUP, ATTEMPT, RECEIPT_KEY, GENERATION)
    with pytest.raises(AnswerLost):
        lossy().settle(GROUP, settlement(ATTEMPT))
    row = there(ledger.load(GROUP))
    assert (row.attempt is None, row.version) == ((True, 3) if applied else (False, 2))
    assert ledger.find(GROUP, ["operation"]) == ({"operation": record()} if applied else {})


def test_a_write_that_does_not_hold_is_refused_with_certainty(
    ledger: OpenLedger, lossy: Callable[[], OpenLedger]
) -> None:
    """Nothing was to be written, so no answer about it can be lost."""
    ledger.swap(GROUP, idle_row(), {})
    losing = lossy()
    assert not losing.swap(GROUP, idle_row(), {"operation": record()})
    assert not losing.settle(GROUP, settlement(ATTEMPT))
    assert losing.begin(GROUP, ATTEMPT, RECEIPT_KEY, GENERATION + 1) is None


def test_a_repeated_write_shows_what_became_of_the_first(
    ledger: OpenLedger, lossy: Callable[[], OpenLedger], *, applied: bool
) -> None:
    """Compare-and-swap makes a repetition harmless: it holds only if the first one did not."""
    ledger.swap(GROUP, idle_row(), {})
    changed = idle_row().changed(base=2000)
    with pytest.raises(AnswerLost):
        lossy().swap(GROUP, changed, {})
    assert ledger.swap(GROUP, changed, {}) is not applied
    assert ledger.load(GROUP) == changed
