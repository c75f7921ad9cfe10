"""When an app that the vendor refuses may be tried again (R6)."""

from __future__ import annotations

import pytest

from handler.core.ports.counter_api import Fault, Refused
from handler.core.runtime.circuit_breaker import APP_RETRY_MAX_S, CircuitBreaker
from tests.unit.core.samples import HandClock

ARREARS = Refused(60020, "arrears", Fault.APP, None)
ADDRESS = Refused(60021, "address", Fault.APP, None)


def test_an_open_breaker_tells_the_vendors_refusal_and_when_it_closes() -> None:
    clock = HandClock()
    breaker = CircuitBreaker(clock)
    breaker.trip(ARREARS)
    breaker.trip(ADDRESS)
    assert breaker.refusal() is ADDRESS
    clock.advance(0.4)
    assert breaker.retry_after_s() == pytest.approx(0.6)


def test_a_breaker_lets_the_next_call_try_after_its_interval() -> None:
    clock = HandClock()
    breaker = CircuitBreaker(clock)
    breaker.trip(ARREARS)
    clock.advance(0.99)
    assert breaker.refusal() is ARREARS
    clock.advance(0.02)
    assert (breaker.refusal(), breaker.retry_after_s()) == (None, 0)


def test_intervals_double_up_to_their_bound() -> None:
    clock, intervals = HandClock(), list[float]()
    breaker = CircuitBreaker(clock)
    for _ in range(9):
        breaker.trip(ARREARS)
        intervals.append(breaker.retry_after_s())
        clock.advance(intervals[-1])
    assert intervals == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    assert max(intervals) == APP_RETRY_MAX_S


def test_an_accepted_call_closes_the_breaker_for_all() -> None:
    clock = HandClock()
    breaker = CircuitBreaker(clock)
    for _ in range(5):
        breaker.trip(ARREARS)
    breaker.reset()
    assert (breaker.refusal(), breaker.retry_after_s()) == (None, 0)
    breaker.trip(ADDRESS)
    assert breaker.retry_after_s() == pytest.approx(1)
