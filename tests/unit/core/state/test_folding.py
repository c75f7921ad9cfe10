"""What records of a stream come to before they are accepted, and where one entry ends and the next begins (R13)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.entry_codec import encode_entry
from handler.core.model.operation import INT64_MAX, INT64_MIN, Counters, Mode, Position
from handler.core.model.placed import Content, Part, Place, Placed
from handler.core.model.row import Entry
from handler.core.state.folding import PARTS_BYTES, Asked
from tests.unit.core.samples import attempt, entry, row

SHARD = Position.of("stream/shard", "0").partition
PLACE = Place(SHARD, "stream", "stream/shard")
LIMIT = 19
LIKE: Counters = (("like", 1),)


def seq(number: int) -> str:
    return Position.of("", str(number)).sequence


def placed(number: int, counters: Counters = LIKE, mode: Mode = Mode.INCREASE, place: Place = PLACE) -> Placed:
    return Placed(place, (Content(mode, counters),), (seq(number),))


def fold(*items: Entry | Placed, passed: int = -1) -> tuple[Entry, ...]:
    return Asked.of(items, LIMIT, accepted_at=7).beyond({SHARD: seq(passed)} if passed >= 0 else {})


def bounds(*items: Entry | Placed, passed: int = -1) -> list[object]:
    """The keys of those with one, and the first and the last number of what was added up."""
    return [
        (int(one.first), int(one.position.sequence)) if one.position else one.id for one in fold(*items, passed=passed)
    ]


def test_records_of_one_content_become_one_entry_with_their_number() -> None:
    [one] = fold(*[placed(number) for number in range(100)])
    assert (one.counters, one.records, one.parts) == ((("like", 100),), 100, (Part(LIKE, 100, seq(0), seq(99)),))
    assert (one.position, one.fingerprint, one.window_s, one.accepted_at) == (Position(SHARD, seq(99)), "", 0.0, 7)
    assert one.origin is not None
    assert (one.origin.source, one.origin.place) == ("stream", "stream/shard")


def test_each_content_keeps_its_number_and_its_range() -> None:
    both = (("like", 5), ("gift", 2))
    [one] = fold(placed(1), placed(2, both), placed(3), placed(5))
    assert one.counters == (("like", 8), ("gift", 2))
    assert one.parts == (Part(LIKE, 3, seq(1), seq(5)), Part(both, 1, seq(2), seq(2)))


def test_of_a_set_the_last_value_of_each_key_stays() -> None:
    low, high, other = (("a", 1), ("b", 1)), (("a", 2),), (("c", 3),)
    records = [placed(n, counters, Mode.SET) for n, counters in enumerate((low, high, other, low))]
    [one] = fold(*records)
    assert dict(one.counters) == {"a": 1, "b": 1, "c": 3}


DOWN, SET = Mode.DECREASE, Mode.SET
KEYED = entry("keyed")
KEYED_SET = replace(KEYED, mode=SET)
OTHER = Place("another shard")


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([placed(1), placed(2), placed(9)], [(1, 9)]),
        ([placed(1), placed(2, mode=DOWN), placed(3)], [(1, 1), (2, 2), (3, 3)]),
        ([placed(1), placed(2, mode=SET), placed(3)], [(1, 1), (2, 2), (3, 3)]),
        ([placed(1), KEYED, placed(2)], [(1, 2), "keyed"]),
        ([placed(1), KEYED_SET, placed(2)], [(1, 1), "keyed", (2, 2)]),
        ([placed(1, mode=SET), KEYED_SET, placed(2, mode=SET)], [(1, 1), "keyed", (2, 2)]),
        ([placed(1, mode=DOWN), KEYED, placed(2, mode=DOWN)], [(1, 1), "keyed", (2, 2)]),
        ([placed(1), placed(2, place=OTHER), placed(3)], [(1, 1), (2, 2), (3, 3)]),
        ([placed(5), placed(3), placed(5)], [(3, 5)]),
        ([placed(1, (("a", INT64_MAX - 1),)), placed(2, (("a", 1),)), placed(3, (("a", 1),))], [(1, 2), (3, 3)]),
        ([placed(1, (("a", INT64_MIN),)), placed(2, (("a", 1),))], [(1, 1), (2, 2)]),
        ([placed(n, ((f"key-{n}", 1),)) for n in range(20)], [(0, 18), (19, 19)]),
        ([placed(0, tuple((f"key-{n}", 1) for n in range(20))), placed(1)], [(0, 0), (1, 1)]),
    ],
    ids=[
        *["one Mode", "another Mode", "a Set", "a key of the Mode", "a Set with a key", "a Set among Sets"],
        *[
            "a key of another Mode",
            "another shard",
            "out of order and twice",
            "the largest sum",
            "the least sum",
            "19 keys",
        ],
        "one record of too many keys",
    ],
)
def test_a_stretch_is_consecutive_and_has_its_limits(items: list[Entry | Placed], found: list[object]) -> None:
    """Where it ends the next one begins, so that the order of the source and its Modes stays."""
    assert bounds(*items) == found


def test_no_part_of_a_stretch_leaves_int64_alone() -> None:
    """Sums that go up and down stay small, while one content of them would not, once it is taken apart."""
    half = 2**62
    records = [placed(number, (("a", half if number % 2 else -half),)) for number in range(8)]
    for one in fold(*records):
        assert all(abs(part.times * value) <= INT64_MAX for part in one.parts for _, value in part.counters)


def test_contents_that_take_a_kilobyte_begin_another_entry() -> None:
    records = [placed(number, (("gift", 10**9 + number),)) for number in range(100)]
    made = fold(*records)
    assert sum(one.records for one in made) == 100
    assert 3 <= len(made) <= 10
    assert all(len(encode_entry(one)) < PARTS_BYTES + 400 for one in made)
    again = [placed(100 + number, (("gift", 10**9 + number % 5),)) for number in range(1000)]
    assert len(fold(*again)) == 1


@pytest.mark.parametrize(
    ("passed", "found"), [(-1, [(1, 5)]), (0, [(1, 5)]), (1, [(3, 5)]), (3, [(5, 5)]), (5, []), (9, [])]
)
def test_what_was_passed_is_left_out_before_anything_is_added_up(passed: int, found: list[object]) -> None:
    assert bounds(placed(1), placed(3), placed(5), passed=passed) == found


def test_a_batch_knows_what_a_row_owes_of_its_records_however_they_were_added_up() -> None:
    [early], [middle], [late] = fold(placed(1), placed(2)), fold(placed(4), placed(6)), fold(placed(9))
    owing = row(attempt(early), queue=(middle, entry("keyed"), late))
    assert Asked.of([placed(5), placed(6), placed(7)], LIMIT).owed_by(owing) == [middle.id]
    assert Asked.of([placed(number) for number in range(10)], LIMIT).owed_by(owing) == [early.id, middle.id, late.id]
    assert Asked.of([placed(5, place=OTHER)], LIMIT).owed_by(owing) == []
    assert Asked.of([entry("keyed")], LIMIT).owed_by(owing) == []
