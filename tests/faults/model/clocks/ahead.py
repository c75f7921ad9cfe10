"""A row whose call is signed for a time to come (R12): waited for, or frozen where that would take too long.

An instance that knows no time yet looks at the receipt again and again, each time with a `Date`; one of these may be
off. When the call is dead, and when its time lies too far ahead, is judged by `handler.core`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from handler.core.protocol.waiting import why_too_far_ahead
from handler.core.runtime.api_clock import NEAR_S, ApiClock
from handler.core.state.receipts import ReceiptReading, certain, death
from tests.unit.core.samples import BOUND_S, NOW, HandClock, Notices, attempt, row

NEEDLESS = "FROZEN THOUGH ITS TIME IS NEAR"
WAITS = "WAITS THOUGH ITS TIME IS FAR AHEAD, OR PAST"

GUARD_S = 5.0
EVENTS_MAX = 7

# How far off an odd `Date` is: no more than is believed where nothing is known yet. How long each wait is.
OFF_S = 60
WAIT_S = 150.0


class State(NamedTuple):
    """What has happened, one word each, and what has become of the row."""

    history: tuple[str, ...] = ()
    fate: str = ""
    ahead_s: float = 0.0
    """How far the call's time was ahead at the last look."""


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    far_ahead_freezes: bool = True
    two_dates_have_to_say_so: bool = True


@dataclass(frozen=True)
class Ahead:
    """A call that is signed for so many seconds from now, and so many `Date`s that are odd."""

    ahead_s: int
    odd: int = 0
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        return State()

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        if state.fate or len(state.history) >= EVENTS_MAX:
            return
        yield "TIME PASSES", state._replace(history=(*state.history, "wait"))
        yield "looks", self._looked((*state.history, "look"))
        if state.history.count("odd") < self.odd:
            yield "looks, and hears AN ODD DATE", self._looked((*state.history, "odd"))

    def _looked(self, history: tuple[str, ...]) -> State:
        """The function's own clock through all of this, and what the last look says."""
        local = HandClock()
        clock, called = ApiClock(local, Notices(), GUARD_S), attempt(time=NOW + self.ahead_s)
        reading = ReceiptReading(0, None)
        for event in history:
            if event == "wait":
                local.advance(WAIT_S)
                continue
            heard = clock.since([called.id])
            date: int | None = int(local.now()) - (OFF_S if event == "odd" else 0)
            date = date if clock.learn(date, connection=len(history)) else None
            reading = ReceiptReading(0, certain(heard, date, 0.0))
            if not self.rules.two_dates_have_to_say_so:
                reading = ReceiptReading(0, date)
        heard = clock.since([called.id])
        visit = SimpleNamespace(heard=lambda _: heard)
        fate = ""
        if reading.is_after(death(called, BOUND_S)):
            fate = "closed"
        elif self.rules.far_ahead_freezes and why_too_far_ahead(cast("Any", visit), row(called), reading):
            fate = "frozen"
        return State(history, fate, called.signed_at - local.now())

    def broken(self, state: State) -> Iterator[str]:
        if state.fate == "frozen" and state.ahead_s <= NEAR_S:
            yield NEEDLESS
        is_due = state.ahead_s > NEAR_S or state.ahead_s < -(BOUND_S + GUARD_S)
        if state.history[-2:] == ("look", "look") and "odd" not in state.history and is_due and not state.fate:
            yield WAITS

    def broken_at_end(self, _: State) -> Iterator[str]:
        """Nothing: a history ends where it is long enough."""
        return iter(())
