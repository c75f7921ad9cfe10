"""Whether a row has room: the text that ledgers store, measured, or bounded from above where that tells as much."""

from __future__ import annotations

from handler.core.codec import encode_row
from handler.core.rows import Row

# What each part takes at most with its names, numbers and punctuation, in bytes; texts of any length are counted apart.
ROW_BYTES_BARE = 512
ATTEMPT_BYTES_BARE = 256
ENTRY_BYTES_BARE = 256
PAIR_BYTES_BARE = 64

# JSON writes a control character as six bytes, and UTF-8 needs no more than four.
CHARACTER_BYTES = 6


def fits(row: Row, bytes_max: int) -> bool:
    """Whether the row's text is no longer than that; most rows are so small that nobody has to write it."""
    return bytes_at_most(row) <= bytes_max or len(encode_row(row).encode()) <= bytes_max


def bytes_at_most(row: Row) -> int:
    """An upper bound of the text's length, at a tenth of the price of writing it."""
    attempts = [past.attempt for past in row.remembered]
    if row.attempt:
        attempts.append(row.attempt)
    entries = [*row.queue, *(entry for attempt in attempts for entry in attempt.entries)]
    texts = [row.receipt_key, row.frozen or "", *(text for mark in row.marks for text in mark)]
    pairs = len(row.debt) + len(row.marks)
    for counters in (
        row.debt,
        *(entry.counters for entry in entries),
        *(attempt.correction for attempt in attempts),
        *(past.folded for past in row.remembered),
    ):
        pairs += len(counters)
        texts += [key for key, _ in counters]
    return (
        ROW_BYTES_BARE
        + ATTEMPT_BYTES_BARE * len(attempts)
        + ENTRY_BYTES_BARE * len(entries)
        + PAIR_BYTES_BARE * pairs
        + CHARACTER_BYTES * sum(map(len, texts))
    )
