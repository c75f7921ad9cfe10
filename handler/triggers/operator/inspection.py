"""The JSON that shows a group to an operator; it contains no secret."""

from __future__ import annotations

from typing import TypeAlias

from handler.core.model.row import Attempt, Entry, Note, Remembered, Row
from handler.core.recovery.inspect import Inspection
from handler.core.runtime.memory import CallFailure
from handler.core.state.receipts import Landed, NotLanded, ReceiptVerdict, TooEarly
from handler.triggers.parsing import written

Json: TypeAlias = dict[str, object]


def shown(inspection: Inspection) -> Json:
    """The row, the counters upstream, and the explanation of the difference between them."""
    row = inspection.row
    return {
        "row": _row(row),
        "generation": inspection.generation.number,
        "upstream": {
            "missing": inspection.missing,
            "receipt": inspection.values.get(row.receipt_key),
            "counters": {key: value for key, value in inspection.values.items() if key != row.receipt_key},
        },
        "explanation": _explanation(inspection.verdict),
        "to_be_judged": list(inspection.to_be_judged),
        "ready_in_s": round(inspection.ready_in_s, 1),
        "last_failure": _failure(inspection.last_failure),
        "waits_for": inspection.waits_for,
    }


def _failure(failure: CallFailure | None) -> Json | None:
    """The last call of this instance that could not be made or proved nothing."""
    if failure is None:
        return None
    seconds = round(failure.took_s, 3)
    return {"host": failure.host, "failure": failure.failure, "seconds": seconds, "at": written(failure.at)}


def _explanation(verdict: ReceiptVerdict | None) -> Json | None:
    if verdict is None:
        return None
    if isinstance(verdict, Landed):
        return {"receipt": "moved by attempts that landed", "landed": dict(verdict.times)}
    if isinstance(verdict, NotLanded):
        return {"receipt": "is the base: nothing landed, and nothing can any more"}
    if isinstance(verdict, TooEarly):
        return {"receipt": "is the base, while the open attempt may still land"}
    return {"receipt": "is explained by nothing"}


def _row(row: Row) -> Json:
    return {
        "version": row.version,
        "generation": row.generation,
        "receipt_key": row.receipt_key,
        "base": row.base,
        "frozen": row.frozen,
        "sighted": row.first_seen_at,
        "attempt": _attempt(row.attempt) if row.attempt else None,
        "queue": [_entry(entry) for entry in row.queue],
        "queued": len(row.queue),
        "remembered": [_remembered(past) for past in row.remembered],
        "debt": dict(row.debt),
        "notes": [_note(note) for note in row.notes],
    }


def _note(note: Note) -> Json:
    """A rejection that is still to be parked, and the name of its record."""
    return {**_entry(note.entry), "code": note.code, "record": note.entry.origin and note.entry.origin.place}


def _attempt(attempt: Attempt) -> Json:
    return {
        "id": attempt.id,
        "mode": attempt.mode.value,
        "time": attempt.signed_at,
        "life": attempt.life_s,
        "weight": attempt.weight,
        "operations": [
            {**_entry(entry), "settled_meanwhile": entry.id in attempt.settled} for entry in attempt.entries
        ],
        "correction": dict(attempt.correction),
        **({"lift": True} if attempt.is_lift else {}),
    }


def _remembered(past: Remembered) -> Json:
    return {**_attempt(past.attempt), "refused": past.refused, "settled": dict(past.folded)}


def _entry(entry: Entry) -> Json:
    return {"id": entry.id, "mode": entry.mode.value, "counters": dict(entry.counters)}
