"""The bound of a row's text."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.codec import ROW_BYTES, decode_row, encode_row
from handler.core.model.row import Row
from handler.core.model.row_size import row_text

ROW = Row(version=1, generation=1, receipt_key="_receipt", frozen="")
ROOM = ROW_BYTES - len(encode_row(ROW).encode())


@pytest.mark.parametrize("letter", ["x", "é", "群", "😀"])
def test_a_row_is_measured_in_bytes_of_utf_8(letter: str) -> None:
    size = len(letter.encode())
    full = replace(ROW, frozen=letter * (ROOM // size) + "x" * (ROOM % size))
    assert decode_row(row_text(full)) == full
    with pytest.raises(ValueError, match="65537 bytes"):
        row_text(replace(full, frozen=f"{full.frozen}x"))


def test_the_error_shows_nothing_of_the_row() -> None:
    with pytest.raises(ValueError, match="over the bound") as caught:
        row_text(replace(ROW, frozen="secret" * ROW_BYTES))
    assert "secret" not in str(caught.value)
