"""The JSON that shows a group to an operator; it contains no secret."""

from __future__ import annotations

from typing import TypeAlias

from handler.core.model.placed import number_of
from handler.core.model.row import Attempt, Entry, Note, Pause, Remembered, Row, Trouble
from handler.core.operator.hypotheses import hypotheses
from handler.core.operator.inspect import Inspection
from handler.core.ports.error_codes import meaning_of
from handler.core.runtime.memory import CallFailure
from handler.core.state.merge import Values
from handler.core.state.receipts import Landed, NotLanded, ReceiptVerdict, TooEarly
from handler.triggers.parsing import written, written_if_known

Json: TypeAlias = dict[str, object]


def shown(inspection: Inspection) -> Json:
    """The row, the counters upstream, and the explanation of the difference between them."""
    row = inspection.row
    return {
        "row": _row(row),
        "generation": inspection.generation.number,
        "paused": pause_as_json(row.paused or inspection.generation.paused),
        "last_known": {"receipt": row.base, "counters": _counters(inspection.last_values, row)},
        "upstream": {
            "missing": inspection.missing,
            "receipt": inspection.values.get(row.receipt_key),
            "counters": _counters(inspection.values, row),
        },
        "explanation": _explanation(inspection.verdict),
        "hypotheses": _hypotheses(inspection),
        "to_be_judged": list(inspection.to_be_judged),
        "ready_in_s": round(inspection.ready_in_s, 1),
        "last_failure": _failure(inspection.last_failure),
        "waits_for": inspection.waits_for,
    }


def pause_as_json(pause: Pause | None) -> Json | None:
    """Since when and why there is a pause; None for none."""
    return None if pause is None else {"since": written(pause.since), "reason": pause.reason}


def _counters(values: Values, row: Row) -> Json:
    return {key: value for key, value in values.items() if key != row.receipt_key}


def _hypotheses(inspection: Inspection) -> list[Json]:
    """What would have to be true if nothing had landed, or one of the attempts, each with its arithmetic."""
    if inspection.verdict is None:
        return []
    seen = inspection.values.get(inspection.row.receipt_key, 0)
    return [
        {
            "attempt": one.attempt.id if one.attempt is not None else None,
            "expected": one.expected,
            "off": one.off,
            "before": one.before,
            "in_words": one.sentence,
        }
        for one in hypotheses(inspection.row, seen)
    ]


def trouble_as_text(trouble: Trouble | None) -> str | None:
    """The last call that failed and when, in one text."""
    return None if trouble is None else f"{trouble.what} at {written(trouble.at)}"


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
        "frozen_at": written_if_known(row.frozen_at),
        "since": written_if_known(row.since),
        "last_error": trouble_as_text(row.trouble),
        "sighted": written_if_known(row.first_seen_at),
        "attempt": _attempt(row.attempt) if row.attempt else None,
        "queue": [_entry(entry) for entry in row.queue],
        "queued": len(row.queue),
        "remembered": [_remembered(past) for past in row.remembered],
        "debt": dict(row.debt),
        "notes": [_note(note) for note in row.notes],
    }


def _note(note: Note) -> Json:
    """A rejection that is still to be parked, and the name of its record."""
    place = note.entry.origin and note.entry.origin.place
    return {**_entry(note.entry), "code": note.code, "meaning": meaning_of(note.code).meaning, "record": place}


def _attempt(attempt: Attempt) -> Json:
    return {
        "id": attempt.id,
        "mode": attempt.mode.value,
        "time": written(attempt.signed_at),
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
    said: Json = {"id": entry.id, "mode": entry.mode.value, "counters": dict(entry.counters), **_added_up(entry)}
    return {**said, "accepted_at": written(entry.accepted_at)} if entry.accepted_at else said


def _added_up(entry: Entry) -> Json:
    """How many records of a stream it stands for, and where the first and the last of them stand (R13)."""
    if not entry.parts:
        return {}
    last = max(part.last for part in entry.parts)
    place = entry.origin and entry.origin.place
    return {"records": entry.records, "place": place, "first": number_of(entry.first), "last": number_of(last)}
