"""Rows and records as JSON text, the same in every ledger.

An operation that stands in several attempts is written once and referred to by twice its index, plus one where it goes
out alone, so that remembering or splitting an attempt costs little, and a row stays below 64 KiB.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypedDict

from handler.core.commands import Mode
from handler.core.outcomes import Answer, Applied, Rejected, Unknown
from handler.core.records import Record
from handler.core.rows import Attempt, Entry, Remembered, Row

# Rows never expire, so a later format has to be told from this one.
ROW_FORMAT = 1

# The hard bound of a row. Acceptance stops earlier (accepting.ROW_BYTES_ACCEPTING), so that opening, remembering and
# owing always fit.
ROW_BYTES = 64 * 1024

_EntryJson = tuple[str, str, str, list[tuple[str, int]], float]


class _AttemptJson(TypedDict):
    id: str
    weight: int
    mode: str
    entries: list[int]
    time: int
    life: int
    base: int
    correction: list[tuple[str, int]]
    settled: list[str]


class _FirstRowJson(TypedDict):
    format: int
    version: int
    generation: int
    receipt_key: str
    base: int | None
    entries: list[_EntryJson]
    attempt: _AttemptJson | None
    queue: list[int]
    remembered: list[tuple[_AttemptJson, bool, list[tuple[str, int]], bool]]
    debt: list[tuple[str, int]]
    frozen: str | None
    sighted: int | None
    looked: int


class _RowJson(_FirstRowJson, total=False):
    """With what rows of earlier versions of this function lack."""

    sighted_in: int
    marks: list[tuple[str, str]]
    keys: list[tuple[str, int]]


def encode_row(row: Row) -> str:
    """Write a row, each distinct operation once."""
    table: dict[Entry, int] = {}

    def references(entries: tuple[Entry, ...]) -> list[int]:
        return [2 * table.setdefault(_merging(entry), len(table)) + entry.alone for entry in entries]

    def written(attempt: Attempt) -> _AttemptJson:
        return _attempt_json(attempt, references(attempt.entries))

    attempt = written(row.attempt) if row.attempt else None
    queue = references(row.queue)
    remembered = [(written(past.attempt), past.refused, list(past.folded), past.for_good) for past in row.remembered]
    document: _RowJson = {
        "format": ROW_FORMAT,
        "version": row.version,
        "generation": row.generation,
        "receipt_key": row.receipt_key,
        "base": row.base,
        "entries": [_entry_json(entry) for entry in table],
        "attempt": attempt,
        "queue": queue,
        "remembered": remembered,
        "debt": list(row.debt),
        "frozen": row.frozen,
        "sighted": row.sighted,
        "looked": row.looked,
        "sighted_in": row.sighted_in,
        "marks": list(row.marks),
        "keys": list(row.keys),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def decode_row(text: str) -> Row:
    """Read what `encode_row` wrote; ValueError for a row that a later version of this function has written."""
    document: _RowJson = json.loads(text)
    if document["format"] != ROW_FORMAT:
        raise ValueError(f"a row of format {document['format']} cannot be read by this version")
    table = [(entry, replace(entry, alone=True)) for entry in map(_entry, document["entries"])]

    def entries(references: list[int]) -> tuple[Entry, ...]:
        return tuple(table[reference // 2][reference % 2] for reference in references)

    def attempt(stored: _AttemptJson) -> Attempt:
        return Attempt(
            id=stored["id"],
            weight=stored["weight"],
            mode=Mode(stored["mode"]),
            entries=entries(stored["entries"]),
            time=stored["time"],
            life=stored["life"],
            base=stored["base"],
            correction=_pairs(stored["correction"]),
            settled=frozenset(stored["settled"]),
        )

    return Row(
        version=document["version"],
        generation=document["generation"],
        receipt_key=document["receipt_key"],
        base=document["base"],
        attempt=attempt(document["attempt"]) if document["attempt"] else None,
        queue=entries(document["queue"]),
        remembered=tuple(
            Remembered(attempt(past), refused, _pairs(folded), for_good)
            for past, refused, folded, for_good in document["remembered"]
        ),
        debt=_pairs(document["debt"]),
        frozen=document["frozen"],
        sighted=document["sighted"],
        looked=document["looked"],
        sighted_in=document.get("sighted_in", 0),
        marks=tuple((place, number) for place, number in document.get("marks", ())),
        keys=_pairs(document.get("keys", [])),
    )


def encode_entry(entry: Entry) -> str:
    """Write one operation by itself, as it is appended to a row that is not written anew."""
    return json.dumps(_entry_json(entry), ensure_ascii=False, separators=(",", ":"))


def decode_entry(text: str) -> Entry:
    """Read what `encode_entry` wrote."""
    return _entry(json.loads(text))


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


def _merging(entry: Entry) -> Entry:
    return replace(entry, alone=False) if entry.alone else entry


def _attempt_json(attempt: Attempt, entries: list[int]) -> _AttemptJson:
    return {
        "id": attempt.id,
        "weight": attempt.weight,
        "mode": attempt.mode.value,
        "entries": entries,
        "time": attempt.time,
        "life": attempt.life,
        "base": attempt.base,
        "correction": list(attempt.correction),
        "settled": sorted(attempt.settled),
    }


def _entry_json(entry: Entry) -> _EntryJson:
    return entry.id, entry.fingerprint, entry.mode.value, list(entry.counters), entry.window_s


def _entry(stored: _EntryJson) -> Entry:
    identity, fingerprint, mode, counters, window_s = stored
    return Entry(identity, fingerprint, Mode(mode), _pairs(counters), window_s)


def _pairs(stored: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((key, value) for key, value in stored)


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
        return Applied(_pairs(document["applied"]), document["later"])
    if "rejected" in document:
        return Rejected(document["rejected"], document["info"])
    return Unknown(document["unknown"])
