"""Watermarks: what is passed by a mark, by what a row owes, and by what a row of before says itself."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import NO_WATERMARKS, Position, Watermarks
from handler.core.model.outcome import Pending, Rejected, Unknown
from handler.core.model.row import Entry, Remembered, Row
from handler.core.operator.verdicts import Decision, OperatorVerdict, unfrozen
from handler.core.state.receipts import ReceiptReading
from handler.core.state.transitions import CounterReading, answered, landed, rejected_from_queue
from handler.core.state.watermarks import MOVED_AT_ONCE, are_new, moved, reached, watermarks_of
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, RULES, Scene, increase

FULL = 500


def at(number: int, source: str = "s") -> Position:
    return Position.of(source, str(number))


def placed(number: int, source: str = "s") -> Entry:
    return replace(entry(f"{source}{number}"), position=at(number, source), window_s=0.0)


@pytest.mark.parametrize(
    ("stored", "watermarks"),
    [
        (None, {at(0).partition: at(7).sequence}),
        (row(), {at(0).partition: at(7).sequence}),
        (row(queue=(placed(6), placed(7))), NO_WATERMARKS),
        (row(attempt(placed(7)), queue=(placed(2, "t"),)), {at(0).partition: at(3).sequence}),
        (row(attempt(entry("keyed")), queue=(placed(7),)), {at(0).partition: ""}),
        (replace(row(), watermarks=((at(0).partition, at(7).sequence),)), NO_WATERMARKS),
        (
            replace(row(queue=(placed(7),)), watermarks=((at(0).partition, at(5).sequence),)),
            {at(0).partition: at(3).sequence},
        ),
    ],
    ids=["no row", "marked", "queued", "carried", "behind a call", "of before", "all three"],
)
def test_what_stands_at_or_before_the_highest_is_passed(stored: Row | None, watermarks: Watermarks) -> None:
    known = reached([at(0).partition, at(0, "u").partition], stored, watermarks)
    assert known == {at(0).partition: at(7).sequence, at(0, "u").partition: ""}
    assert [are_new([placed(number), entry("keyed")], stored, watermarks) for number in (5, 7, 8, 10)] == [
        *[False] * 2,
        *[True] * 2,
    ]


def test_marks_of_an_older_row_become_records_some_at_a_time() -> None:
    watermarks = tuple((f"{number:016}", at(number).sequence) for number in range(MOVED_AT_ONCE + 3))
    before = replace(row(), watermarks=watermarks)
    after, written = moved(before)
    assert (after.version, after.watermarks, written) == (
        before.version + 1,
        watermarks[-3:],
        dict(watermarks[:MOVED_AT_ONCE]),
    )
    assert moved(after) == (after.changed(watermarks=()), dict(watermarks[-3:]))


def old_row(count: int, *queue: Entry) -> Row:
    """A row that holds the marks of so many shards itself."""
    return replace(
        row(queue=queue), watermarks=tuple((at(0, str(shard)).partition, at(9).sequence) for shard in range(count))
    )


@pytest.mark.parametrize("count", [1, 100, 415, FULL])
def test_the_next_operation_moves_the_marks_of_an_older_row(count: int) -> None:
    """However full the row is of them: it is settled, and they count as before."""
    scene = Scene(old_row(count))
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert (scene.row.watermarks, scene.row.is_settled, scene.api.counters["like"]) == ((), True, 5)
    partitions = [at(0, str(shard)).partition for shard in range(count)]
    assert set(scene.ledger.watermarks(GROUP, partitions).values()) == {at(9).sequence}
    again = replace(increase("9"), position=at(9, "0"))
    assert isinstance(scene.outcome(again, 5), Pending)
    assert scene.api.counters["like"] == 5


SEEN = CounterReading({"like": 10}, later=True, at=NOW)


def test_whatever_ends_that_an_operation_is_owed_raises_its_mark() -> None:
    """A rejection, an unknown outcome, a refusal from the queue, a late landing."""
    owed = row(attempt(placed(7)), queue=(placed(8), placed(2, "t")))
    for answer in (Rejected(10004, "no"), Unknown("lost")):
        assert answered(owed, answer, NOW).watermarks == watermarks_of([placed(7)])
    assert rejected_from_queue(owed, Rejected(10063, "full"), NOW).watermarks == watermarks_of(
        [placed(8), placed(2, "t")]
    )
    past = Remembered(attempt(placed(7), name="past"))
    late = landed(row(queue=(placed(7), placed(8)), remembered=(past,)), BASE, {"past": 1}, SEEN)
    assert late.watermarks == watermarks_of([placed(7)])
    assert [entry.id for entry in late.row.owed] == ["s8"]
    assert landed(row(attempt(entry("keyed"))), BASE, {"attempt": 1}, SEEN).watermarks == {}


def test_an_operators_landed_raises_the_mark_and_not_landed_does_not() -> None:
    frozen = replace(row(attempt(placed(7), placed(8))), frozen="unexplained")
    for first, second, watermarks in (
        (OperatorVerdict.LANDED, OperatorVerdict.NOT_LANDED, watermarks_of([placed(7)])),
        (OperatorVerdict.NOT_LANDED, OperatorVerdict.NOT_LANDED, {}),
    ):
        verdicts = Decision({"s7": first, "s8": second})
        receipt = ReceiptReading(BASE, NOW + 3600)
        change = unfrozen(frozen, verdicts, receipt=receipt, counters=SEEN, generation=1, rules=RULES)
        assert change.watermarks == watermarks
        assert placed(8) in change.row.owed
