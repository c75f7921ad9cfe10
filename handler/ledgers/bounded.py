"""The one bound that every ledger holds: no row over 64 KiB is ever written."""

from __future__ import annotations

from handler.core.codec import ROW_BYTES, encode_row
from handler.core.rows import Row


def row_text(row: Row) -> str:
    """The row as the text that ledgers store.

    Raises ValueError over the bound. Acceptance stops long before, so a row that large is a mistake in the program, and
    none of the errors that a caller could wait out.
    """
    text = encode_row(row)
    size = len(text.encode())
    if size > ROW_BYTES:
        raise ValueError(f"a row of {size} bytes is over the bound of {ROW_BYTES} and was not written")
    return text
