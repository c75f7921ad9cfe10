"""Rows of format 1, which are read and no longer written: every key stands in full wherever it is named.

Rows never expire, so a ledger that was written before format 2 holds them until each is written again.
"""

from __future__ import annotations

from typing import TypedDict

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry, Remembered, Row
from handler.core.model.row_format import check_fields, pairs_of

FIRST_FORMAT = 1

_PairsJson = list[tuple[str, int]]
_EntryJson = tuple[str, str, str, _PairsJson, float]


class _AttemptJson(TypedDict):
    id: str
    weight: int
    mode: str
    entries: list[int]
    time: int
    life: int
    base: int
    correction: _PairsJson
    settled: list[str]


class FirstRowJson(TypedDict, total=False):
    """A decoded row."""

    format: int
    version: int
    generation: int
    receipt_key: str
    base: int | None
    entries: list[_EntryJson]
    attempt: _AttemptJson | None
    queue: list[int]
    remembered: list[tuple[_AttemptJson, bool, _PairsJson, bool]]
    debt: _PairsJson
    frozen: str | None
    sighted: int | None
    looked: int
    sighted_in: int
    marks: list[tuple[str, str]]
    keys: _PairsJson


def first_format_row(document: FirstRowJson) -> Row:
    """The row of a decoded document; the last three fields came later, so a row may lack them."""
    check_fields(document, FirstRowJson.__annotations__)
    merging = [_entry(stored) for stored in document["entries"]]
    table = [(entry, replace(entry, alone=True)) for entry in merging]

    def attempt(stored: _AttemptJson) -> Attempt:
        check_fields(stored, _AttemptJson.__annotations__)
        return Attempt(
            id=stored["id"],
            weight=stored["weight"],
            mode=Mode(stored["mode"]),
            entries=entries(stored["entries"]),
            time=stored["time"],
            life=stored["life"],
            base=stored["base"],
            correction=pairs_of(stored["correction"]),
            settled=frozenset(stored["settled"]),
        )

    def entries(references: list[int]) -> tuple[Entry, ...]:
        return tuple(table[reference // 2][reference % 2] for reference in references)

    return Row(
        version=document["version"],
        generation=document["generation"],
        receipt_key=document["receipt_key"],
        base=document["base"],
        attempt=attempt(document["attempt"]) if document["attempt"] else None,
        queue=entries(document["queue"]),
        remembered=tuple(
            Remembered(attempt(past), refused, pairs_of(folded), for_good)
            for past, refused, folded, for_good in document["remembered"]
        ),
        debt=pairs_of(document["debt"]),
        frozen=document["frozen"],
        sighted=document["sighted"],
        looked=document["looked"],
        sighted_in=document.get("sighted_in", 0),
        watermarks=tuple((partition, sequence) for partition, sequence in document.get("marks", [])),
        keys=pairs_of(document.get("keys", [])),
    )


def _entry(stored: _EntryJson) -> Entry:
    identity, fingerprint, mode, counters, window_s = stored
    return Entry(identity, fingerprint, Mode(mode), pairs_of(counters), window_s)
