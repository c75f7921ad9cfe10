"""What `Date`s prove: an API whose clock may be set and whose replies may show another time (R4 b, A11).

A tick of the clock is a whole life of a signature with its guard. Of two instances one opens the attempts, and both
look. When an attempt can land no more is judged by `handler.core`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from handler.core.state.receipts import ReceiptReading, certain
from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"

# So much may happen at most.
CLOCK_MAX = 3
ATTEMPTS_MAX = 2

# By how much the clock is set back, and a wrong `Date` is off.
STEP = 2


class Read(NamedTuple):
    """The attempt that it is about, when it was sent, what had been heard by then, and whether it shows a landing."""

    attempt: int
    sent: int
    heard: int | None
    shows: bool


class Instance(NamedTuple):
    """`met` is the attempt that it knows of, `heard` the largest `Date` since, `ever` the largest of all.

    `read` is its read that is under way.
    """

    met: int = -1
    heard: int | None = None
    ever: int | None = None
    read: Read | None = None


class State(NamedTuple):
    """`open` is the time of the row's open attempt, `made` counts attempts, `flights` are requests and their times."""

    clock: int = 0
    open: int | None = None
    made: int = 0
    flights: tuple[tuple[int, int], ...] = ()
    landed: int = 0
    is_settled: bool = False
    wrong: int = 0
    steps: int = 0
    instances: tuple[Instance, ...] = (Instance(), Instance())


@dataclass(frozen=True)
class Rules:
    """What the judgement takes; each can be left out."""

    a_date_heard_before: bool = True
    heard_since_it_was_met: bool = True
    the_own_date: bool = True


@dataclass(frozen=True)
class Dating:
    """One operation. So many `Date`s are wrong, and so often the clock is set back while no call is on its way.

    `before` is what the second instance has heard before all this, when the clock showed more.
    """

    wrong: int = 0
    steps: int = 0
    before: int | None = None
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        warm = Instance(ever=None if self.rules.heard_since_it_was_met else self.before)
        return State(wrong=self.wrong, steps=self.steps, instances=(Instance(), warm))

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        for flight in state.flights:
            yield from self._on_its_way(state, flight)
        if state.is_settled:
            return
        if state.clock < CLOCK_MAX:
            yield "TICK", state._replace(clock=state.clock + 1)
        if state.steps and not state.flights and state.clock >= STEP:
            yield "THE CLOCK IS SET BACK", state._replace(clock=state.clock - STEP, steps=state.steps - 1)
        if state.open is None and state.made < ATTEMPTS_MAX and state.clock < CLOCK_MAX:
            yield "0 opens and sends", self._opened(state)
        for number in range(len(state.instances)):
            yield from self._steps(state, number)

    def _on_its_way(self, state: State, flight: tuple[int, int]) -> Iterator[tuple[str, State]]:
        gone = state._replace(flights=tuple(other for other in state.flights if other != flight))
        if state.clock <= flight[1]:
            yield f"{flight[0]} LANDS", gone._replace(landed=state.landed + 1)
        yield f"{flight[0]} IS LOST", gone

    def _opened(self, state: State) -> State:
        """The row and its call at once: its time is the API's, because whoever opens has asked for it."""
        after = state._replace(open=state.clock, made=state.made + 1)
        opener = state.instances[0]._replace(met=state.made, heard=None)
        return _with(after._replace(flights=(*state.flights, (state.made, state.clock))), 0, opener)

    def _steps(self, state: State, number: int) -> Iterator[tuple[str, State]]:
        one = state.instances[number]
        if one.read is not None:
            yield f"{number} is answered", self._answered(state, number, one.read, 0)
            if state.wrong:
                less = state._replace(wrong=state.wrong - 1)
                yield f"{number} is answered WITH A WRONG DATE", self._answered(less, number, one.read, STEP)
        elif state.open is not None:
            if one.met != state.made - 1:
                one = one._replace(met=state.made - 1, heard=None)
            heard = one.heard if self.rules.heard_since_it_was_met else one.ever
            read = Read(one.met, state.clock, heard, state.landed > 0)
            yield f"{number} reads the row and asks", _with(state, number, one._replace(read=read))

    def _answered(self, state: State, number: int, read: Read, off: int) -> State:
        """Judge what was seen by what had been heard, and take in the `Date`.

        The look is as old as the read: from the `Date` of the answer is taken off how long it took.
        """
        one, date = state.instances[number], state.clock + off
        ever = max(date, one.ever or 0) if not self.rules.heard_since_it_was_met else None
        after = _with(state, number, one._replace(heard=max(date, one.heard or 0), ever=ever, read=None))
        if state.open is None or read.attempt != state.made - 1:
            return after
        if read.shows:
            return after._replace(open=None, is_settled=True)
        own = read.sent + off
        heard = read.heard if self.rules.a_date_heard_before else own
        is_dead = ReceiptReading(0, certain(heard, own if self.rules.the_own_date else heard, 0)).is_after(
            state.open + 1
        )
        return after._replace(open=None) if is_dead else after

    def broken(self, state: State) -> Iterator[str]:
        if state.landed > 1:
            yield DOUBLE

    def broken_at_end(self, _: State) -> Iterator[str]:
        """Nothing: what has not been counted by then is out of attempts."""
        return iter(())


def _with(state: State, number: int, one: Instance) -> State:
    instances = state.instances
    return state._replace(instances=replaced(instances, number, one))
