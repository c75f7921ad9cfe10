"""Who tells a source that a record of it was refused for good (R6): a reply, or a parked record that a note led to.

One record is delivered as often as the source likes, until one delivery acknowledges it; workers die between any two
steps, and the sweep finishes what they leave. The row, its notes and its acknowledgement are moved by the function.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

from msgspec.structs import replace

from handler.core.model.operation import Mode, Origin
from handler.core.model.outcome import Rejected
from handler.core.model.row import Attempt, Entry, Row
from handler.core.state import transitions
from tests.faults.model.checker import replaced

UNTOLD = "REFUSED AND NEVER TOLD"
UNFINISHED = "UNFINISHED"

ID = "record"
ORIGIN = Origin(source="source", place=ID, caller="source", key=ID)
ENTRY = Entry(id=ID, fingerprint="", mode=Mode.INCREASE, counters=(("k", 1),), window_s=0.0, origin=ORIGIN)
ATTEMPT = Attempt(id="attempt", weight=1, mode=Mode.INCREASE, entries=(ENTRY,), signed_at=0, life_s=0)
REFUSED = Rejected(10004, "")
IDLE = Row(version=0, generation=1, receipt_key="_receipt", base=0)


class At(IntEnum):
    """Before which step a visit stands."""

    START = auto()
    ACKNOWLEDGE = auto()
    DRIVE = auto()
    REFUSED = auto()
    STRIKE = auto()
    PARK = auto()
    """Has struck the note first: only where that rule is left out."""
    DONE = auto()


class State(NamedTuple):
    """`visits` are the deliveries and, last, the sweep; `is_known`: what became of the record is stored."""

    row: Row = IDLE
    is_known: bool = False
    is_parked: bool = False
    is_acknowledged: bool = False
    visits: tuple[At, ...] = ()


Moves = Iterator[tuple[str, State]]


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    rejections_are_noted: bool = True
    deliveries_acknowledge: bool = True
    only_the_teller_goes_without_a_note: bool = True
    parks_before_striking: bool = True


@dataclass(frozen=True)
class Telling:
    """So many deliveries of one record, which is refused; with `over_http`, a caller asks for the same first."""

    deliveries: int = 2
    over_http: bool = False
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        row = transitions.appended(IDLE, [replace(ENTRY, origin=None)]) if self.over_http else IDLE
        return State(replace(row, version=0), visits=(*(At.START,) * self.deliveries, At.DONE))

    def moves(self, state: State) -> Moves:
        for number, at in enumerate(state.visits):
            is_sweep = number == self.deliveries
            name = "the sweep" if is_sweep else f"delivery {number + 1}"
            if at is At.START and state.is_acknowledged:
                yield f"{name} is needed no more", _with(state, number, At.DONE)
                continue
            for what, after in self._steps(state, number, is_sweep=is_sweep):
                yield f"{name} {what}", after._replace(row=replace(after.row, version=0))
            if at not in {At.START, At.DONE}:
                yield f"{name} DIES", _with(state, number, At.DONE if is_sweep else At.START)
        if state.row.attempt and At.REFUSED not in state.visits:
            back = transitions.not_landed(state.row).row
            yield "the attempt is dead, and is closed", state._replace(row=replace(back, remembered=(), version=0))

    def _steps(self, state: State, number: int, *, is_sweep: bool) -> Moves:
        at, row = state.visits[number], state.row
        if at is At.DONE and is_sweep and not row.is_settled:
            yield "begins", _with(state, number, At.DRIVE)
        elif at is At.START:
            yield self._accept(state, number)
        elif at is At.ACKNOWLEDGE:
            told = transitions.acknowledged(row, {ID: ORIGIN}, str(number))
            yield "has a note take the place of replies", _with(state._replace(row=told), number, At.DRIVE)
        elif at is At.DRIVE:
            yield from self._drive(state, number, is_sweep=is_sweep)
        elif at is At.REFUSED:
            yield self._reject(state, number, is_sweep=is_sweep)
        elif at is At.STRIKE:
            yield "strikes the note", _with(state._replace(row=row.changed(notes=())), number, At.DRIVE)
        elif at is At.PARK:
            yield "parks the record", _with(state._replace(is_parked=True), number, At.DRIVE)

    def _accept(self, state: State, number: int) -> tuple[str, State]:
        if state.is_known:
            return "passes on the refusal on record", _with(state, number, At.DONE)
        if not state.row.entry(ID):
            entry = replace(ENTRY, origin=replace(ORIGIN, teller=str(number)))
            return "appends", _with(state._replace(row=transitions.appended(state.row, [entry])), number, At.DRIVE)
        at = At.ACKNOWLEDGE if self.rules.deliveries_acknowledge else At.DRIVE
        return "finds it owed", _with(state, number, at)

    def _drive(self, state: State, number: int, *, is_sweep: bool) -> Moves:
        row = state.row
        if row.notes and self.rules.parks_before_striking:
            yield "parks the record", _with(state._replace(is_parked=True), number, At.STRIKE)
        elif row.notes:
            yield "strikes the note", _with(state._replace(row=row.changed(notes=())), number, At.PARK)
        elif row.queue:
            opened = row.opened(replace(ATTEMPT, entries=row.queue))
            yield "opens, calls and is refused", _with(state._replace(row=opened), number, At.REFUSED)
        if is_sweep and row.is_settled:
            yield "is done", _with(state, number, At.DONE)
        elif not is_sweep and state.is_known:
            yield "passes on the refusal of another's call", _with(state, number, At.DONE)
        elif not is_sweep:
            yield "leaves it to others, and ACKNOWLEDGES", _with(state._replace(is_acknowledged=True), number, At.DONE)

    def _reject(self, state: State, number: int, *, is_sweep: bool) -> tuple[str, State]:
        """Write rejection, record and note in one step, while the attempt is open; then come reply or note."""
        row = state.row
        if row.attempt is None:
            return "finds its attempt closed", _with(state, number, At.DRIVE)
        teller = "" if is_sweep else str(number)
        if not self.rules.only_the_teller_goes_without_a_note and not is_sweep:
            [entry] = row.attempt.entries
            teller = entry.origin.teller if entry.origin else ""
            row = row if teller else replace(row, attempt=replace(row.attempt, entries=(replace(entry, origin=None),)))
        after = replace(transitions.answered(row, REFUSED, 0.0, teller).row, remembered=())
        if not self.rules.rejections_are_noted:
            after = replace(after, notes=())
        return "rejects it", _with(state._replace(row=after, is_known=True), number, At.DRIVE)

    def broken(self, _: State) -> Iterator[str]:
        """Nothing: what is told late is told all the same."""
        return iter(())

    def broken_at_end(self, state: State) -> Iterator[str]:
        """A source that has let go of its record finds it parked; else it has the refusal, or delivers again."""
        if not state.is_known or not state.row.is_settled:
            yield UNFINISHED
        if state.is_acknowledged and not state.is_parked:
            yield UNTOLD


def _with(state: State, number: int, at: At) -> State:
    return state._replace(visits=replaced(state.visits, number, at))
