"""The bounds that every ledger holds: no row over 64 KiB is ever written, and none grows past what it was told."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.model.codec import ROW_BYTES, encode_row
from handler.core.model.records import Records
from handler.core.model.row import Entry, Row
from handler.core.model.row_size import fits, row_is_full, with_keys_that_fit
from handler.core.state.watermarks import Watermarks, passed


def row_text(row: Row, bytes_max: int = ROW_BYTES) -> str:
    """The row as the text that ledgers store.

    Raises ValueError over the bound. Acceptance stops long before, so a row that large is a mistake in the program, and
    none of the errors that a caller could wait out.
    """
    text = encode_row(row)
    size = len(text.encode())
    if size > bytes_max:
        raise ValueError(f"a row of {size} bytes is over the bound of {bytes_max} and was not written")
    return text


def storable(row: Row, bytes_max: int = ROW_BYTES) -> Row:
    """A row that a ledger itself makes, with those of its known keys that it has room for."""
    return with_keys_that_fit(row, bytes_max)


def check_room(row: Row, bytes_max: int) -> None:
    """Raise RowFull for a row whose text is over the bound, without the keys that it knows: they give way."""
    if not fits(row, bytes_max):
        raise row_is_full()


def sorted_out(
    entries: Sequence[Entry], row: Row, records: Records, watermarks: Watermarks
) -> tuple[list[Entry], frozenset[str]]:
    """Those that are to be appended, and the ids of those whose position has been passed."""
    known = {entry.id for entry in row.owed} | records.keys()
    strange = [entry for entry in entries if entry.id not in known]
    behind = passed(strange, row, watermarks)
    return [entry for entry in strange if entry.id not in behind], behind
