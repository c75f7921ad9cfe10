"""Operations that are known by their position in a source: each is accepted once, and no record of it is kept."""

from __future__ import annotations

from dataclasses import replace

from handler.core.commands import Position
from handler.core.ledger import Look
from handler.core.rows import Entry
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, record, settlement
from tests.contract.stores import OpenLedger

ROOM = 36 * 1024
SHARD = "stream/shard-1"


def at(number: int, shard: str = SHARD) -> Position:
    """A position in a shard."""
    return Position.of(shard, str(number))


def named(*numbers: int) -> list[Entry]:
    """Operations called by their numbers."""
    return [entry(str(number)) for number in numbers]


def append(ledger: OpenLedger, *numbers: int, shard: str = SHARD) -> Look | None:
    """Append operations that stand at these numbers."""
    return ledger.append(GROUP, named(*numbers), ROOM, {str(number): at(number, shard) for number in numbers})


def queued(look: Look | None) -> list[str]:
    """What the queue holds after an append."""
    assert look is not None
    assert look.row is not None
    return [owed.id for owed in look.row.queue]


def test_what_is_appended_is_passed(ledger: OpenLedger) -> None:
    """Whatever comes again at or before that place in the shard was accepted before."""
    ledger.swap(GROUP, idle_row(), {})
    assert queued(append(ledger, 7, 9)) == ["7", "9"]
    again = append(ledger, 8, 10)
    assert queued(again) == ["7", "9", "10"]
    assert again is not None
    assert again.passed == {"8"}


def test_what_is_still_owed_is_not_told_as_passed(ledger: OpenLedger) -> None:
    """It has an entry of its own, which the caller can wait for."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, 7)
    look = append(ledger, 7)
    assert look is not None
    assert (queued(look), look.passed) == (["7"], frozenset())


def test_numbers_compare_as_numbers(ledger: OpenLedger) -> None:
    """However many digits they have."""
    ledger.swap(GROUP, idle_row(), {})
    large = 49590338271490256608559692538361571095921575989136588001
    assert queued(append(ledger, 9)) == ["9"]
    assert queued(append(ledger, 10)) == ["9", "10"]
    assert queued(append(ledger, large)) == ["9", "10", str(large)]
    assert queued(append(ledger, large - 1, large + 1)) == ["9", "10", str(large), str(large + 1)]


def test_each_shard_has_a_mark_of_its_own(ledger: OpenLedger) -> None:
    """A child shard starts anew."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, 9)
    assert queued(append(ledger, 3, shard="stream/shard-2")) == ["9", "3"]


def test_a_beginning_passes_its_positions(ledger: OpenLedger) -> None:
    """And does not hold where one of them was passed before."""
    ledger.swap(GROUP, idle_row(), {})
    first = attempt(*named(7, 8), name="first")
    begun = ledger.begin(GROUP, first, RECEIPT_KEY, GENERATION, {"7": at(7), "8": at(8)})
    assert begun is not None
    assert ledger.load(GROUP) == begun
    assert ledger.settle(GROUP, replace(settlement(first), records={}))
    second = attempt(*named(8, 9), name="second")
    assert ledger.begin(GROUP, second, RECEIPT_KEY, GENERATION, {"8": at(8), "9": at(9)}) is None
    third = attempt(*named(9), name="third")
    assert ledger.begin(GROUP, third, RECEIPT_KEY, GENERATION, {"9": at(9)}) is not None


def test_a_mark_outlasts_the_operation(ledger: OpenLedger) -> None:
    """Settled without a record, it is still known."""
    ledger.swap(GROUP, idle_row(), {})
    run = attempt(*named(7))
    ledger.begin(GROUP, run, RECEIPT_KEY, GENERATION, {"7": at(7)})
    ledger.settle(GROUP, replace(settlement(run), records={}))
    look = append(ledger, 7)
    assert look is not None
    assert queued(look) == []
    assert look.passed == {"7"}


def test_marks_stay_through_swaps(ledger: OpenLedger) -> None:
    """They are part of the row."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, 7)
    row = ledger.load(GROUP)
    assert row is not None
    assert row.has_passed(at(7))
    assert not row.has_passed(at(8))
    assert ledger.swap(GROUP, row.changed(queue=()).marked([at(5), at(9)]), {})
    look = append(ledger, 9, 10)
    assert look is not None
    assert queued(look) == ["10"]
    assert look.passed == {"9"}


def test_a_record_is_as_good_as_a_mark(ledger: OpenLedger) -> None:
    """What was accepted by its key is not accepted by its position."""
    ledger.swap(GROUP, idle_row(), {"7": record("7")})
    look = append(ledger, 7, 8)
    assert look is not None
    assert (queued(look), set(look.records)) == (["8"], {"7"})
