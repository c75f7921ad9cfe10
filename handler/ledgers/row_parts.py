"""A row in parts, for stores that change it piece by piece instead of writing it whole.

`body` is the row as of its last swap. What the three piecewise writes have done since stands beside it: `begin` names
an attempt of its own, and when it opened it; `append` lengthens the tail of the queue; `settle` moves the base, may add
to the keys that the row knows, and leaves nothing open.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from handler.core.model.codec import decode_row
from handler.core.model.entry_codec import decode_entry, encode_entry
from handler.core.model.operation import Counters
from handler.core.model.row import Attempt, Entry, OldWatermarks, Row
from handler.core.model.row_size import row_text


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a store keeps of a row; `begun` is a row text whose attempt was opened by `begin`, if the open one was."""

    version: int
    body: str
    base: int | None = None
    open: str | None = None
    """The id of the open attempt."""
    begun: str | None = None
    tail: tuple[str, ...] = ()
    """The operations appended since the last swap, each as text."""
    watermarks: str | None = None
    """The positions passed (`watermarks_text`), where rows of before have them beside their body."""
    keys: Counters | None = None
    """The keys that the row knows, where `settle` has changed them."""
    called_ms: int | None = None
    """When the last call was opened, where `begin` may have opened it."""


def split(row: Row) -> Parts:
    """The parts of a row that is written whole; raises ValueError over the bound of a row."""
    return Parts(version=row.version, body=row_text(row), base=row.base, open=row.attempt.id if row.attempt else None)


def begun_text(attempt: Attempt) -> str:
    """The text of an attempt that `begin` opens on a row whose base the caller does not know."""
    return row_text(Row(version=0, generation=0, receipt_key="", attempt=attempt))


def join(parts: Parts) -> Row:
    """The row that the parts come to."""
    row = decode_row(parts.body)
    if parts.version == row.version:
        return row
    attempt = row.attempt
    if attempt is None or attempt.id != parts.open:
        # What the body had open was settled since, and what it carried is owed no more.
        attempt = _begun(parts.begun, parts.base or 0) if parts.open is not None and parts.begun is not None else None
    queue = (*row.queue, *map(decode_entry, parts.tail))
    watermarks = row.watermarks if parts.watermarks is None else watermarks_of(parts.watermarks)
    keys = row.keys if parts.keys is None else parts.keys
    row = row.changed(attempt=attempt, base=parts.base, queue=queue)
    called_ms = row.called_ms if parts.called_ms is None else parts.called_ms
    return replace(row, version=parts.version, watermarks=watermarks, keys=keys, called_ms=called_ms)


def watermarks_text(watermarks: OldWatermarks) -> str:
    """Watermarks one after the other, all of one width, so that a store finds and replaces one without decoding."""
    return "".join(f"{partition}:{sequence}," for partition, sequence in watermarks)


def watermarks_of(text: str) -> OldWatermarks:
    """Read what `watermarks_text` wrote."""
    return tuple(
        (partition, sequence) for partition, _, sequence in (mark.partition(":") for mark in text.split(",")[:-1])
    )


def entry_texts(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Operations as the tail holds them."""
    return tuple(encode_entry(entry) for entry in entries)


def is_calm(row: Row) -> bool:
    """Every condition of the fast path (R1) that only a swap can change."""
    return not (row.remembered or row.debt or row.notes or row.is_held) and row.base is not None


def _begun(text: str, base: int) -> Attempt | None:
    attempt = decode_row(text).attempt
    return attempt and replace(attempt, base=base)
