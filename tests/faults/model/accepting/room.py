"""A row that is bounded (R13): what was accepted can always be settled, rejected, owed back or frozen.

Operations with long keys are accepted, called, lost, refused and seen to land late in any order, and after each step
the row has to be stored. How much is accepted, and what gives way, is reckoned by `handler.core`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from handler.core.model.codec import encode_row
from handler.core.model.operation import KEYS_PER_GROUP, Mode, Origin, Position
from handler.core.model.outcome import Rejected
from handler.core.model.placed import Part
from handler.core.model.row import Attempt, Entry, Pause, Row, Trouble
from handler.core.model.row_size import REASON_BYTES, TROUBLE_CHARACTERS, accepted, fitted, with_keys_that_fit
from handler.core.state import transitions
from handler.core.state.merge import correction_of, next_run
from handler.core.state.parting import can_be_parted
from handler.core.state.receipts import WEIGHT_MIN
from handler.core.state.transitions import Change, CounterReading
from tests.faults.model.groups.group import HIGH, RECEIPT_KEY

WEDGED = "A ROW TOO LONG TO BE STORED"
OUT_OF_TURN = "A YOUNGER ATTEMPT GIVEN UP FOR AN OLDER ONE"
UNFINISHED = "UNFINISHED"

# Two operations find room in such a row, each with a key as long as this.
ROW_BYTES = 8192
KEY_BYTES = 1800

SEEN = CounterReading({}, later=True, at=0.0)
REFUSED = Rejected(10004, "")
ORIGIN = Origin(source="arn:of:a:queue", place="a message", caller="arn:of:a:queue", key="a message")

# What comes on top of a row at any moment, as long as it can be.
REASON = "?" * (REASON_BYTES - 2)
PAUSE, TROUBLE = Pause(since=2**32, reason=REASON), Trouble("?" * TROUBLE_CHARACTERS, 2**32)


class State(NamedTuple):
    """So many operations were `accepted` and attempts `made`, and so many `faults` may yet happen.

    `is_out_of_turn`: a past attempt has given way, and an older one has not.
    """

    row: Row
    accepted: int = 0
    made: int = 0
    faults: int = 0
    is_out_of_turn: bool = False


Moves = Iterator[tuple[str, State]]


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    acceptance_leaves_room: bool = True
    memory_gives_way: bool = True
    known_keys_give_way: bool = True
    oldest_first: bool = True


@dataclass(frozen=True)
class Room:
    """So many operations are asked for, one after the other. With `parts`, each adds up so many contents of a stream.

    So many calls are lost, refused, or seen to land late.
    """

    operations: int
    parts: int = 0
    faults: int = 3
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        return State(Row(version=0, generation=1, receipt_key=RECEIPT_KEY, base=HIGH), faults=self.faults)

    def moves(self, state: State) -> Moves:
        row = state.row
        if state.accepted < self.operations:
            yield from self._accept(state, row)
        if row.notes:
            yield "a note is struck", self._put(state, Change(row.changed(notes=row.notes[1:])))
        if row.attempt is not None:
            yield f"{row.attempt.id} LANDS", self._put(state, transitions.landed(row, HIGH, {row.attempt.id: 1}, SEEN))
        elif row.debt or row.queue:
            yield f"{state.made} opens", self._open(state, row)
        if state.faults:
            for what, change in self._failures(row):
                yield what, self._put(state._replace(faults=state.faults - 1), change)

    def _accept(self, state: State, row: Row) -> Moves:
        grown = transitions.appended(row, [self._entry(state.accepted)])
        if self.rules.acceptance_leaves_room:
            has_room = accepted(grown, ROW_BYTES) is not None
        else:
            has_room = _bytes(fitted(grown, ROW_BYTES).row) <= ROW_BYTES
        if has_room:
            yield f"{state.accepted} is accepted", self._put(state._replace(accepted=state.accepted + 1), Change(grown))

    def _entry(self, number: int) -> Entry:
        def part(at: int) -> Part:
            key = f"{number}.{at}".ljust(KEY_BYTES // max(1, self.parts), "k")
            return Part(counters=((key, 1),), times=2, first=f"{number}0", last=f"{number}{at}")

        parts = tuple(part(at) for at in range(max(1, self.parts)))
        return Entry(
            id=f"{number:032}",
            fingerprint="v1:".ljust(67, "f"),
            mode=Mode.INCREASE if number % 3 else Mode.DECREASE,
            counters=tuple(pair for one in parts for pair in one.counters),
            window_s=0.0,
            origin=ORIGIN,
            position=Position("shard", f"{number}{self.parts}") if self.parts else None,
            parts=parts if self.parts else (),
        )

    def _open(self, state: State, row: Row) -> State:
        """R2, without the lift: the receipt is high."""
        run = () if row.debt else next_run(row.queue, {}, KEYS_PER_GROUP)
        mode, correction = correction_of(row.debt, KEYS_PER_GROUP) if row.debt else (run[0].mode, ())
        attempt = Attempt(
            id=f"{state.made:024}",
            weight=WEIGHT_MIN + state.made,
            mode=mode,
            entries=run,
            signed_at=2**32,
            life_s=6,
            correction=correction,
        )
        opened = Change(row.opened(attempt, row.queue[len(run) :]))
        return self._put(state._replace(made=state.made + 1), opened)

    def _failures(self, row: Row) -> Iterator[tuple[str, Change]]:
        """The call is lost, or refused in one of the ways of R6; or what is remembered lands late (R7)."""
        if row.attempt is not None:
            yield f"{row.attempt.id} IS LOST", transitions.not_landed(row)
            if len(row.attempt.entries) > 1:
                yield f"{row.attempt.id} IS REFUSED, and split", transitions.refused(row, split=True)
            elif any(map(can_be_parted, row.attempt.owed)):
                yield f"{row.attempt.id} IS REFUSED, and parted", transitions.parted(row)
            elif row.attempt.entries:
                yield f"{row.attempt.id} IS REFUSED for good", transitions.answered(row, REFUSED, 2.0**32)
        for past in row.remembered:
            yield f"{past.attempt.id} LANDS LATE", transitions.landed(row, HIGH, {past.attempt.id: 1}, SEEN)

    def _put(self, state: State, change: Change) -> State:
        """The row is written, as it fits."""
        row = replace(self._fitted(change.row), version=0)
        kept = {past.attempt.id for past in row.remembered}
        dropped = {past.attempt.id for past in change.row.remembered} - kept
        is_out_of_turn = bool(dropped and kept) and max(dropped) > min(kept)
        return state._replace(row=row, is_out_of_turn=state.is_out_of_turn or is_out_of_turn)

    def _fitted(self, row: Row) -> Row:
        rules = self.rules
        if not rules.memory_gives_way:
            return with_keys_that_fit(row, ROW_BYTES)
        if not rules.known_keys_give_way:
            return replace(fitted(replace(row, keys=()), ROW_BYTES).row, keys=row.keys)
        if not rules.oldest_first:
            kept = fitted(replace(row, remembered=row.remembered[::-1]), ROW_BYTES).row
            return replace(kept, remembered=kept.remembered[::-1])
        return fitted(row, ROW_BYTES).row

    def broken(self, state: State) -> Iterator[str]:
        """At any moment a group may be frozen, paused, or have met a call that failed."""
        held = replace(transitions.frozen(state.row, REASON, 2**32), paused=PAUSE, trouble=TROUBLE)
        if max(_bytes(state.row), _bytes(self._fitted(held))) > ROW_BYTES:
            yield WEDGED
        if state.is_out_of_turn:
            yield OUT_OF_TURN

    def broken_at_end(self, state: State) -> Iterator[str]:
        if not state.row.is_settled or state.accepted < self.operations:
            yield UNFINISHED


def _bytes(row: Row) -> int:
    return len(encode_row(row).encode())
