"""A ledger keeps the notes of windows, which are replaced by whoever has read the last ones."""

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, claim, entry, idle_row, settlement
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore

APP = GROUP.app


def test_there_are_none_at_first(ledger: OpenLedger) -> None:
    assert ledger.windows(APP) is None
    assert not ledger.note_windows(APP, "[1]", "[0]")
    assert ledger.windows(APP) is None


def test_the_first_of_two_who_have_read_the_same_is_the_one(ledger: OpenLedger) -> None:
    """The other one has to read again."""
    for before, one, other in ((None, "[1]", "[2]"), ("[1]", "[3]", "[4]")):
        assert ledger.note_windows(APP, one, before)
        assert not ledger.note_windows(APP, other, before)
        assert ledger.windows(APP) == one


def test_each_app_has_its_own(ledger: OpenLedger) -> None:
    assert ledger.note_windows(APP, "[1]", None)
    assert ledger.windows(APP + 1) is None
    assert ledger.note_windows(APP + 1, "[2]", None)
    assert ledger.windows(APP) == "[1]"


def test_notes_outlast_their_writer_and_a_new_generation(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    first = shared_store.open(clock)
    assert first.note_windows(APP, "[1]", None)
    first.raise_generation()
    first.close()
    clock.advance(10**8)
    assert closing(shared_store.open(clock)).windows(APP) == "[1]"


@pytest.mark.parametrize("applied", [True, False])
def test_a_note_whose_answer_is_lost_is_found_or_not(
    shared_store: SharedStore, clock: GivenClock, closing: Closing, *, applied: bool
) -> None:
    sound = closing(shared_store.open(clock))
    assert sound.windows(APP) is None
    with pytest.raises(AnswerLost):
        closing(shared_store.open_losing_answers(clock, applied=applied)).note_windows(APP, "[1]", None)
    assert sound.windows(APP) == ("[1]" if applied else None)


def test_an_empty_ledger_has_no_rows(ledger: OpenLedger, clock: GivenClock) -> None:
    ledger.generation()
    ledger.lease(claim(clock, 1))
    ledger.note_windows(APP, "[1]", None)
    ledger.raise_generation()
    assert not ledger.has_rows(APP)


def test_a_ledger_in_which_something_has_landed_has_rows(ledger: OpenLedger) -> None:
    run = attempt(entry())
    ledger.swap(GROUP, idle_row(), {})
    assert ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION)
    assert ledger.settle(GROUP, replace(settlement(run), keys=(("like", 1),)))
    assert ledger.has_rows(APP)


def test_a_ledger_with_an_unfinished_group_has_rows(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, replace(idle_row(), queue=(entry(),)), {})
    assert ledger.has_rows(APP)
