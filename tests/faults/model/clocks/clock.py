"""What an instance believes of the API's time (R12): the function's own `ApiClock`, in every short history.

Time goes by in steps of three seconds. Replies come over two connections, one of which may lead to a host whose clock
is off, or a single reply is odd, or shows a clock that stands still. The instance may be frozen once, which stops its
monotonic clock and no other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from unittest.mock import patch

from handler.core.runtime import api_clock
from handler.core.runtime.api_clock import APART_MIN_S, WHOLE_S, ApiClock
from tests.unit.core.samples import Notices

WRONG = "A WRONG TIME IS STAMPED"
DEAF = "A CLOCK THAT WAS SET IS NEVER BELIEVED"

GUARD_S = 5.0
BEGAN = 1_000_000
EVENTS_MAX = 6

# How far off an odd `Date` is, and how long a freeze lasts: no more than is believed where nothing is known yet.
OFF_S = 60
FROZEN_S = 120.0


class State(NamedTuple):
    """What has happened, one word each, and what may yet go wrong."""

    history: tuple[str, ...] = ()
    odd: int = 0
    freezes: int = 0
    sets: int = 0


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    stamps_are_borne_out: bool = True
    a_pair_needs_two_connections: bool = True
    a_pair_needs_the_time_between: bool = True
    a_pair_moves_the_clock: bool = True
    a_thaw_ends_evidence: bool = True
    odd_dates_are_no_evidence: bool = True


class _Local:
    """The instance's clocks, and the API's."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.frozen_s = 0.0
        self.set_s = 0.0
        self.heard: list[str] = []
        """Replies so far, where each is taken for one over a connection of its own."""

    def now(self) -> float:
        return BEGAN + self.passed_s + self.frozen_s

    def monotonic(self) -> float:
        return self.passed_s

    def api(self) -> int:
        return int(BEGAN + self.passed_s + self.frozen_s + self.set_s)

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


class _Awake(_Local):
    """Clocks that tell nothing of a freeze."""

    def now(self) -> float:
        return BEGAN + self.passed_s


@dataclass(frozen=True)
class Clocks:
    """So many replies are odd; or, with `bad_host`, all that come over the second connection, once it is warm.

    With `stopped`, any reply may show a clock that stands still. The instance is frozen `freezes` times, and the API's
    clock is set `sets` times.
    """

    odd: int = 0
    bad_host: bool = False
    stopped: bool = False
    freezes: int = 0
    sets: int = 0
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        warm = ("one", "one") if self.bad_host or self.stopped or self.freezes or self.sets else ()
        return State(warm, self.odd, self.freezes, self.sets)

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        if len(state.history) >= EVENTS_MAX:
            return
        yield "THREE SECONDS PASS", self._after(state, "pass")
        for over in ("one", "two"):
            yield f"hears over {over}", self._after(state, over)
            if self.stopped:
                yield f"hears A STOPPED CLOCK over {over}", self._after(state, f"stopped {over}")
        if state.odd:
            for over in ("one", "two"):
                yield f"hears AN ODD DATE over {over}", self._after(state._replace(odd=state.odd - 1), f"odd {over}")
        if state.freezes:
            yield "IS FROZEN", self._after(state._replace(freezes=state.freezes - 1), "freeze")
        if state.sets:
            yield "THE CLOCK IS SET", self._after(state._replace(sets=state.sets - 1), "set")

    def _after(self, state: State, event: str) -> State:
        return state._replace(history=(*state.history, event))

    def broken(self, state: State) -> Iterator[str]:
        local = _Local() if self.rules.a_thaw_ends_evidence else _Awake()
        guard_s = GUARD_S if self.rules.odd_dates_are_no_evidence else 2.0 * OFF_S
        clock = ApiClock(local, Notices(), guard_s)
        apart_min_s = APART_MIN_S if self.rules.a_pair_needs_the_time_between else 0.0
        with patch.object(api_clock, "APART_MIN_S", apart_min_s):
            for event in state.history:
                self._happen(event, local, clock)
        stamps = clock.is_borne_out or (not self.rules.stamps_are_borne_out and clock.since([]) is not None)
        if stamps and "set" not in state.history and abs(clock.now() - local.api()) > GUARD_S + WHOLE_S:
            yield WRONG
        pair = ("set", "one", "pass", "two")
        if state.history[-4:] == pair and abs(clock.now() - local.api()) > GUARD_S + WHOLE_S:
            yield DEAF

    def _happen(self, event: str, local: _Local, clock: ApiClock) -> None:
        if event == "pass":
            local.passed_s += APART_MIN_S
        elif event == "freeze":
            local.frozen_s += FROZEN_S
        elif event == "set":
            local.set_s += OFF_S
        else:
            is_odd = event.startswith("odd") or (self.bad_host and event == "two")
            over = 2 if event.endswith("two") else 1
            if not self.rules.a_pair_needs_two_connections:
                over = len(local.heard)
                local.heard.append(event)
            if not self.rules.a_pair_moves_the_clock:
                over = 1
            date = BEGAN if event.startswith("stopped") else local.api()
            clock.learn(date + (OFF_S if is_odd or event.startswith("stopped") else 0), over)

    def broken_at_end(self, _: State) -> Iterator[str]:
        """Nothing: a history ends where it is long enough."""
        return iter(())
