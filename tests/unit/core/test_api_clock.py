"""What one instance knows of the API's time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.api_clock import ApiClock
from handler.core.notices import Notice
from tests.unit.core.samples import NOW, HandClock, Notices

GUARD_S = 5.0


@pytest.fixture
def local() -> HandClock:
    """The instance's own clock, a quarter of a second into a second."""
    return HandClock(wall=NOW + 0.25)


@pytest.fixture
def notices() -> Notices:
    """Nothing told yet."""
    return Notices()


@pytest.fixture
def api_clock(local: HandClock, notices: Notices) -> ApiClock:
    """What a cold instance knows."""
    return ApiClock(local, notices, GUARD_S)


def test_before_any_date_the_local_clock_is_the_best_guess(api_clock: ApiClock, local: HandClock) -> None:
    """Rounded down; but nothing is proven to have passed."""
    local.advance(0.7)
    assert api_clock.now() == NOW
    assert api_clock.latest is None


def test_a_date_is_advanced_by_the_monotonic_clock(api_clock: ApiClock, local: HandClock) -> None:
    """Rounded down; the local wall clock is not asked any more."""
    api_clock.learn(NOW + 3600)
    local.wall = 0.0
    local.moment += 2.9
    assert api_clock.now() == NOW + 3602


def test_the_greatest_lower_bound_counts(api_clock: ApiClock, local: HandClock) -> None:
    """A reply that was slow on its way bounds less than a quick one before or after it."""
    api_clock.learn(NOW)
    local.advance(3.0)
    api_clock.learn(NOW + 1)
    assert api_clock.now() == NOW + 3
    api_clock.learn(NOW + 4)
    assert api_clock.now() == NOW + 4


def test_a_date_in_the_past_moves_nothing_back(api_clock: ApiClock, local: HandClock) -> None:
    """Neither the bound nor what is proven to have passed."""
    api_clock.learn(NOW + 100)
    api_clock.learn(NOW - 100)
    assert (api_clock.now(), api_clock.latest) == (NOW + 100, NOW + 100)


def test_a_reply_without_a_date_teaches_nothing(api_clock: ApiClock) -> None:
    """It is as if it had not come."""
    api_clock.learn(None)
    assert (api_clock.now(), api_clock.latest) == (NOW, None)


def test_a_date_stays_known_when_a_reply_comes_without_one(api_clock: ApiClock) -> None:
    """Not every reply is the API's own."""
    api_clock.learn(NOW + 100)
    api_clock.learn(None)
    assert (api_clock.now(), api_clock.latest) == (NOW + 100, NOW + 100)


def test_only_a_date_received_proves_that_time_has_passed(api_clock: ApiClock, local: HandClock) -> None:
    """Local time may run as long as it likes: it never judges."""
    api_clock.learn(NOW)
    local.advance(1_000_000.0)
    assert api_clock.latest == NOW


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), min_size=1, max_size=8))
def test_the_bound_is_below_the_true_time_and_never_runs_back(replies: list[tuple[float, float]]) -> None:
    """However long replies take, and whatever the local clock says of the date."""
    local, true = HandClock(wall=12.0), float(NOW)
    api_clock, known = ApiClock(local, Notices(), GUARD_S), 0
    for pause_s, delay_s in replies:
        date = int(true + pause_s)
        true += pause_s + delay_s
        local.advance(pause_s + delay_s)
        api_clock.learn(date)
        assert known <= api_clock.now() <= true
        known = api_clock.now()


@pytest.mark.parametrize("ahead_s", [GUARD_S + 2, -GUARD_S - 2, 86_400.0])
def test_a_local_clock_beyond_the_guard_is_reported(
    api_clock: ApiClock, local: HandClock, notices: Notices, ahead_s: float
) -> None:
    """Once per excursion, however many replies say so."""
    local.wall = NOW + ahead_s
    for _ in range(3):
        api_clock.learn(NOW)
    assert notices.told == [Notice.CLOCK_SKEWED]
    local.wall = float(NOW)
    api_clock.learn(NOW)
    local.wall = NOW + ahead_s
    api_clock.learn(NOW)
    assert notices.told == [Notice.CLOCK_SKEWED] * 2


@pytest.mark.parametrize("ahead_s", [0.0, 0.99, GUARD_S, -GUARD_S])
def test_a_local_clock_within_the_guard_is_not(
    api_clock: ApiClock, local: HandClock, notices: Notices, ahead_s: float
) -> None:
    """A Date is rounded down, which looks like up to a second ahead."""
    local.wall = NOW + ahead_s
    api_clock.learn(NOW)
    assert notices.told == []


def test_a_wrong_local_clock_is_reported_and_not_believed(
    api_clock: ApiClock, local: HandClock, notices: Notices
) -> None:
    """From the first Date on the API's time is known."""
    local.wall = NOW - 86_400.0
    assert api_clock.now() == NOW - 86_400
    api_clock.learn(NOW)
    assert api_clock.now() == NOW
    assert notices.told == [Notice.CLOCK_SKEWED]
    assert notices.evidence == [{"local_clock_ahead_s": -86_400}]
