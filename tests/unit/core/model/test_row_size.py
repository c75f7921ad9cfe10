"""Whether a row has room, told without writing it wherever that suffices, and the bound of its text (R13)."""

import pytest
from hypothesis import example, given
from msgspec.structs import replace

from handler.core.model.codec import ROW_BYTES, decode_row, encode_row
from handler.core.model.operation import INT64_MIN, Position
from handler.core.model.row import Row
from handler.core.model.row_size import bytes_at_most, fits, row_text
from tests.unit.core.model.test_codec import ROWS, size
from tests.unit.core.samples import attempt, entry, row

LONGEST = replace(entry("i" * 22), counters=(("\x01" * 128, INT64_MIN),))
LONG = tuple((chr(97 + number) + "\x01" * 127, INT64_MIN) for number in range(20))
PLACES = tuple((f"{number:0>16}", "9" * 64) for number in range(100))
PLACED = replace(LONGEST, position=Position("p" * 16, "9" * 64))
WORST = replace(
    row(queue=(PLACED, *[replace(PLACED, id=f"{number:022}") for number in range(9)])), watermarks=(PLACES[0],)
)
BARE = Row(version=1, generation=1, receipt_key="_receipt", frozen="")
ROOM = ROW_BYTES - len(encode_row(BARE).encode())


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


@pytest.mark.parametrize("letter", ["x", "é", "群", "😀"])
def test_a_row_is_measured_in_bytes_of_utf_8(letter: str) -> None:
    size = len(letter.encode())
    full = replace(BARE, frozen=letter * (ROOM // size) + "x" * (ROOM % size))
    assert decode_row(row_text(full)) == full
    with pytest.raises(ValueError, match="65537 bytes"):
        row_text(replace(full, frozen=f"{full.frozen}x"))


def test_the_error_shows_nothing_of_the_row() -> None:
    with pytest.raises(ValueError, match="over the bound") as caught:
        row_text(replace(BARE, frozen="secret" * ROW_BYTES))
    assert "secret" not in str(caught.value)
