"""Rows and records as JSON text, the same in every ledger.

A row names each counter key once, and all else names keys by number. An operation that stands in several attempts is
written once as well, and referred to by twice its index, plus one where it goes out alone. So remembering or splitting
an attempt costs little, and a row stays below 64 KiB (R13). Fields that hold nothing are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypedDict

from msgspec.structs import replace

from handler.core.model.first_format import FIRST_FORMAT, first_format_row
from handler.core.model.operation import Counters, Mode, Origin, Position
from handler.core.model.outcome import Answer, Applied, Rejected, Unknown
from handler.core.model.records import Record
from handler.core.model.row import Attempt, Entry, Note, Remembered, Row
from handler.core.model.row_format import (
    AttemptJson,
    EntryJson,
    MoreJson,
    NoteJson,
    PairsJson,
    RememberedJson,
    RowJson,
    check_fields,
    origin_json,
    origin_of,
    pairs_of,
)

# Rows never expire, so each format has to be told from the others.
ROW_FORMAT = 2

# The hard bound of a row. Acceptance stops earlier (`room`), so that whatever comes of what was accepted always fits.
ROW_BYTES = 64 * 1024


def encode_row(row: Row) -> str:
    """Write a row, each distinct operation and each key once."""
    return _text(_Writer().row(row))


def decode_row(text: str) -> Row:
    """Read what `encode_row` wrote, in this format or the one before.

    Raises ValueError for a row of a later version of this function, which may hold what this one would lose (R13).
    """
    document = json.loads(text)
    try:
        row_format = document["format"]
        if row_format == FIRST_FORMAT:
            return first_format_row(document)
        if row_format == ROW_FORMAT:
            check_fields(document, RowJson.__annotations__)
            return _Reader(document).row()
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"a row cannot be read by this version, because of a {type(error).__name__}") from None
    raise ValueError(f"a row of format {row_format} cannot be read by this version")


def encode_entry(entry: Entry) -> str:
    """Write one operation by itself, as it is appended to a row that is not written anew."""
    always = entry.id, entry.fingerprint, entry.mode.value, entry.counters, entry.window_s
    return _text((*always, *_more(entry, str)))


def decode_entry(text: str) -> Entry:
    """Read what `encode_entry` wrote."""
    identity, fingerprint, mode, counters, window_s, *more = json.loads(text)
    return Entry(identity, fingerprint, Mode(mode), pairs_of(counters), window_s, **_given_more(more, str))


def encode_record(record: Record) -> str:
    """Write a record; which kind of answer it holds is told by its keys."""
    return json.dumps(
        {"fingerprint": record.fingerprint, "at": record.settled_at, "window": record.window_s}
        | _answer_json(record.answer),
        ensure_ascii=False,
        separators=(",", ":"),
    )


def decode_record(text: str) -> Record:
    """Read what `encode_record` wrote."""
    document = json.loads(text)
    return Record(document["fingerprint"], _answer(document), document["at"], document["window"])


class _More(TypedDict, total=False):
    position: Position
    origin: Origin


class _Writer:
    """Collects the keys and the operations of one row while its document is made."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._table: dict[Entry, int] = {}

    def row(self, row: Row) -> dict[str, object]:
        attempt = self._attempt(row.attempt) if row.attempt else None
        queue = self._references(row.queue)
        remembered = [self._remembered(past) for past in row.remembered]
        notes: list[NoteJson] = [(self._references((note.entry,))[0], note.code, note.at) for note in row.notes]
        entries = [self._entry(entry) for entry in self._table]
        debt, keys = self._numbered(row.debt), self._numbered(row.keys)
        return {
            "format": ROW_FORMAT,
            "version": row.version,
            "generation": row.generation,
            "receipt_key": row.receipt_key,
            **_given(base=row.base, names=list(self._names), entries=entries, attempt=attempt, queue=queue),
            **_given(remembered=remembered, debt=debt, frozen=row.frozen, sighted=row.sighted),
            **_given(
                looked=row.looked or None, sighted_in=row.sighted_in or None, marks=list(row.watermarks), keys=keys
            ),
            **_given(notes=notes),
        }

    def _attempt(self, attempt: Attempt) -> dict[str, object]:
        # Those that the attempt does not carry make no difference to it.
        settled = [at for at, entry in enumerate(attempt.entries) if entry.id in attempt.settled]
        return {
            "id": attempt.id,
            "weight": attempt.weight,
            "mode": attempt.mode.value,
            "time": attempt.time,
            "life": attempt.life,
            **_given(entries=self._references(attempt.entries), base=attempt.base or None),
            **_given(correction=self._numbered(attempt.correction), settled=settled),
        }

    def _remembered(self, past: Remembered) -> dict[str, object]:
        flags = _given(refused=past.refused or None, for_good=past.for_good or None)
        return self._attempt(past.attempt) | flags | _given(folded=self._numbered(past.folded))

    def _references(self, entries: tuple[Entry, ...]) -> list[int]:
        return [2 * self._table.setdefault(_merging(entry), len(self._table)) + entry.alone for entry in entries]

    def _entry(self, entry: Entry) -> EntryJson:
        always = entry.id, entry.fingerprint, entry.mode.value, self._numbered(entry.counters), entry.window_s
        more = _more(entry, self._number)
        return (*always, *more) if more else always

    def _numbered(self, pairs: Counters) -> PairsJson:
        return [(self._number(key), value) for key, value in pairs]

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))


class _Reader:
    """Looks up the keys and the operations of one document by their numbers."""

    def __init__(self, document: RowJson) -> None:
        self._document = document
        self._names = document.get("names", [])
        self._table = [self._entry(stored) for stored in document.get("entries", [])]

    def row(self) -> Row:
        document = self._document
        return Row(
            version=document["version"],
            generation=document["generation"],
            receipt_key=document["receipt_key"],
            base=document.get("base"),
            attempt=self._attempt(document["attempt"], AttemptJson) if "attempt" in document else None,
            queue=self._entries(document.get("queue", [])),
            remembered=tuple(map(self._remembered, document.get("remembered", []))),
            debt=self._named(document.get("debt", [])),
            frozen=document.get("frozen"),
            sighted=document.get("sighted"),
            looked=document.get("looked", 0),
            sighted_in=document.get("sighted_in", 0),
            watermarks=tuple((partition, sequence) for partition, sequence in document.get("marks", [])),
            keys=self._named(document.get("keys", [])),
            notes=tuple(map(self._note, document.get("notes", []))),
        )

    def _attempt(self, stored: AttemptJson, fields: type) -> Attempt:
        check_fields(stored, fields.__annotations__)
        entries = self._entries(stored.get("entries", []))
        return Attempt(
            id=stored["id"],
            weight=stored["weight"],
            mode=Mode(stored["mode"]),
            entries=entries,
            time=stored["time"],
            life=stored["life"],
            base=stored.get("base", 0),
            correction=self._named(stored.get("correction", [])),
            settled=frozenset(entries[at].id for at in stored.get("settled", [])),
        )

    def _remembered(self, stored: RememberedJson) -> Remembered:
        return Remembered(
            self._attempt(stored, RememberedJson),
            refused=stored.get("refused", False),
            folded=self._named(stored.get("folded", [])),
            for_good=stored.get("for_good", False),
        )

    def _note(self, stored: NoteJson) -> Note:
        reference, code, at = stored
        (entry,) = self._entries([reference])
        return Note(entry, code, at)

    def _entries(self, references: list[int]) -> tuple[Entry, ...]:
        return tuple(self._table[reference // 2][reference % 2] for reference in references)

    def _entry(self, stored: EntryJson) -> tuple[Entry, Entry]:
        """An operation as it may be merged, and as it goes out alone."""
        identity, fingerprint, mode, counters, window_s, *more = stored
        given = _given_more(more, lambda number: self._names[int(number)])
        entry = Entry(identity, fingerprint, Mode(mode), self._named(counters), window_s, **given)
        return entry, replace(entry, alone=True)

    def _named(self, pairs: PairsJson) -> Counters:
        return tuple((self._names[number], value) for number, value in pairs)


def _given(**fields: object) -> dict[str, object]:
    """Those fields that hold anything."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _more(entry: Entry, named: Callable[[str], int | str]) -> tuple[()] | tuple[MoreJson]:
    """What few operations have, in one last item of its text or none; `named` is how a source stands in it."""
    more = MoreJson()
    if entry.position is not None:
        more["position"] = entry.position.partition, entry.position.sequence
    if entry.origin is not None:
        more["origin"] = origin_json(entry.origin, named)
    return (more,) if more else ()


def _given_more(stored: Sequence[MoreJson], name_of: Callable[[str], str]) -> _More:
    """Read what `_more` wrote."""
    [more] = stored or [MoreJson()]
    check_fields(more, MoreJson.__annotations__)
    given = _More()
    if "position" in more:
        given["position"] = Position(*more["position"])
    if "origin" in more:
        given["origin"] = origin_of(more["origin"], name_of)
    return given


def _merging(entry: Entry) -> Entry:
    return replace(entry, alone=False) if entry.alone else entry


def _answer_json(answer: Answer) -> dict[str, object]:
    if isinstance(answer, Applied):
        return {"applied": list(answer.counters), "later": answer.observed_later}
    if isinstance(answer, Rejected):
        return {"rejected": answer.code, "info": answer.info}
    return {"unknown": answer.reason}


class _AnswerJson(TypedDict, total=False):
    applied: list[tuple[str, int]]
    later: bool
    rejected: int
    info: str
    unknown: str


def _answer(document: _AnswerJson) -> Answer:
    if "applied" in document:
        return Applied(pairs_of(document["applied"]), document["later"])
    if "rejected" in document:
        return Rejected(document["rejected"], document["info"])
    return Unknown(document["unknown"])
