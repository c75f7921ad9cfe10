"""Operations that are known by their position in a source: each is accepted once, and the mark of its place remains."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Position
from handler.core.model.outcome import UNRECORDED_S
from handler.core.model.placed import Part, added_up
from handler.core.model.row import Attempt, Entry, Group, Row, Settlement, first_row
from handler.core.ports.ledger import Look
from handler.core.state.transitions import appended
from handler.core.state.watermarks import WATERMARK_S, watermarks_of
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, past_attempt, record, there
from tests.contract.stores import GivenClock, OpenLedger

ROOM = 36 * 1024
SHARD = "stream/shard-1"
PARTITION = Position.of(SHARD, "0").partition


def at(number: int, shard: str = SHARD) -> Position:
    return Position.of(shard, str(number))


def placed(*numbers: int, shard: str = SHARD) -> list[Entry]:
    """Operations called by the numbers at which they stand."""
    return [
        replace(entry(str(number)), fingerprint="", window_s=UNRECORDED_S, position=at(number, shard))
        for number in numbers
    ]


def stretch(first: int, last: int) -> Entry:
    """Records from one number to another, added up."""
    parts = (Part((("like", 1),), last - first + 1, at(first).sequence, at(last).sequence),)
    [end] = placed(last)
    return replace(end, id=f"{first}-{last}", parts=parts, counters=added_up(end.mode, parts))


def append(ledger: OpenLedger, *numbers: int, shard: str = SHARD) -> Look | None:
    return ledger.append(GROUP, placed(*numbers, shard=shard), ROOM)


def queued(look: Look | None) -> list[str]:
    assert look is not None
    assert look.row is not None
    return [owed.id for owed in look.row.queue]


def behind(look: Look | None) -> frozenset[str]:
    """What had been passed when it came to be appended."""
    assert look is not None
    return look.passed


def run(*numbers: int, shard: str = SHARD) -> Attempt:
    """A call that carries operations at these numbers."""
    return attempt(*placed(*numbers, shard=shard), name=f"attempt {numbers[0]}")


def land(ledger: OpenLedger, opened: Attempt, base: int = 1000) -> bool:
    """Settle it: of operations with a position no record is kept."""
    return ledger.settle(GROUP, Settlement(attempt=opened, base=base, new_base=base + opened.weight))


def begin(ledger: OpenLedger, opened: Attempt) -> Row | None:
    return ledger.begin(GROUP, opened, RECEIPT_KEY, GENERATION)


def mark(ledger: OpenLedger, shard: str = SHARD) -> str:
    return ledger.watermarks(GROUP, [at(0, shard).partition]).get(at(0, shard).partition, "")


def test_what_is_appended_is_passed(ledger: OpenLedger) -> None:
    """Whatever comes again at or before the last that the row owes of the shard was accepted before."""
    ledger.swap(GROUP, idle_row(), {})
    assert queued(append(ledger, 7, 9)) == ["7", "9"]
    again = append(ledger, 8, 10)
    assert queued(again) == ["7", "9", "10"]
    assert behind(again) == {"8"}
    assert mark(ledger) == ""


def test_an_operation_keeps_its_position(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    begun = there(begin(ledger, run(7)))
    assert ledger.load(GROUP) == begun
    append(ledger, 8)
    row = there(ledger.load(GROUP))
    assert [owed.position for owed in row.owed] == [at(7), at(8)]


def test_what_is_still_owed_is_not_told_as_passed(ledger: OpenLedger) -> None:
    """It has an entry of its own, which the caller can wait for."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, 7)
    look = append(ledger, 7)
    assert (queued(look), behind(look)) == (["7"], frozenset())


@pytest.mark.parametrize("is_owed", [True, False], ids=["owed", "settled"])
def test_what_was_passed_in_part_is_not_appended(ledger: OpenLedger, *, is_owed: bool) -> None:
    """The answer says how far its place has come; nothing that came with it is appended either."""
    ledger.swap(GROUP, idle_row(), {})
    assert begin(ledger, attempt(stretch(1, 5))) is not None
    if not is_owed:
        assert land(ledger, attempt(stretch(1, 5)))
    before = ledger.load(GROUP)
    assert begin(ledger, attempt(stretch(4, 8))) is None
    look = there(ledger.append(GROUP, [entry("keyed"), stretch(1, 8), stretch(9, 9)], ROOM))
    assert look.within == {PARTITION: at(5).sequence}
    assert (look.row, look.passed, ledger.load(GROUP)) == (before, frozenset(), before)
    look = there(ledger.append(GROUP, [stretch(2, 5), stretch(6, 8)], ROOM))
    assert (queued(look), set(look.passed), dict(look.within)) == (["6-8"], {"2-5"}, {})
    assert there(there(ledger.load(GROUP)).entry("6-8")) == stretch(6, 8)


def test_no_first_row_is_made_of_what_was_passed_in_part(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {}, {PARTITION: at(5).sequence})
    assert ledger.delete(GROUP, idle_row().version)
    assert not ledger.create(GROUP, first_row([stretch(4, 8)], RECEIPT_KEY, GENERATION))
    assert ledger.create(GROUP, first_row([stretch(6, 8)], RECEIPT_KEY, GENERATION))


def test_numbers_compare_as_numbers(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    large = 49590338271490256608559692538361571095921575989136588001
    assert queued(append(ledger, 9)) == ["9"]
    assert queued(append(ledger, 10)) == ["9", "10"]
    assert queued(append(ledger, large)) == ["9", "10", str(large)]
    assert queued(append(ledger, large - 1, large + 1)) == ["9", "10", str(large), str(large + 1)]


def test_each_shard_has_a_mark_of_its_own(ledger: OpenLedger) -> None:
    """A child shard starts anew, whether its parent's last record is owed or settled."""
    ledger.swap(GROUP, idle_row(), {})
    begin(ledger, run(9))
    assert queued(append(ledger, 3, shard="stream/shard-2")) == ["3"]
    assert land(ledger, run(9))
    assert (mark(ledger), mark(ledger, "stream/shard-2")) == (at(9).sequence, "")
    assert queued(append(ledger, 4, 10, shard="stream/shard-2")) == ["3", "4", "10"]
    assert behind(append(ledger, 9)) == {"9"}


def test_each_group_has_marks_of_its_own(ledger: OpenLedger) -> None:
    other = Group(GROUP.app, f"{GROUP.id}1")
    for group in (GROUP, other):
        ledger.swap(group, idle_row(), {}, {PARTITION: at(7 + (group is other)).sequence})
    assert ledger.watermarks(GROUP, [PARTITION]) == {PARTITION: at(7).sequence}
    assert ledger.watermarks(other, [PARTITION]) == {PARTITION: at(8).sequence}
    assert ledger.watermarks(GROUP, []) == {}


def test_a_beginning_passes_its_positions(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    first = run(7, 8)
    assert begin(ledger, first) is not None
    assert behind(append(ledger, 5)) == {"5"}
    assert land(ledger, first)
    assert begin(ledger, run(8, 9)) is None
    third = run(9)
    assert begin(ledger, third) is not None


def test_a_settlement_raises_the_mark(ledger: OpenLedger) -> None:
    """Settled without a record, the operation is still known, and nothing of it is left in the row."""
    ledger.swap(GROUP, idle_row(), {})
    begin(ledger, run(7, 8))
    assert land(ledger, run(7, 8))
    assert mark(ledger) == at(8).sequence
    look = append(ledger, 7)
    assert (queued(look), set(behind(look))) == ([], {"7"})
    assert ledger.find(GROUP, ["7", "8"]) == {}


def test_a_settlement_that_does_not_hold_proves_nothing(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    begin(ledger, run(7))
    assert not land(ledger, run(9))
    assert mark(ledger) == ""


def test_a_settlement_leaves_what_else_is_owed_of_the_shard(ledger: OpenLedger) -> None:
    """What waits behind it is passed for as long as it is owed, and afterwards."""
    ledger.swap(GROUP, idle_row(), {})
    begin(ledger, run(7))
    append(ledger, 8, 9)
    assert land(ledger, run(7))
    assert mark(ledger) == at(7).sequence
    assert behind(append(ledger, 7)) == {"7"}
    row = there(ledger.load(GROUP))
    second = run(8, 9)
    assert ledger.swap(GROUP, row.opened(second), {})
    assert land(ledger, second, row.base or 0)
    assert behind(append(ledger, 7, 8, 9)) == {"7", "8", "9"}


def test_a_swap_raises_marks_with_the_row(ledger: OpenLedger) -> None:
    """As where an operation is rejected: one step has row and mark, and none of it where the row has moved."""
    ledger.swap(GROUP, idle_row(), {})
    append(ledger, 7)
    row = there(ledger.load(GROUP))
    assert not ledger.swap(GROUP, row.changed().changed(queue=()), {}, watermarks_of(row.owed))
    assert mark(ledger) == ""
    assert ledger.swap(GROUP, row.changed(queue=()), {"other": record("other")}, watermarks_of(row.owed))
    assert mark(ledger) == at(7).sequence
    assert ledger.find(GROUP, ["other"]) == {"other": record("other")}
    assert behind(append(ledger, 7)) == {"7"}


def test_a_mark_never_falls(ledger: OpenLedger) -> None:
    """What raises it less than it stands has done no harm, and the row is written all the same."""
    ledger.swap(GROUP, idle_row(), {}, {PARTITION: at(9).sequence})
    row = idle_row().changed()
    assert ledger.swap(GROUP, row, {}, {PARTITION: at(5).sequence})
    assert mark(ledger) == at(9).sequence
    assert ledger.load(GROUP) == row
    assert ledger.swap(
        GROUP, row.changed(), {"a": record("a")}, {PARTITION: at(9).sequence, at(0, "other").partition: at(1).sequence}
    )
    assert (mark(ledger), mark(ledger, "other")) == (at(9).sequence, at(1).sequence)
    assert set(ledger.find(GROUP, ["a"])) == {"a"}


def test_a_settlement_finds_its_mark_raised_already(ledger: OpenLedger) -> None:
    """By a worker that died before it could clear the row: the next one does it again."""
    ledger.swap(GROUP, idle_row(), {}, {PARTITION: at(5).sequence})
    begin(ledger, run(7))
    row = there(ledger.load(GROUP))
    # A swap that changes nothing stands for the half of a settlement.
    assert ledger.swap(GROUP, row.changed(), {}, {PARTITION: at(7).sequence})
    assert behind(append(ledger, 6)) == {"6"}
    assert land(ledger, run(7))
    settled = there(ledger.load(GROUP))
    assert (settled.attempt, mark(ledger)) == (None, at(7).sequence)


def test_keyed_and_placed_operations_share_a_call(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    opened = attempt(entry("keyed"), *placed(7), *placed(3, shard="stream/shard-2"))
    assert begin(ledger, opened) is not None
    settlement = Settlement(
        attempt=opened, base=1000, new_base=1000 + opened.weight, records={"keyed": record("keyed")}
    )
    assert ledger.settle(GROUP, settlement)
    assert ledger.find(GROUP, ["keyed", "7", "3"]) == {"keyed": record("keyed")}
    assert (mark(ledger), mark(ledger, "stream/shard-2")) == (at(7).sequence, at(3).sequence)


def test_a_record_is_as_good_as_a_mark(ledger: OpenLedger) -> None:
    """What was accepted by its key is not accepted by its position."""
    ledger.swap(GROUP, idle_row(), {"7": record("7")})
    look = there(append(ledger, 7, 8))
    assert (queued(look), set(look.records)) == (["8"], {"7"})


def test_a_batch_of_many_shards_is_settled_at_once(ledger: OpenLedger) -> None:
    """More of them than one transaction holds."""
    ledger.swap(GROUP, idle_row(), {})
    opened = attempt(*[owed for number in range(130) for owed in placed(number, shard=f"stream/{number}")])
    assert begin(ledger, opened) is not None
    assert land(ledger, opened)
    partitions = [at(0, f"stream/{number}").partition for number in range(130)]
    assert len(ledger.watermarks(GROUP, partitions)) == 130
    row = there(ledger.load(GROUP))
    watermarks = {at(0, f"other/{number}").partition: at(number).sequence for number in range(130)}
    assert ledger.swap(GROUP, row.changed(), {}, watermarks)
    assert ledger.watermarks(GROUP, list(watermarks)) == watermarks


def old(*watermarks: Position, ledger: OpenLedger) -> Row:
    """A row as rows were when they held the marks themselves, with these."""
    row = replace(idle_row(), watermarks=tuple((one.partition, one.sequence) for one in watermarks))
    assert ledger.swap(GROUP, row, {})
    return row


def test_marks_in_a_row_of_before_count(ledger: OpenLedger) -> None:
    """Nothing begins at once in such a row, so that its marks become records first."""
    row = old(at(7), ledger=ledger)
    assert ledger.load(GROUP) == row
    assert begin(ledger, run(9)) is None
    look = append(ledger, 7, 9)
    assert (queued(look), set(behind(look))) == (["9"], {"7"})
    grown = ledger.load(GROUP)
    assert grown == appended(row, placed(9))
    assert ledger.swap(GROUP, grown.changed(watermarks=()), {}, dict(row.watermarks))
    assert behind(append(ledger, 7)) == {"7"}


def test_a_row_that_remembers_owes_its_last_positions_too(ledger: OpenLedger) -> None:
    """It is not calm, and what is appended to it is passed all the same."""
    ledger.swap(GROUP, replace(idle_row(), remembered=(past_attempt(),), queue=tuple(placed(7))), {})
    assert behind(append(ledger, 6)) == {"6"}


def test_a_mark_goes_when_no_stream_can_repeat_what_it_stands_for(ledger: OpenLedger, clock: GivenClock) -> None:
    """A little more than the year for which a stream keeps its records after it rose for the last time."""
    ledger.swap(GROUP, idle_row(), {}, {PARTITION: at(7).sequence})
    clock.advance(WATERMARK_S - 10)
    assert ledger.swap(GROUP, idle_row().changed(), {}, {at(0, "another").partition: at(7).sequence})
    assert mark(ledger) == at(7).sequence
    clock.advance(20)
    assert ledger.swap(GROUP, idle_row().changed().changed(), {}, {at(0, "third").partition: at(7).sequence})
    assert (mark(ledger), mark(ledger, "another")) == ("", at(7).sequence)
