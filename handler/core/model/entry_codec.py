"""An operation as JSON text: in the table of its row, or alone, as a store appends it to one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from handler.core.errors import LaterVersion
from handler.core.model.operation import Mode, Origin, Position
from handler.core.model.placed import Part, added_up, tail_of
from handler.core.model.row import Entry

Name = int | str
"""A key, source or teller: its number among the names of the row, or itself in format 1 and where no row is around."""

# Lists here and below: msgspec leaves out any empty list, but an empty tuple only if it is the default object itself.
Pairs = list[tuple[Name, int]]


class _StoredOrigin(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is empty at the end is left out. An empty caller is the source, and an empty key the place.

    A place in a list goes on where the source ends.
    """

    source: Name
    place: str | tuple[str]
    teller: Name = ""
    caller: str = ""
    key: str = ""


class _StoredPart(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Of the first and the last number only those digits at the end in which they differ from the position's."""

    counters: Pairs
    times: int
    first: str
    last: str


class _More(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What few operations have. What `parts` come to is not written beside them."""

    position: Position | None = None
    origin: _StoredOrigin | None = None
    parts: list[_StoredPart] = []


class _StoredEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An operation; `more` is left out where it is empty and the operation was accepted by an earlier version."""

    id: str
    fingerprint: str
    mode: Mode
    counters: Pairs
    window_s: float
    more: _More = _More()
    accepted_at: int = 0


_ENTRY = msgspec.json.Decoder(_StoredEntry)
_ENCODER = msgspec.json.Encoder()


def encode_entry(entry: Entry) -> str:
    """Write one operation alone, as a store appends it to a row."""
    return entry_json(entry, str).decode()


def decode_entry(text: str) -> Entry:
    """Read what `encode_entry` wrote. Raises LaterVersion (R17)."""
    try:
        return entry_of(text, str)
    except msgspec.MsgspecError as error:
        raise LaterVersion(f"an operation cannot be read by this version: {error}") from None


def entry_json(entry: Entry, named: Callable[[str], Name]) -> bytes:
    """Write an operation; `named` is how a key, a source or a teller stands in its text."""
    counters = [] if entry.parts else [(named(key), value) for key, value in entry.counters]
    always = entry.id, entry.fingerprint, entry.mode, counters, entry.window_s
    if entry.position is None and entry.origin is None:
        return _ENCODER.encode((*always, {}, entry.accepted_at) if entry.accepted_at else always)
    rest: dict[str, object] = {}
    if entry.position:
        rest["position"] = entry.position
    if entry.origin:
        rest["origin"] = _origin_json(entry.origin, named)
    if entry.parts:
        rest["parts"] = _parts_json(entry, named)
    return _ENCODER.encode((*always, rest, entry.accepted_at) if entry.accepted_at else (*always, rest))


def entry_of(text: str | msgspec.Raw, name_of: Callable[[Name], str]) -> Entry:
    """Read what `entry_json` wrote, as it may be merged; `name_of` finds a key, a source or a teller again."""
    stored = _ENTRY.decode(text)
    position = stored.more.position
    parts = tuple(_part(part, position, name_of) for part in stored.more.parts if position)
    counters = tuple((name_of(key), value) for key, value in stored.counters)
    return Entry(
        id=stored.id,
        fingerprint=stored.fingerprint,
        mode=stored.mode,
        counters=added_up(stored.mode, parts) if parts else counters,
        window_s=stored.window_s,
        position=position,
        origin=_origin(stored.more.origin, name_of) if stored.more.origin else None,
        accepted_at=stored.accepted_at,
        parts=parts,
    )


def _parts_json(entry: Entry, named: Callable[[str], Name]) -> list[object]:
    last = entry.position.sequence if entry.position else ""
    return [
        (
            [(named(key), value) for key, value in part.counters],
            part.times,
            tail_of(part.first, last),
            tail_of(part.last, last),
        )
        for part in entry.parts
    ]


def _part(stored: _StoredPart, position: Position, name_of: Callable[[Name], str]) -> Part:
    def whole(tail: str) -> str:
        return position.sequence[: len(position.sequence) - len(tail)] + tail

    counters = tuple((name_of(key), value) for key, value in stored.counters)
    return Part(counters, stored.times, whole(stored.first), whole(stored.last))


def _origin_json(origin: Origin, named: Callable[[str], Name]) -> list[object]:
    rest = origin.place.removeprefix(origin.source)
    stored: list[object] = [
        named(origin.source),
        rest if rest == origin.place else [rest],
        named(origin.teller) if origin.teller else "",
        origin.caller if origin.caller != origin.source else "",
        origin.key if origin.key != origin.place else "",
    ]
    while stored[-1] == "":
        stored.pop()
    return stored


def _origin(stored: _StoredOrigin, name_of: Callable[[Name], str]) -> Origin:
    source = name_of(stored.source)
    place = stored.place if isinstance(stored.place, str) else source + stored.place[0]
    return Origin(
        source=source,
        place=place,
        caller=stored.caller or source,
        key=stored.key or place,
        teller=name_of(stored.teller),
    )
