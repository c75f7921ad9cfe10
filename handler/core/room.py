"""Whether a row has room: the text that ledgers store, measured, or bounded from above where that tells as much."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.codec import encode_row
from handler.core.errors import RowFull
from handler.core.rows import Attempt, Entry, Row

# What each part takes at most with its names, numbers and punctuation, in bytes; texts of any length are counted apart.
ROW_BYTES_BARE = 512
ATTEMPT_BYTES_BARE = 256
ENTRY_BYTES_BARE = 256
PAIR_BYTES_BARE = 64

# JSON writes a control character as six bytes, and UTF-8 needs no more than four.
CHARACTER_BYTES = 6


# How soon a caller may find room in a full row: after about one settled call.
FULL_RETRY_S = 2.0


def row_is_full() -> RowFull:
    """What is raised for a row that would grow past its bound."""
    return RowFull("too many operations of this group are waiting", FULL_RETRY_S)


def fits(row: Row, bytes_max: int) -> bool:
    """Whether the row's text is no longer than that; most rows are so small that nobody has to write it."""
    return bytes_at_most(row) <= bytes_max or len(encode_row(row).encode()) <= bytes_max


def bytes_at_most(row: Row) -> int:
    """An upper bound of the text's length, at a tenth of the price of writing it."""
    total = ROW_BYTES_BARE + CHARACTER_BYTES * (len(row.receipt_key) + len(row.frozen or ""))
    total += _entries(row.queue) + _pairs(row.debt) + _pairs(row.keys)
    if row.attempt is not None:
        total += _attempt(row.attempt)
    for past in row.remembered:
        total += _attempt(past.attempt) + _pairs(past.folded)
    for place, number in row.marks:
        total += PAIR_BYTES_BARE + CHARACTER_BYTES * (len(place) + len(number))
    return total


def _attempt(attempt: Attempt) -> int:
    return ATTEMPT_BYTES_BARE + _entries(attempt.entries) + _pairs(attempt.correction)


def _entries(entries: Sequence[Entry]) -> int:
    total = 0
    for entry in entries:
        total += ENTRY_BYTES_BARE + _pairs(entry.counters)
    return total


def _pairs(pairs: Sequence[tuple[str, int]]) -> int:
    # No generator: this is asked of every operation that is taken on.
    total = 0
    for key, _ in pairs:
        total += PAIR_BYTES_BARE + CHARACTER_BYTES * len(key)
    return total
