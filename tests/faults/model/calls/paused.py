"""A group that is paused, and what is on its way to it (R15): what stands where, and how that moves.

What a row becomes, and whether a reply can be judged in a pause, is asked of `handler.core`; so is what an instance
knows of the pause of every group, by the function's own cache.
"""

from collections.abc import Iterator
from enum import IntEnum, auto
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Records, Rejected
from handler.core.model.row import Entry, Pause, Row
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.ledger import Generation
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.conclude import can_judge
from handler.core.runtime.memory import GenerationCache
from handler.core.state import transitions
from handler.core.state.transitions import CounterReading
from tests.faults.model.checker import replaced
from tests.unit.core.samples import HandClock

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


def entry(number: int) -> Entry:
    return Entry(id=str(number), fingerprint="", mode=Mode.INCREASE, counters=(("k", 1),), window_s=0.0)


def with_visit(state: State, number: int, visit: Visit) -> State:
    return state._replace(visits=replaced(state.visits, number, visit))


def knowing(state: State, number: int, known: Known) -> State:
    return state._replace(known=replaced(state.known, number, known))


def heard(state: State, number: int, reply: Reply) -> State:
    return with_visit(state, number, Visit(At.LOOP, OwnCall("", is_sent=True, reply=reply)))


def unheard(state: State, number: int) -> State:
    """The visit waits for no reply any more; its call may land all the same."""
    return state._replace(
        flights=tuple((UNHEARD if sender == number else sender, what) for sender, what in state.flights)
    )


def put(state: State, row: Row, records: Records = MappingProxyType({})) -> State:
    """The row is written. Once another attempt is open, or none, a visit's own call is that of the past."""
    settled = tuple(known or str(number) in records for number, known in enumerate(state.records))
    before, row = state.row, replace(row, version=0, remembered=())
    state = state._replace(row=row, records=settled)
    if before is None or before.attempt == row.attempt:
        return state
    visits = tuple(Visit(At.LOOP if visit.at is At.WAIT else visit.at) for visit in state.visits)
    return state._replace(visits=visits, flights=tuple((CLOSED, what) for _, what in state.flights), shows=False)


def settled(state: State) -> State:
    """R5, on a base that the model keeps at 0."""
    if state.row is None or state.row.attempt is None:
        return state
    change = transitions.landed(state.row, 0, {state.row.attempt.id: 1}, SEEN)
    return put(state, change.row, change.records)


def judged(state: State, row: Row, own: OwnCall) -> State:
    if isinstance(own.reply, Unsent):
        return put(state, transitions.returned(row))
    change = transitions.answered(row, Rejected(REFUSED.code, ""), 0.0)
    return put(state, change.row, change.records)


def is_judged_by(row: Row, own: OwnCall | None) -> bool:
    return can_judge(cast("Any", SimpleNamespace(own_call=lambda _: own)), row)


def when_paused(state: State, wrong: str) -> State:
    """What happens now may not happen once the pause is old enough to be known."""
    is_known = state.paused is not None and state.paused * TICK_S > OBEYED_S
    return state._replace(wrong=wrong) if is_known else state


def later(state: State) -> State:
    """Everything is a tick older; what was signed too long ago does not land any more."""
    age = min(state.age + 1, OLD)
    paused = state.paused if state.paused is None or state.paused < 0 else min(state.paused + 1, OLD)
    known = tuple(one._replace(age=min(one.age + 1, OLD)) if one.age >= 0 else one for one in state.known)
    flights = state.flights if age < OLD else ()
    after = state._replace(age=age, paused=paused, known=known, flights=flights)
    for number, visit in enumerate(state.visits):
        if visit.at is At.WAIT and not flights:
            after = heard(after, number, UNCLEAR)
    return after


@cache
def asked(known: Known, paused: bool, cache_s: float) -> Known:
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
