"""Whether a row has room, told without writing it wherever that suffices."""

from __future__ import annotations

from hypothesis import example, given
from msgspec.structs import replace

from handler.core.model.codec import encode_row
from handler.core.model.operation import INT64_MIN, Position
from handler.core.model.row import Row
from handler.core.model.row_size import bytes_at_most, fits
from tests.unit.core.model.test_codec import ROWS, size
from tests.unit.core.samples import attempt, entry, row

LONGEST = replace(entry("i" * 22), counters=(("\x01" * 128, INT64_MIN),))
LONG = tuple((chr(97 + number) + "\x01" * 127, INT64_MIN) for number in range(20))
PLACES = tuple((f"{number:0>16}", "9" * 64) for number in range(100))
PLACED = replace(LONGEST, position=Position("p" * 16, "9" * 64))
WORST = replace(
    row(queue=(PLACED, *[replace(PLACED, id=f"{number:022}") for number in range(9)])), watermarks=(PLACES[0],)
)


@given(ROWS)
@example(WORST)
@example(row(debt=LONG))
@example(row(attempt(correction=LONG)))
@example(replace(row(), keys=LONG))
@example(replace(row(), watermarks=PLACES))
def test_the_bound_is_never_below_the_text(row: Row) -> None:
    assert size(row) <= bytes_at_most(row)


def test_a_row_is_measured_where_the_bound_does_not_tell() -> None:
    waiting = row(queue=tuple(entry(str(number)) for number in range(200)))
    exact = len(encode_row(waiting).encode())
    assert bytes_at_most(waiting) > exact
    assert fits(waiting, exact)
    assert not fits(waiting, exact - 1)
