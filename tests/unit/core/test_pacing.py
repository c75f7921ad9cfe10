"""When an instance may call at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.pacing import APP_RETRY_MAX_S, Gate, Pace
from handler.core.ports import Fault, Refused
from tests.unit.core.samples import HandClock

ARREARS = Refused(60020, "arrears", Fault.APP, None)
ADDRESS = Refused(60021, "address", Fault.APP, None)


def calls(pace: Pace) -> int:
    """How many calls may begin at this moment."""
    return next(count for count in range(10_000) if pace.wait_s())


def test_a_second_has_as_many_calls_as_the_rate() -> None:
    """All at once if they come so; the next one is told when to come."""
    pace = Pace(HandClock(), 200)
    assert calls(pace) == 200
    assert pace.wait_s() == pytest.approx(1 / 200)


def test_calls_are_refilled_evenly() -> None:
    """A tenth of a second later there is a tenth of them."""
    clock = HandClock()
    pace = Pace(clock, 200)
    calls(pace)
    clock.advance(0.1001)
    assert calls(pace) == 20


def test_nothing_is_saved_beyond_a_second() -> None:
    """After an idle hour the burst is no larger."""
    clock = HandClock()
    pace = Pace(clock, 5)
    clock.advance(3600)
    assert calls(pace) == 5


def test_asking_costs_nothing_while_there_is_no_call() -> None:
    """Those who wait do not push the next call back."""
    clock = HandClock()
    pace = Pace(clock, 2)
    calls(pace)
    for _ in range(10):
        assert pace.wait_s() == pytest.approx(0.5)
    clock.advance(0.501)
    assert pace.wait_s() == 0


@given(st.floats(0.05, 300), st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_no_more_calls_begin_than_the_rate_allows(rate: float, pauses: list[float]) -> None:
    """In any stretch of time: one burst and what is refilled since."""
    clock = HandClock(moment=0.0)
    pace, begun = Pace(clock, rate), 0
    for pause_s in pauses:
        clock.advance(pause_s)
        begun += calls(pace)
        assert begun <= max(1.0, rate) + clock.moment * rate + 1e-6


@given(st.floats(0.05, 300))
def test_whoever_waits_as_told_gets_a_call(rate: float) -> None:
    """Rates below one call per second included."""
    clock = HandClock(moment=0.0)
    pace = Pace(clock, rate)
    calls(pace)
    clock.advance(pace.wait_s() + 1e-6)
    assert pace.wait_s() == 0


def test_a_gate_is_open_until_the_app_is_refused() -> None:
    """Nobody is turned away before."""
    gate = Gate(HandClock())
    assert gate.refusal() is None
    assert gate.retry_after_s() == 0


def test_a_closed_gate_tells_the_vendors_refusal_and_when_it_opens() -> None:
    """The last refusal stands; those of calls that were under way together count as one."""
    clock = HandClock()
    gate = Gate(clock)
    gate.close(ARREARS)
    gate.close(ADDRESS)
    assert gate.refusal() is ADDRESS
    clock.advance(0.4)
    assert gate.retry_after_s() == pytest.approx(0.6)


def test_a_gate_lets_the_next_call_try_after_its_interval() -> None:
    """Nobody has to open it."""
    clock = HandClock()
    gate = Gate(clock)
    gate.close(ARREARS)
    clock.advance(0.99)
    assert gate.refusal() is ARREARS
    clock.advance(0.02)
    assert (gate.refusal(), gate.retry_after_s()) == (None, 0)


def test_intervals_double_up_to_their_bound() -> None:
    """While every try is refused."""
    clock, intervals = HandClock(), list[float]()
    gate = Gate(clock)
    for _ in range(9):
        gate.close(ARREARS)
        intervals.append(gate.retry_after_s())
        clock.advance(intervals[-1])
    assert intervals == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    assert max(intervals) == APP_RETRY_MAX_S


def test_an_accepted_call_opens_the_gate_for_all() -> None:
    """At once, and the next refusal begins with the shortest interval again."""
    clock = HandClock()
    gate = Gate(clock)
    for _ in range(5):
        gate.close(ARREARS)
    gate.open()
    assert (gate.refusal(), gate.retry_after_s()) == (None, 0)
    gate.close(ADDRESS)
    assert gate.retry_after_s() == pytest.approx(1)
