"""Rows as JSON text, the same in every ledger.

A row names each counter key once, and all else names keys by number. An operation that stands in several attempts is
written once as well, and referred to by twice its index, plus one where it goes out alone. So remembering or splitting
an attempt costs little, and a row stays below 64 KiB (R13). Fields that hold nothing are left out, and an unknown one
is refused: this version would write the row again without it (R17).

Rows of format 1 are read and no longer written: every key stands in full wherever it is named. Rows last as long as
their groups, so a ledger that was written before format 2 holds them until each is written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from handler.core.errors import LaterVersion
from handler.core.model.entry_codec import Name, Pairs, entry_json, entry_of
from handler.core.model.operation import Counters, Mode
from handler.core.model.row import Attempt, Entry, Note, Pause, Remembered, Row, Trouble

# Rows last as long as their groups, so each format has to be told from the others.
FIRST_FORMAT = 1
ROW_FORMAT = 2

# The hard bound of a row. Acceptance stops earlier (`row_size`), so that what comes of accepted operations always fits.
ROW_BYTES = 64 * 1024


class _StoredAttempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """`entries` are references, and `settled` are places in `entries`; in format 1 the ids themselves."""

    id: str
    weight: int
    mode: Mode
    signed_at: int = msgspec.field(name="time")
    life_s: int = msgspec.field(name="life")
    entries: list[int] = []
    base: int = 0
    correction: Pairs = []
    settled: list[int | str] = []


class _StoredPast(_StoredAttempt, frozen=True, kw_only=True):
    """A past attempt, and what became of it."""

    refused: bool = False
    for_good: bool = False
    folded: Pairs = []


_FirstPast = tuple[_StoredAttempt, bool, Pairs, bool]
"""The same in format 1: the attempt, `refused`, `folded` and `for_good`."""


class _StoredRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """`names` are what numbers lead to, and `entries` the operations that references lead to, each as JSON.

    A note is a reference to the operation, the vendor's code, and when.
    """

    format: int
    version: int
    generation: int
    receipt_key: str
    base: int | None = None
    names: list[str] = []
    entries: list[msgspec.Raw] = []
    attempt: _StoredAttempt | None = None
    queue: list[int] = []
    remembered: list[_StoredPast | _FirstPast] = []
    debt: Pairs = []
    frozen: str | None = None
    first_seen_at: int | None = msgspec.field(default=None, name="sighted")
    last_checked_at: int = msgspec.field(default=0, name="looked")
    first_seen_generation: int = msgspec.field(default=0, name="sighted_in")
    watermarks: list[tuple[str, str]] = msgspec.field(default_factory=list, name="marks")
    keys: Pairs = []
    notes: list[tuple[int, int, float]] = []
    frozen_at: int = 0
    paused: Pause | None = None
    trouble: Trouble | None = None
    called_ms: int = msgspec.field(default=0, name="called")


_ROW = msgspec.json.Decoder(_StoredRow)
_ENCODER = msgspec.json.Encoder()


def encode_row(row: Row) -> str:
    """Write a row, each distinct operation and each key once."""
    return _ENCODER.encode(_Writer().row(row)).decode()


def decode_row(text: str) -> Row:
    """Read what `encode_row` wrote, in this format or the one before.

    Raises LaterVersion for a row that holds what this version does not know, and would lose (R17).
    """
    try:
        stored = _ROW.decode(text)
        if stored.format not in {FIRST_FORMAT, ROW_FORMAT}:
            raise LaterVersion(f"a row of format {stored.format} cannot be read by this version")
        return _Reader(stored).row()
    except (LookupError, msgspec.MsgspecError) as error:
        raise LaterVersion(f"a row cannot be read by this version: {error}") from None


class _Writer:
    """Collects the names and the operations of one row while its document is made."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._table: dict[Entry, int] = {}

    def row(self, row: Row) -> _StoredRow:
        fields = asdict(row) | {
            "attempt": _StoredAttempt(**self._attempt(row.attempt)) if row.attempt else None,
            "queue": self._references(row.queue),
            "remembered": list(map(self._past, row.remembered)),
            "watermarks": list(row.watermarks),
            "notes": [(self._references((note.entry,))[0], note.code, note.at) for note in row.notes],
        }
        # What stands above has collected the operations, and these collect the rest of the names.
        fields["entries"] = [msgspec.Raw(entry_json(entry, self._number)) for entry in self._table]
        fields |= {"debt": self._numbered(row.debt), "keys": self._numbered(row.keys)}
        return _StoredRow(format=ROW_FORMAT, names=list(self._names), **fields)

    def _attempt(self, attempt: Attempt) -> dict[str, Any]:
        return asdict(attempt) | {
            "entries": self._references(attempt.entries),
            "correction": self._numbered(attempt.correction),
            # Those that the attempt does not carry make no difference to it.
            "settled": [at for at, entry in enumerate(attempt.entries) if entry.id in attempt.settled],
        }

    def _past(self, past: Remembered) -> _StoredPast:
        attempt, folded = self._attempt(past.attempt), self._numbered(past.folded)
        return _StoredPast(**attempt, refused=past.refused, for_good=past.for_good, folded=folded)

    def _references(self, entries: tuple[Entry, ...]) -> list[int]:
        return [2 * self._table.setdefault(_merging(entry), len(self._table)) + entry.alone for entry in entries]

    def _numbered(self, pairs: Counters) -> Pairs:
        return [(self._number(key), value) for key, value in pairs]

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))


class _Reader:
    """Looks up the names and the operations of one document by their numbers."""

    def __init__(self, stored: _StoredRow) -> None:
        self._stored = stored
        merging = [entry_of(text, self._name) for text in stored.entries]
        self._table = [(entry, replace(entry, alone=True)) for entry in merging]

    def row(self) -> Row:
        stored = self._stored
        fields = asdict(stored) | {
            "attempt": self._attempt(stored.attempt) if stored.attempt else None,
            "queue": self._entries(stored.queue),
            "remembered": tuple(map(self._past, stored.remembered)),
            "debt": self._named(stored.debt),
            "watermarks": tuple(stored.watermarks),
            "keys": self._named(stored.keys),
            "notes": tuple(Note(self._entries((entry,))[0], code, at) for entry, code, at in stored.notes),
        }
        return Row(**{name: fields[name] for name in Row.__struct_fields__})

    def _attempt(self, stored: _StoredAttempt) -> Attempt:
        entries = self._entries(stored.entries)
        fields = asdict(stored) | {
            "entries": entries,
            "correction": self._named(stored.correction),
            "settled": frozenset(entries[at].id if isinstance(at, int) else at for at in stored.settled),
        }
        return Attempt(**{name: fields[name] for name in Attempt.__struct_fields__})

    def _past(self, stored: _StoredPast | _FirstPast) -> Remembered:
        if isinstance(stored, _StoredPast):
            stored = stored, stored.refused, stored.folded, stored.for_good
        attempt, refused, folded, for_good = stored
        return Remembered(self._attempt(attempt), refused, self._named(folded), for_good)

    def _entries(self, references: Iterable[int]) -> tuple[Entry, ...]:
        return tuple(self._table[reference // 2][reference % 2] for reference in references)

    def _named(self, pairs: Pairs) -> Counters:
        return tuple((self._name(key), value) for key, value in pairs)

    def _name(self, name: Name) -> str:
        return self._stored.names[name] if isinstance(name, int) else name


def _merging(entry: Entry) -> Entry:
    return replace(entry, alone=False) if entry.alone else entry
