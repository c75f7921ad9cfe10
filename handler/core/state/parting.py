"""Take apart what was added up of a stream's records, once its content is refused (R6, R13).

A sum cannot be taken apart, so an entry keeps the contents that it adds up. Each of them goes out alone, and one that
many records share goes out by halves until one record is refused alone: the rest of that content, which waits behind
it, gets the same answer. So an overflow rejects only what does not fit, after few calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from handler.core.model.operation import Mode, operation_id
from handler.core.model.placed import Part, added_up
from handler.core.model.row import Entry, Note


def can_be_parted(entry: Entry) -> bool:
    """Whether some of what is refused together may be accepted alone; a Set is the same however often it comes."""
    return len(entry.parts) > 1 or (entry.mode is not Mode.SET and entry.records > 1)


def pieces_of(entry: Entry) -> tuple[Entry, ...]:
    """Its contents, each alone, in the order of their last records; or the two halves of a single one.

    All keep the position of the whole: once the first of them is settled, the watermark has passed the others too, and
    they are owed by the row.
    """
    if len(entry.parts) > 1:
        parts = sorted(entry.parts, key=lambda part: part.last)
    else:
        [part] = entry.parts
        half = part.times // 2
        parts = [replace(part, times=half), replace(part, times=part.times - half)]
    return tuple(_piece(entry, part, number) for number, part in enumerate(parts))


def joined(pieces: tuple[Entry, ...], queue: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The queue with the pieces before it, the last of them with what waits of the same content already."""
    rest = rest_of(pieces[-1], queue)
    if not rest:
        return pieces + queue
    [part], [more] = pieces[-1].parts, rest[0].parts
    whole = _piece(pieces[-1], replace(part, times=part.times + more.times), len(pieces))
    return (*pieces[:-1], whole, *queue[1:])


def rest_of(entry: Entry, queue: Sequence[Entry]) -> tuple[Entry, ...]:
    """What waits right behind a piece, of the same content and stretch: nothing of the group comes between them."""
    behind = queue[:1]
    return tuple(behind) if behind and entry.parts and _is_same(entry, behind[0]) else ()


def noted(notes: tuple[Note, ...], entries: Iterable[Entry], code: int, at: float) -> tuple[Note, ...]:
    """The notes with these rejections. Pieces of one stretch share one, so that they take no more room than it did."""
    for entry in entries:
        last = notes[-1] if notes else None
        if last and last.code == code and entry.parts and last.entry.position == entry.position and last.entry.parts:
            parts = _merged((*last.entry.parts, *entry.parts))
            whole = replace(last.entry, parts=parts, counters=added_up(entry.mode, parts))
            notes = (*notes[:-1], replace(last, entry=whole))
        else:
            notes = (*notes, Note(entry, code, at))
    return notes


def _piece(entry: Entry, part: Part, number: int) -> Entry:
    counters = added_up(entry.mode, (part,))
    return replace(entry, id=operation_id(entry.id, str(number)), parts=(part,), counters=counters, alone=True)


def _is_same(one: Entry, other: Entry) -> bool:
    is_piece = len(one.parts) == len(other.parts) == 1 and one.position == other.position
    return is_piece and replace(one.parts[0], times=0) == replace(other.parts[0], times=0)


def _merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    merged: dict[Part, int] = {}
    for part in parts:
        content = replace(part, times=0)
        merged[content] = merged.get(content, 0) + part.times
    return tuple(replace(content, times=times) for content, times in merged.items())
