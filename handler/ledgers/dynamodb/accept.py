"""Accepting (R1) where a row and its records cannot be checked in one step: the order of reading makes up for it.

Record and watermark are read after a row has been seen. An operation that has no record then, and is not owed when the
write takes place, can have become finished in between only by a settlement or a swap, since these alone end that an
operation is owed, and they write its record first. Both raise the row's epoch, and no write here holds in another
epoch. A beginning or an append of another worker does not raise the epoch, so that workers do not disturb each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.errors import RowFull
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Row
from handler.core.model.row_size import check_room
from handler.core.ports.ledger import Look
from handler.core.state.transitions import appended
from handler.core.state.watermarks import are_new, partitions_of, sorted_out
from handler.ledgers.dynamodb import updates
from handler.ledgers.dynamodb.items import Stored
from handler.ledgers.dynamodb.rows import Rows

# How often a beginning, or an append, is tried when other workers get in between. After that the core decides.
BEGINNINGS_MAX = 2
APPENDS_MAX = 8

# A piecewise append names each operation twice in its condition. An expression may have 300 operators, and a row to
# which more than these are added is better written whole.
APPENDED_MAX = 20


def begin(
    rows: Rows, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None
) -> Row | None:
    """The fast path: from a row that was seen idle, and that has not moved since its record was not found."""
    ids, partitions = [entry.id for entry in attempt.entries], partitions_of(attempt.entries)
    seen = rows.remembered(group)
    if seen is not None and pace and pace.left_s(seen.row.called_ms):
        # A later row has no older stamp, so there is nothing to read (R16).
        return None
    if seen is None:
        seen = rows.load(group)
        if seen is None or not seen.row.is_idle(receipt_key, generation, attempt.mode, pace):
            return None
        # With the record the row is read again: of many who come at once all but one find it begun by then, and need
        # not try in vain.
        seen, _ = rows.look(group, ids, partitions)
    elif not seen.row.is_idle(receipt_key, generation, attempt.mode, pace):
        seen, _ = rows.look(group, ids, partitions)
    for _ in range(BEGINNINGS_MAX):
        if seen is None or not seen.row.is_idle(receipt_key, generation, attempt.mode, pace):
            return None
        records, watermarks = rows.found_after(group, seen, attempt.entries)
        if records or not are_new(attempt.entries, seen.row, watermarks):
            return None
        becomes, request = updates.begun(group, seen, attempt, pace)
        seen, held = rows.change(group, request, becomes)
        if held:
            return becomes.row
    return None


def append(rows: Rows, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
    """The slow path: to a row in whose epoch none of the operations has got a record."""
    seen, is_current = rows.remembered(group), False
    if seen is None:
        seen, is_current = rows.load(group), True
    for _ in range(APPENDS_MAX):
        if seen is None:
            return None
        strange = [entry for entry in entries if seen.row.entry(entry.id) is None]
        records, watermarks = rows.found_after(group, seen, strange)
        found = sorted_out(strange, seen.row, records, watermarks)
        if found.fresh:
            try:
                seen, held = _appended(rows, group, seen, found.fresh, bytes_max)
            except RowFull:
                if is_current:
                    raise
                # The remembered row was full; the row in the table may have room by now.
                seen, held = rows.load(group), False
            if held and seen:
                return Look(seen.row, records, found.passed)
        elif is_current or found.within:
            return Look(seen.row, records, found.passed, found.within)
        else:
            # What is owed in a remembered row may be finished by now, and no write is there to notice.
            seen = rows.load(group)
        is_current = True
    return None


def _appended(
    rows: Rows, group: Group, seen: Stored, fresh: Sequence[Entry], bytes_max: int
) -> tuple[Stored | None, bool]:
    """Append piecewise where that is worth it and there is room for certain, else by writing the row whole.

    Positions are passed by writing it whole: only then has nothing passed them since the row was seen (R13).
    """
    has_room = len(fresh) <= APPENDED_MAX and seen.size + updates.bytes_of(fresh) <= bytes_max
    if has_room and not partitions_of(fresh):
        return rows.change(group, updates.appended(group, seen, fresh, bytes_max))
    row = appended(seen.row, fresh)
    check_room(row, bytes_max)
    becomes, request = updates.grown(group, seen, row)
    return rows.change(group, request, becomes)
