"""The pause of every group stands in the record of the generation, where every instance reads it anyway."""

import pytest
from msgspec.structs import replace

from handler.core.model.row import Pause
from handler.core.ports.ledger import Generation
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row
from tests.contract.stores import Closing, GivenClock, OpenLedger, SharedStore

PAUSE = Pause(1_700_000_000, 'a "migration" 群😀')

# The seconds within which every instance that asks knows of a pause, and of its end.
KNOWN_AFTER_S = 5.0


def test_a_new_ledger_is_not_paused(ledger: OpenLedger) -> None:
    assert ledger.generation().paused is None
    assert ledger.pause(None) == ledger.generation() == Generation(1, 0)


def test_a_pause_lasts_until_it_is_ended(ledger: OpenLedger) -> None:
    assert ledger.pause(PAUSE) == ledger.generation() == Generation(1, 0, PAUSE)
    assert ledger.pause(None) == ledger.generation() == Generation(1, 0)


def test_a_pause_takes_the_place_of_another(ledger: OpenLedger) -> None:
    ledger.pause(PAUSE)
    other = replace(PAUSE, since=1_700_000_009, reason="another")
    assert ledger.pause(other) == ledger.generation() == Generation(1, 0, other)


def test_a_pause_is_kept_when_a_generation_is_raised_and_started(ledger: OpenLedger) -> None:
    """A store that was put back while everything was paused stays paused."""
    ledger.pause(PAUSE)
    raised = ledger.raise_generation()
    assert raised == Generation(2, 0, PAUSE)
    started = ledger.start_generation(raised, 1_800_000_000)
    assert started == ledger.generation() == Generation(2, 1_800_000_000, PAUSE)
    assert ledger.start_generation(raised, 1_800_000_009) == started


def test_a_start_is_stamped_although_a_pause_began_or_ended_since(ledger: OpenLedger) -> None:
    raised = ledger.raise_generation()
    ledger.pause(PAUSE)
    assert ledger.start_generation(raised, 1_800_000_000) == Generation(2, 1_800_000_000, PAUSE)


def test_a_pause_of_a_generation_that_has_started_leaves_its_start(ledger: OpenLedger) -> None:
    started = ledger.start_generation(ledger.raise_generation(), 1_800_000_000)
    assert ledger.pause(PAUSE) == replace(started, paused=PAUSE)
    assert ledger.pause(None) == started


def test_a_pause_is_there_for_an_instance_that_starts_later(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    first = shared_store.open(clock)
    first.pause(PAUSE)
    first.close()
    assert closing(shared_store.open(clock)).generation() == Generation(1, 0, PAUSE)


def test_an_instance_that_is_at_work_learns_of_a_pause_and_of_its_end(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    """By its next write that would open an attempt, or by asking a little later."""
    operator, other = closing(shared_store.open(clock)), closing(shared_store.open(clock))
    operator.swap(GROUP, idle_row(), {})
    assert other.generation() == Generation(1, 0)
    operator.pause(PAUSE)
    other.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION)
    clock.advance(KNOWN_AFTER_S)
    assert other.generation() == Generation(1, 0, PAUSE)
    operator.pause(None)
    clock.advance(KNOWN_AFTER_S)
    assert other.generation() == Generation(1, 0)


def test_an_operator_at_any_instance_reads_the_pause_that_another_has_just_begun_or_ended(
    shared_store: SharedStore, clock: GivenClock, closing: Closing
) -> None:
    """Else a resume that came to another instance would find nothing to end, and leave the pause."""
    one, other = closing(shared_store.open(clock)), closing(shared_store.open(clock))
    assert other.generation() == Generation(1, 0)
    one.pause(PAUSE)
    assert other.generation_now() == Generation(1, 0, PAUSE)
    one.pause(None)
    assert other.generation_now() == Generation(1, 0)


@pytest.mark.parametrize("pauses", [1, 2])
def test_rows_are_written_during_a_pause_by_those_who_know_of_it(ledger: OpenLedger, pauses: int) -> None:
    """Verdicts and first rows are."""
    for number in range(pauses):
        ledger.pause(replace(PAUSE, since=PAUSE.since + number))
    assert ledger.swap(GROUP, idle_row(), {})
    assert ledger.swap(GROUP, idle_row().changed(base=5), {})
