"""A pause of every group, or of one, and what is on its way when it begins (R15): who does what.

Two deliveries at most, and the sweep, each at an instance of its own. Time goes by in ticks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Row, first_row
from handler.core.ports.counter_api import Refused
from handler.core.protocol.calls import OwnCall
from handler.core.runtime.instance import PAUSE_SEEN_S
from handler.core.state import transitions
from tests.faults.model.calls.paused import (
    CLOSED,
    OLD,
    PAUSE,
    RECEIPT_KEY,
    REFUSED,
    UNCLEAR,
    UNSENT,
    At,
    Flight,
    Known,
    Moves,
    State,
    Visit,
    asked,
    entry,
    heard,
    is_judged_by,
    judged,
    knowing,
    later,
    put,
    settled,
    unheard,
    when_paused,
    with_visit,
)
from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
IN_A_PAUSE = "CALLED IN A PAUSE"
TURNED_AWAY = "TURNED AWAY IN A PAUSE"
HELD_UP = "LEFT OPEN THOUGH ITS FATE IS KNOWN"
UNFINISHED = "UNFINISHED"


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    the_record_is_read_again: bool = True
    reads_ask_after_their_turn: bool = True
    unsent_are_taken_back: bool = True
    own_replies_are_judged: bool = True
    what_takes_a_look_stays_open: bool = True
    accepted_all_the_same: bool = True
    first_looks_wait: bool = True


@dataclass(frozen=True)
class Pausing:
    """So many deliveries, each of an operation and to an instance of its own, and last the sweep at one more.

    `is_refused`: the API refuses what the first asks for. `saturated`: the app's rate is used up. So many calls may go
    `lost`. Under the pause of one group alone no read waits for its turn.
    """

    deliveries: int = 1
    of_all: bool = True
    begun: bool = True
    is_refused: bool = False
    saturated: bool = False
    lost: int = 0
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        row = Row(version=0, generation=1, receipt_key=RECEIPT_KEY, base=0) if self.begun else None
        count = self.deliveries
        visits = (*(Visit(),) * count, Visit(At.DONE))
        return State(row, visits, (Known(),) * len(visits), (False,) * count, (0,) * count, lost=self.lost)

    def moves(self, state: State) -> Moves:
        for number, visit in enumerate(state.visits):
            name = f"delivery {number + 1}" if number < self.deliveries else "the sweep"
            for what, after in self._steps(state, number, visit):
                yield f"{name} {what}", after
            if visit.at in {At.LOOP, At.READ, At.WAIT}:
                gone = Visit(At.DONE if number == self.deliveries else At.START)
                yield f"{name} DIES", knowing(with_visit(unheard(state, number), number, gone), number, Known())
        for flight in state.flights:
            yield from self._on_its_way(state, flight)
        if later(state) != state:
            yield "TIME PASSES", later(state)
        yield from self._ordered(state)

    def _ordered(self, state: State) -> Moves:
        """What the operator orders, once each."""
        if state.paused is None and (self.of_all or state.row is not None):
            row = state.row if self.of_all or state.row is None else replace(state.row, paused=PAUSE)
            yield "AN OPERATOR PAUSES", state._replace(paused=0, row=row)
        elif state.paused is not None and state.paused >= 0:
            row = state.row and replace(state.row, paused=None)
            yield "THE OPERATOR RESUMES", state._replace(paused=-1, row=row)

    def _on_its_way(self, state: State, flight: Flight) -> Moves:
        """The call lands, is refused or goes astray, and its visit hears of it or not."""
        sender, operation = flight
        gone = state._replace(flights=tuple(other for other in state.flights if other is not flight))
        counted = replaced(state.counted, operation, state.counted[operation] + 1)
        landed = gone._replace(counted=counted, shows=state.shows or sender != CLOSED)
        if sender < 0:
            yield "the call LANDS", landed
        elif self.is_refused and operation == 0:
            yield "the call IS REFUSED", heard(gone, sender, REFUSED)
        else:
            yield "the call LANDS and is heard of", with_visit(settled(landed), sender, Visit(At.LOOP))
        if sender >= 0 and state.lost:
            less = state.lost - 1
            yield "the call LANDS UNHEARD", heard(landed, sender, UNCLEAR)._replace(lost=less)
            yield "the call IS DELAYED", heard(unheard(state, sender), sender, UNCLEAR)._replace(lost=less)
            yield "the call CANNOT BE SENT", heard(gone, sender, UNSENT)._replace(lost=less)

    def _steps(self, state: State, number: int, visit: Visit) -> Moves:
        row = state.row
        if visit.at is At.START:
            yield from self._accept(state, number)
        elif visit.at is At.LOOP and row is not None:
            yield from self._drive(state, number, visit, row)
        elif visit.at is At.READ:
            yield from self._read(state, number, visit)
        elif visit.at is At.DONE and number == self.deliveries and row is not None and row.is_unfinished:
            yield "begins", with_visit(state, number, Visit(At.LOOP))

    def _accept(self, state: State, number: int) -> Moves:
        """R1, behind what turns an operation away (R6, R14), neither of which counts in a pause."""
        row = state.row
        paused, state = self._is_paused(state, number)
        if state.records[number]:
            yield "is answered from the record", with_visit(state, number, Visit(At.DONE))
        elif row is not None and row.entry(str(number)):
            yield "helps", with_visit(state, number, Visit(At.LOOP))
        elif self.saturated and not (paused and self.rules.accepted_all_the_same):
            yield "is turned away", with_visit(when_paused(state, TURNED_AWAY), number, Visit(At.AWAY))
        elif row is None and not (paused and self.rules.first_looks_wait):
            yield "looks at the group, and makes its row", self._made(_called(state), number)
        elif row is None:
            yield "makes a row", self._made(state, number)
        else:
            grown = transitions.appended(row, [entry(number)])
            yield "appends", with_visit(put(state, grown), number, Visit(At.LOOP))

    def _made(self, state: State, number: int) -> State:
        return with_visit(put(state, first_row([entry(number)], RECEIPT_KEY, 1)), number, Visit(At.LOOP))

    def _drive(self, state: State, number: int, visit: Visit, row: Row) -> Moves:
        """One round of the function's loop: ask for the pause, then do what the row needs next."""
        is_done = row.is_settled if number == self.deliveries else row.entry(str(number)) is None
        paused, state = self._is_paused(state, number)
        own = visit.own
        if is_done:
            yield "is done", with_visit(state, number, Visit(At.DONE))
        elif paused and not (self.rules.own_replies_are_judged and is_judged_by(row, own)):
            yield self._stop(state, number, visit, row)
        elif own is not None and not own.is_sent:
            yield "sends", self._sent(state, number, row)
        elif own is not None and is_judged_by(row, own):
            yield "judges by its reply", with_visit(judged(state, row, own), number, Visit(At.LOOP))
        elif row.attempt is None and row.base is not None:
            yield "opens", self._opened(state, number, row)
        elif not self.of_all:
            yield from self._read(state, number, visit)
        else:
            yield "waits for a turn to look", with_visit(state, number, visit._replace(at=At.READ))

    def _opened(self, state: State, number: int, row: Row) -> State:
        attempt = Attempt(id="", weight=1, mode=Mode.INCREASE, entries=row.queue[:1], signed_at=0, life_s=0)
        opened = put(state, row.opened(attempt, row.queue[1:]))._replace(age=0, shows=False)
        return with_visit(opened, number, Visit(At.LOOP, OwnCall("")))

    def _sent(self, state: State, number: int, row: Row) -> State:
        """R3: what is sent after its life proves nothing and does not land."""
        if row.attempt is None or state.age >= OLD:
            return heard(_called(state), number, UNCLEAR)
        [entry] = row.attempt.entries
        sent = _called(state)._replace(flights=(*state.flights, (number, int(entry.id))))
        return with_visit(sent, number, Visit(At.WAIT, OwnCall("", is_sent=True)))

    def _stop(self, state: State, number: int, visit: Visit, row: Row) -> tuple[str, State]:
        """What is not on its way stays here, and what may have been is not touched."""
        own, rules = visit.own, self.rules
        if own and (not rules.what_takes_a_look_stays_open if own.is_sent else rules.unsent_are_taken_back):
            return "takes its attempt back", with_visit(put(state, transitions.returned(row)), number, Visit(At.DONE))
        return "leaves a paused group", with_visit(state, number, Visit(At.DONE, own))

    def _read(self, state: State, number: int, visit: Visit) -> Moves:
        """The turn has come, and the pause may have, too."""
        paused, state = self._is_paused(state, number, of_row=False)
        row = state.row
        again = with_visit(state, number, visit._replace(at=At.LOOP))
        if paused and self.rules.reads_ask_after_their_turn:
            yield "does not look any more", again
        elif row is None or (row.attempt is None and row.base is not None):
            yield "looks at what is settled by now", _called(again)
        elif row.base is None:
            yield "looks for the first time", _called(put(again, row.changed(base=0)))
        elif state.shows:
            yield "sees that it has landed", _called(settled(again))
        elif visit.own is not None and isinstance(visit.own.reply, Refused):
            confirmed = visit._replace(at=At.LOOP, own=replace(visit.own, is_confirmed=True))
            yield "sees the refusal confirmed", _called(with_visit(state, number, confirmed))
        elif state.age >= OLD:
            yield "sees that it has not landed", _called(put(again, transitions.not_landed(row).row))
        else:
            yield "sees nothing yet", _called(again)

    def _is_paused(self, state: State, number: int, *, of_row: bool = True) -> tuple[bool, State]:
        """What the function's own cache says; the row of one group is read at each step anyway."""
        if not self.of_all:
            return of_row and state.row is not None and state.row.paused is not None, state
        stored = state.paused is not None and state.paused >= 0
        cache_s = PAUSE_SEEN_S if self.rules.the_record_is_read_again else 60.0
        known = asked(state.known[number], stored, cache_s)
        return known.paused, knowing(state, number, known)

    def broken(self, state: State) -> Iterator[str]:
        if max(state.counted) > 1:
            yield DOUBLE
        if state.wrong:
            yield state.wrong
        left = [visit.own for visit in state.visits if visit.at is At.DONE and visit.own is not None]
        if state.row is not None and any(not own.is_sent or is_judged_by(state.row, own) for own in left):
            yield HELD_UP

    def broken_at_end(self, state: State) -> Iterator[str]:
        if any(not known and state.visits[number].at is not At.AWAY for number, known in enumerate(state.records)):
            yield UNFINISHED


def _called(state: State) -> State:
    return when_paused(state, IN_A_PAUSE)
