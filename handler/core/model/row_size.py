"""Whether a row has room, in the bytes that ledgers store, and what gives way where it has none (R13).

A row names each key once, and a key that is owed back was named by what was accepted. So what comes on top of accepted
operations is small, however long their keys: `on_top` bounds it, and acceptance leaves it free. So each later step
(open, settle, reject, owe back, freeze) can be written: the memory of past attempts gives way to it, and after that the
keys that the row knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from handler.core.errors import RowFull
from handler.core.model.codec import ROW_BYTES, encode_row
from handler.core.model.operation import Origin
from handler.core.model.row import Attempt, Entry, Remembered, Row

# What each part takes at most with its names, numbers and punctuation, in bytes; texts of any length are counted apart.
ROW_BYTES_BARE = 512
ATTEMPT_BYTES_BARE = 256
ENTRY_BYTES_BARE = 256
PAIR_BYTES_BARE = 64
PART_BYTES_BARE = 192

# What comes on top of a row without any more being accepted: the longest head of a row and of an attempt, the reasons
# of a freeze and of a pause, the last trouble, and a payment or a debt on the twenty keys of the open attempt.
ON_TOP_BYTES = 3072

# The longest reason of a pause, in bytes as JSON writes it, and the longest account of a trouble, in printable ASCII.
REASON_BYTES = 512
TROUBLE_CHARACTERS = 120

# For each operation its place among those that another landing has settled; for each Value that a key's number gets
# longer, and that a sum, owed back, does.
ENTRY_ON_TOP_BYTES = 6
PAIR_ON_TOP_BYTES = 8

# A rejection that has to be parked: the operation's number, the code and the moment.
NOTE_ON_TOP_BYTES = 48

# The share of a row that operations may take. With what comes on top of those with the shortest keys there is, it is
# less than the row, and with any others most of the rest is for memory.
ACCEPTING_SHARE = 9 / 16

# JSON writes a control character as six bytes, and UTF-8 needs no more than four.
CHARACTER_BYTES = 6


# How soon a caller may find room in a full row: after about one settled call.
FULL_RETRY_S = 2.0


def row_is_full() -> RowFull:
    """What is raised for a row that would grow past its bound."""
    return RowFull("too many operations of this group are waiting", FULL_RETRY_S)


def row_text(row: Row, bytes_max: int = ROW_BYTES) -> str:
    """The row as the text that ledgers store; raises ValueError over the bound.

    Acceptance stops long before. A row that large is a mistake in the program, not an error that a caller could wait
    out.
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


class Fitted(msgspec.Struct, frozen=True):
    """A row that can be written, and the past attempts that have given way to it."""

    row: Row
    dropped: tuple[Remembered, ...] = ()


def accepting_bytes(row_bytes: int) -> int:
    """The bytes that operations may take of a row of `row_bytes`."""
    return int(row_bytes * ACCEPTING_SHARE)


def fits(row: Row, bytes_max: int) -> bool:
    """Whether the row's text is no longer than that, without the keys that it knows."""
    return _is_within(replace(row, keys=()), bytes_max)


def accepted(row: Row, row_bytes: int) -> Fitted | None:
    """A row to which operations were added, as it can be written; None where they have no room."""
    if not fits(replace(row, remembered=()), accepting_bytes(row_bytes)):
        return None
    whole = fitted(row, row_bytes)
    return whole if _has_reserve(whole.row, row_bytes) else None


def fitted(row: Row, row_bytes: int) -> Fitted:
    """The row as it can be written: past attempts give way, the oldest first, and then the keys that it knows."""
    kept = row
    while kept.remembered and not _has_reserve(kept, row_bytes):
        kept = replace(kept, remembered=kept.remembered[1:])
    gone = len(row.remembered) - len(kept.remembered)
    return Fitted(with_keys_that_fit(kept, row_bytes), row.remembered[:gone])


def with_keys_that_fit(row: Row, row_bytes: int) -> Row:
    """The row with those of its known keys that it has room for, the newest: ticks that go by them miss it."""
    while row.keys and not _is_within(row, row_bytes):
        row = replace(row, keys=row.keys[: len(row.keys) // 2])
    return row


def on_top(row: Row) -> int:
    """How much longer, at most, the text of what may not give way can get before anything more is accepted."""
    attempts = [*([row.attempt] if row.attempt else []), *(past.attempt for past in row.remembered)]
    entries = len(row.queue) + sum(len(attempt.entries) for attempt in attempts)
    pairs = len(row.debt) + sum(len(attempt.correction) for attempt in attempts)
    pairs += sum(len(past.folded) for past in row.remembered)
    pairs += sum(len(entry.counters) for entry in row.owed)
    notes = sum(entry.origin is not None for entry in row.owed)
    # A stretch of records that is refused becomes an operation for each part, and half of one; one stretch at a time.
    apart = max([(1 + len(entry.parts)) * _bare(entry) for entry in row.owed if entry.parts], default=0)
    return ON_TOP_BYTES + ENTRY_ON_TOP_BYTES * entries + PAIR_ON_TOP_BYTES * pairs + NOTE_ON_TOP_BYTES * notes + apart


def _has_reserve(row: Row, row_bytes: int) -> bool:
    return fits(row, row_bytes - on_top(row))


def _is_within(row: Row, bytes_max: int) -> bool:
    """Whether the row's text is short enough. Most rows are so small that the upper bound says so without encoding."""
    return bytes_at_most(row) <= bytes_max or len(encode_row(row).encode()) <= bytes_max


def bytes_at_most(row: Row) -> int:
    """An upper bound of the text's length, at a tenth of the price of writing it."""
    texts = (
        row.receipt_key,
        row.frozen or "",
        row.paused.reason if row.paused else "",
        row.trouble.what if row.trouble else "",
    )
    total = ROW_BYTES_BARE + CHARACTER_BYTES * sum(map(len, texts))
    total += _entries(row.queue) + _pairs(row.debt) + _pairs(row.keys)
    if row.attempt is not None:
        total += _attempt(row.attempt)
    for past in row.remembered:
        total += _attempt(past.attempt) + _pairs(past.folded)
    for partition, sequence in row.watermarks:
        total += PAIR_BYTES_BARE + CHARACTER_BYTES * (len(partition) + len(sequence))
    return total + _entries([note.entry for note in row.notes])


def _attempt(attempt: Attempt) -> int:
    return ATTEMPT_BYTES_BARE + _entries(attempt.entries) + _pairs(attempt.correction)


def _entries(entries: Sequence[Entry]) -> int:
    total = 0
    for entry in entries:
        total += ENTRY_BYTES_BARE + _pairs(entry.counters)
        if entry.origin is not None:
            total += _origin(entry.origin)
        for part in entry.parts:
            total += PART_BYTES_BARE + _pairs(part.counters)
    return total


def _bare(entry: Entry) -> int:
    """What an operation of one part takes beside its Values, at most: its source stands among the names of the row."""
    rest = entry.origin.place.removeprefix(entry.origin.source) if entry.origin else ""
    return ENTRY_BYTES_BARE + PART_BYTES_BARE + CHARACTER_BYTES * len(rest)


def _origin(origin: Origin) -> int:
    texts = origin.source, origin.place, origin.caller, origin.key
    return PAIR_BYTES_BARE + CHARACTER_BYTES * sum(map(len, texts))


def _pairs(pairs: Sequence[tuple[str, int]]) -> int:
    # No generator: this is asked of every operation that is taken on.
    total = 0
    for key, _ in pairs:
        total += PAIR_BYTES_BARE + CHARACTER_BYTES * len(key)
    return total
