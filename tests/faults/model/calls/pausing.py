"""A pause of every group, or of one, and what is on its way when it begins (R15).

Two instances and the sweep know of the pause of every group by a record that they read again when it is some seconds
old; that is the function's own cache. Time goes by in ticks. What a row becomes, and whether a reply can be judged in
a pause, is asked of `handler.core`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Records, Rejected
from handler.core.model.row import Attempt, Entry, Pause, Row, first_row
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.ledger import Generation
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.conclude import can_judge
from handler.core.runtime.instance import PAUSE_SEEN_S
from handler.core.runtime.memory import GenerationCache
from handler.core.state import transitions
from handler.core.state.transitions import CounterReading
from tests.faults.model.checker import replaced
from tests.unit.core.samples import HandClock

DOUBLE = "DOUBLE"
IN_A_PAUSE = "CALLED IN A PAUSE"
TURNED_AWAY = "TURNED AWAY IN A PAUSE"
HELD_UP = "LEFT OPEN THOUGH ITS FATE IS KNOWN"
UNFINISHED = "UNFINISHED"

# Within so long after it a pause of every group is obeyed.
OBEYED_S = 10.0

# A tick of the clock; ages are counted in ticks, up to one that is older than all that matters.
TICK_S = 4.0
OLD = 3

PAUSE = Pause(since=0, reason="a trial")
SEEN = CounterReading({}, later=True, at=0.0)
REFUSED = Refused(10015, "", Fault.OPERATION, None)
UNCLEAR, UNSENT = Unclear("lost"), Unsent("no connection")

RECEIPT_KEY = "_receipt"

# In the place of a visit that waits for the reply to a call: none does, or its attempt is not the open one any more.
UNHEARD, CLOSED = -1, -2


class At(IntEnum):
    """Before which step a visit stands."""

    START = auto()
    LOOP = auto()
    READ = auto()
    """Waits for a turn among the reads."""
    WAIT = auto()
    """Has made its call."""
    AWAY = auto()
    """Was turned away."""
    DONE = auto()


class Known(NamedTuple):
    """What an instance knows of the pause of every group, and the age of that; -1: it has not read of it."""

    paused: bool = False
    age: int = -1


class Visit(NamedTuple):
    """`own` is the call of the attempt that it has opened, for as long as that is open."""

    at: At = At.START
    own: OwnCall | None = None


Flight = tuple[int, int]


class State(NamedTuple):
    """`row` has no base of its own, and `shows` says whether the receipt shows the open attempt to have landed.

    `flights` are calls under way: the number of the visit that waits for the reply, and of the operation.
    `wrong` is what has happened that should not have.
    """

    row: Row | None
    visits: tuple[Visit, ...]
    known: tuple[Known, ...]
    records: tuple[bool, ...]
    counted: tuple[int, ...]
    paused: int | None = None
    """How long ago the operator has paused; -1 once it is over, None before."""
    age: int = 0
    """The age of the open attempt; it is dead when OLD."""
    shows: bool = False
    flights: tuple[Flight, ...] = ()
    wrong: str = ""
    lost: int = 1
    """How many calls may still go astray."""


Moves = Iterator[tuple[str, State]]


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
                yield f"{name} DIES", _knowing(_with(_unheard(state, number), number, gone), number, Known())
        for flight in state.flights:
            yield from self._on_its_way(state, flight)
        later = _later(state)
        if later != state:
            yield "TIME PASSES", later
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
            yield "the call IS REFUSED", _heard(gone, sender, REFUSED)
        else:
            yield "the call LANDS and is heard of", _with(_settled(landed), sender, Visit(At.LOOP))
        if sender >= 0 and state.lost:
            less = state.lost - 1
            yield "the call LANDS UNHEARD", _heard(landed, sender, UNCLEAR)._replace(lost=less)
            yield "the call IS DELAYED", _heard(_unheard(state, sender), sender, UNCLEAR)._replace(lost=less)
            yield "the call CANNOT BE SENT", _heard(gone, sender, UNSENT)._replace(lost=less)

    def _steps(self, state: State, number: int, visit: Visit) -> Moves:
        row = state.row
        if visit.at is At.START:
            yield from self._accept(state, number)
        elif visit.at is At.LOOP and row is not None:
            yield from self._drive(state, number, visit, row)
        elif visit.at is At.READ:
            yield from self._read(state, number, visit)
        elif visit.at is At.DONE and number == self.deliveries and row is not None and row.is_unfinished:
            yield "begins", _with(state, number, Visit(At.LOOP))

    def _accept(self, state: State, number: int) -> Moves:
        """R1, behind what turns an operation away (R6, R14), neither of which counts in a pause."""
        row = state.row
        paused, state = self._is_paused(state, number)
        if state.records[number]:
            yield "is answered from the record", _with(state, number, Visit(At.DONE))
        elif row is not None and row.entry(str(number)):
            yield "helps", _with(state, number, Visit(At.LOOP))
        elif self.saturated and not (paused and self.rules.accepted_all_the_same):
            yield "is turned away", _with(_when_paused(state, TURNED_AWAY), number, Visit(At.AWAY))
        elif row is None and not (paused and self.rules.first_looks_wait):
            yield "looks at the group, and makes its row", self._made(_called(state), number)
        elif row is None:
            yield "makes a row", self._made(state, number)
        else:
            grown = transitions.appended(row, [_entry(number)])
            yield "appends", _with(_put(state, grown), number, Visit(At.LOOP))

    def _made(self, state: State, number: int) -> State:
        return _with(_put(state, first_row([_entry(number)], RECEIPT_KEY, 1)), number, Visit(At.LOOP))

    def _drive(self, state: State, number: int, visit: Visit, row: Row) -> Moves:
        """One round of the function's loop: ask for the pause, then do what the row needs next."""
        is_done = row.is_settled if number == self.deliveries else row.entry(str(number)) is None
        paused, state = self._is_paused(state, number)
        own = visit.own
        if is_done:
            yield "is done", _with(state, number, Visit(At.DONE))
        elif paused and not (self.rules.own_replies_are_judged and _can_judge(row, own)):
            yield self._stop(state, number, visit, row)
        elif own is not None and not own.is_sent:
            yield "sends", self._sent(state, number, row)
        elif own is not None and _can_judge(row, own):
            yield "judges by its reply", _with(_judged(state, row, own), number, Visit(At.LOOP))
        elif row.attempt is None and row.base is not None:
            yield "opens", self._opened(state, number, row)
        elif not self.of_all:
            yield from self._read(state, number, visit)
        else:
            yield "waits for a turn to look", _with(state, number, visit._replace(at=At.READ))

    def _opened(self, state: State, number: int, row: Row) -> State:
        attempt = Attempt(id="", weight=1, mode=Mode.INCREASE, entries=row.queue[:1], signed_at=0, life_s=0)
        opened = _put(state, row.opened(attempt, row.queue[1:]))._replace(age=0, shows=False)
        return _with(opened, number, Visit(At.LOOP, OwnCall("")))

    def _sent(self, state: State, number: int, row: Row) -> State:
        """R3: what is sent after its life proves nothing and does not land."""
        if row.attempt is None or state.age >= OLD:
            return _heard(_called(state), number, UNCLEAR)
        [entry] = row.attempt.entries
        sent = _called(state)._replace(flights=(*state.flights, (number, int(entry.id))))
        return _with(sent, number, Visit(At.WAIT, OwnCall("", is_sent=True)))

    def _stop(self, state: State, number: int, visit: Visit, row: Row) -> tuple[str, State]:
        """What is not on its way stays here, and what may have been is not touched."""
        own, rules = visit.own, self.rules
        if own and (not rules.what_takes_a_look_stays_open if own.is_sent else rules.unsent_are_taken_back):
            return "takes its attempt back", _with(_put(state, transitions.returned(row)), number, Visit(At.DONE))
        return "leaves a paused group", _with(state, number, Visit(At.DONE, own))

    def _read(self, state: State, number: int, visit: Visit) -> Moves:
        """The turn has come, and the pause may have, too."""
        paused, state = self._is_paused(state, number, of_row=False)
        row = state.row
        again = _with(state, number, visit._replace(at=At.LOOP))
        if paused and self.rules.reads_ask_after_their_turn:
            yield "does not look any more", again
        elif row is None or (row.attempt is None and row.base is not None):
            yield "looks at what is settled by now", _called(again)
        elif row.base is None:
            yield "looks for the first time", _called(_put(again, row.changed(base=0)))
        elif state.shows:
            yield "sees that it has landed", _called(_settled(again))
        elif visit.own is not None and isinstance(visit.own.reply, Refused):
            confirmed = visit._replace(at=At.LOOP, own=replace(visit.own, is_confirmed=True))
            yield "sees the refusal confirmed", _called(_with(state, number, confirmed))
        elif state.age >= OLD:
            yield "sees that it has not landed", _called(_put(again, transitions.not_landed(row).row))
        else:
            yield "sees nothing yet", _called(again)

    def _is_paused(self, state: State, number: int, *, of_row: bool = True) -> tuple[bool, State]:
        """What the function's own cache says; the row of one group is read at each step anyway."""
        if not self.of_all:
            return of_row and state.row is not None and state.row.paused is not None, state
        stored = state.paused is not None and state.paused >= 0
        cache_s = PAUSE_SEEN_S if self.rules.the_record_is_read_again else 60.0
        known = _asked(state.known[number], stored, cache_s)
        return known.paused, _knowing(state, number, known)

    def broken(self, state: State) -> Iterator[str]:
        if max(state.counted) > 1:
            yield DOUBLE
        if state.wrong:
            yield state.wrong
        left = [visit.own for visit in state.visits if visit.at is At.DONE and visit.own is not None]
        if state.row is not None and any(not own.is_sent or _can_judge(state.row, own) for own in left):
            yield HELD_UP

    def broken_at_end(self, state: State) -> Iterator[str]:
        if any(not known and state.visits[number].at is not At.AWAY for number, known in enumerate(state.records)):
            yield UNFINISHED


def _entry(number: int) -> Entry:
    return Entry(id=str(number), fingerprint="", mode=Mode.INCREASE, counters=(("k", 1),), window_s=0.0)


def _with(state: State, number: int, visit: Visit) -> State:
    return state._replace(visits=replaced(state.visits, number, visit))


def _knowing(state: State, number: int, known: Known) -> State:
    return state._replace(known=replaced(state.known, number, known))


def _heard(state: State, number: int, reply: Reply) -> State:
    return _with(state, number, Visit(At.LOOP, OwnCall("", is_sent=True, reply=reply)))


def _unheard(state: State, number: int) -> State:
    """The visit waits for no reply any more; its call may land all the same."""
    return state._replace(
        flights=tuple((UNHEARD if sender == number else sender, what) for sender, what in state.flights)
    )


def _put(state: State, row: Row, records: Records = MappingProxyType({})) -> State:
    """The row is written. Once another attempt is open, or none, a visit's own call is that of the past."""
    settled = tuple(known or str(number) in records for number, known in enumerate(state.records))
    before, row = state.row, replace(row, version=0, remembered=())
    state = state._replace(row=row, records=settled)
    if before is None or before.attempt == row.attempt:
        return state
    visits = tuple(Visit(At.LOOP if visit.at is At.WAIT else visit.at) for visit in state.visits)
    return state._replace(visits=visits, flights=tuple((CLOSED, what) for _, what in state.flights), shows=False)


def _settled(state: State) -> State:
    """R5, on a base that the model keeps at 0."""
    if state.row is None or state.row.attempt is None:
        return state
    change = transitions.landed(state.row, 0, {state.row.attempt.id: 1}, SEEN)
    return _put(state, change.row, change.records)


def _judged(state: State, row: Row, own: OwnCall) -> State:
    if isinstance(own.reply, Unsent):
        return _put(state, transitions.returned(row))
    change = transitions.answered(row, Rejected(REFUSED.code, ""), 0.0)
    return _put(state, change.row, change.records)


def _can_judge(row: Row, own: OwnCall | None) -> bool:
    return can_judge(cast("Any", SimpleNamespace(own_call=lambda _: own)), row)


def _when_paused(state: State, wrong: str) -> State:
    """What happens now may not happen once the pause is old enough to be known."""
    is_known = state.paused is not None and state.paused * TICK_S > OBEYED_S
    return state._replace(wrong=wrong) if is_known else state


def _called(state: State) -> State:
    return _when_paused(state, IN_A_PAUSE)


def _later(state: State) -> State:
    """Everything is a tick older; what was signed too long ago does not land any more."""
    age = min(state.age + 1, OLD)
    paused = state.paused if state.paused is None or state.paused < 0 else min(state.paused + 1, OLD)
    known = tuple(one._replace(age=min(one.age + 1, OLD)) if one.age >= 0 else one for one in state.known)
    flights = state.flights if age < OLD else ()
    after = state._replace(age=age, paused=paused, known=known, flights=flights)
    for number, visit in enumerate(state.visits):
        if visit.at is At.WAIT and not flights:
            after = _heard(after, number, UNCLEAR)
    return after


@cache
def _asked(known: Known, paused: bool, cache_s: float) -> Known:
    """What the function's own cache knows of the stored generation, having heard of it so many ticks ago."""
    clock, answers = HandClock(), [paused]
    ledger = SimpleNamespace(generation=lambda: Generation(1, paused=PAUSE if answers[-1] else None))
    instance = GenerationCache(cast("Any", ledger), clock, cache_s)
    if known.age >= 0:
        answers.append(known.paused)
        instance.current()
        answers.pop()
        clock.advance(known.age * TICK_S)
    is_old = known.age < 0 or known.age * TICK_S > cache_s
    return Known(instance.current().paused is not None, 0 if is_old else known.age)
