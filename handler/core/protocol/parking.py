"""Dead letters (we say *parked records*): who notes one, who parks it, and who strikes the note (R6).

A source that has acknowledged a record never delivers it again. So the step that writes a rejection notes it in the
row; a worker that sees the note parks the record, and strikes the note after that. Parking twice under one name keeps
the first. If it were parked before the rejection, an operation could be parked and counted; if it were parked after it
without a note, a worker that dies in between would lose it unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec.structs import replace

from handler.core.errors import AnswerLost, LedgerUnavailable, OutcomeUnknown, TooManyCalls
from handler.core.model.operation import Counters, Origin
from handler.core.model.placed import Part, added_up
from handler.core.model.row import Group, Note, Row
from handler.core.model.row_size import accepted
from handler.core.ports.error_codes import meaning_of
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice, naming
from handler.core.protocol.refusal import without_void
from handler.core.protocol.visit import CONTENTION_S, Next, Visit
from handler.core.runtime.instance import Instance
from handler.core.state import transitions

# How often a write is tried again after another worker's change of the row.
TRIES_MAX = 60


def write_out(visit: Visit, row: Row) -> Next:
    """Park what is noted, then strike the notes. If that fails, the next worker or the sweep does it."""
    instance, done = visit.instance, list[list[Parked]]()
    try:
        while len(done) < len(row.notes) and visit.may_call():
            records = parked(visit.group, row.notes[len(done)])
            for record in records:
                instance.park(visit.group.app, record)
            done.append(records)
    except (LedgerUnavailable, AnswerLost) as error:
        visit.cannot_park = True
        left = naming(note.entry.id for note in row.notes[len(done) :])
        visit.report(Notice.UNFINISHED, reason=str(error), **left)
    if not done:
        return row
    follows = visit.put(row.changed(notes=row.notes[len(done) :]))
    for note, records in zip(row.notes, done, strict=False) if isinstance(follows, Row) else ():
        for record in records:
            whose = {"record": record.id, "source": record.source, "operation": note.entry.id}
            visit.report(Notice.PARKED, reason=record.reason, code=note.code, **whose)
    return without_void(visit, follows)


def refused_with(code: int) -> str:
    """Why a record is parked, or reported as failed, that the vendor has refused for good."""
    return f"the vendor refused it with code {code}: {meaning_of(code).meaning}"


def parked(group: Group, note: Note) -> list[Parked]:
    """The parked records of a note: as their source could have sent them, and as `replay` reads them.

    Records of a stream that were added up are parked by content, with their sum.
    """
    entry, origin = note.entry, note.entry.origin
    if origin is None:
        raise ValueError("an operation without an origin is not noted")
    # Left out, they mean the source's own, which may be longer than a record may name. A key that begins with a
    # quotation mark is written as a quoted string.
    named: dict[str, object] = {}
    if origin.key != origin.place:
        named["IdempotencyKey"] = json.dumps(origin.key) if origin.key.startswith('"') else origin.key
    if origin.caller != origin.source:
        named["Caller"] = origin.caller
    reason = refused_with(note.code)

    def one(name: str, counters: Counters, more: str = "") -> Parked:
        payload: dict[str, object] = {
            "GroupId": group.id,
            "GroupCounter": [{"Key": key, "Value": value} for key, value in counters],
            "Mode": entry.mode.value,
        }
        text = json.dumps(payload | named, ensure_ascii=False)
        return Parked(id=name, source=origin.source, reason=reason + more, at=note.at, payload=text)

    if not entry.parts:
        return [one(origin.place, entry.counters)]
    return [one(name_of(origin, part), added_up(entry.mode, (part,)), _how_many(part)) for part in entry.parts]


def name_of(origin: Origin, part: Part) -> str:
    """What records of a stream are parked under: their part of the source, and where they stand in it."""
    return f"{origin.place}:{part.number}"


def _how_many(part: Part) -> str:
    return f"; {part.times} records of the same content, added up" if part.times > 1 else ""


def acknowledge(visit: Visit, row: Row, origins: Mapping[str, Origin]) -> Row:
    """Have every worker note a rejection of what this delivery has found owed.

    The visit of an earlier delivery may still work on it, and once this delivery has acknowledged the record, that
    visit's answer no longer reaches the source. Raises OutcomeUnknown if nothing could be written: the source then has
    to deliver again.
    """
    for _ in range(TRIES_MAX):
        told = transitions.acknowledged(row, origins, visit.teller)
        # What is gone from the row has an answer, which perhaps only another delivery passes on.
        gone = origins.keys() - {entry.id for entry in row.owed}
        if told is row:
            visit.in_doubt |= gone
            return row
        whole = accepted(told, visit.instance.rules.row_bytes)
        if whole is None:
            raise OutcomeUnknown("the group's row has no room for where the operations come from")
        try:
            if visit.instance.ledger.swap(visit.group, visit.reported(whole), {}):
                visit.in_doubt |= gone
                return whole.row
        except AnswerLost:
            pass  # the row shows whether it was written
        except LedgerUnavailable as error:
            raise OutcomeUnknown(str(error)) from None
        visit.instance.clock.sleep(visit.backoff.jittered(CONTENTION_S))
        row = _read(visit, row)
    raise OutcomeUnknown("too many others change this group at once")


def _read(visit: Visit, before: Row) -> Row:
    try:
        return visit.instance.ledger.load(visit.group) or before
    except LedgerUnavailable as error:
        raise OutcomeUnknown(str(error)) from None


def strike(instance: Instance, group: Group, place: str) -> None:
    """Strike the note of a record that an operator executes again or gives up, or a late worker would park it again."""
    for _ in range(TRIES_MAX):
        row = instance.ledger.load(group)
        if row is None:
            return
        left = tuple(kept for note in row.notes if (kept := _without(note, place)) is not None)
        if left == row.notes:
            return
        try:
            if instance.ledger.swap(group, row.changed(notes=left), {}):
                return
        except AnswerLost:
            pass  # the row shows whether it was written
        instance.clock.sleep(CONTENTION_S)
    raise TooManyCalls("too many others change this group at once")


def _without(note: Note, place: str) -> Note | None:
    """What is left to park of a note once this record is struck off it."""
    entry, origin = note.entry, note.entry.origin
    if origin is None or (origin.place != place and not entry.parts):
        return note
    parts = tuple(part for part in entry.parts if name_of(origin, part) != place)
    return replace(note, entry=replace(entry, parts=parts, counters=added_up(entry.mode, parts))) if parts else None
