"""What one instance knows of the API's time, and which `Date`s it believes (R12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.ports.system import Notice
from handler.core.runtime.api_clock import ASK_AGAIN_S, DATES_MAX, MET_MAX, ApiClock, Heard
from tests.unit.core.samples import NOW, HandClock, Notices

GUARD_S = 5.0
DAY_S = 86_400
YEAR_9999 = 253_402_300_799


@pytest.fixture
def local() -> HandClock:
    """The instance's own clock, a quarter of a second into a second."""
    return HandClock(wall=NOW + 0.25)


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def api_clock(local: HandClock, notices: Notices) -> ApiClock:
    return ApiClock(local, notices, GUARD_S)


@pytest.fixture
def warm(api_clock: ApiClock) -> ApiClock:
    """What an instance knows that has heard a `Date`."""
    assert api_clock.learn(NOW, 1)
    return api_clock


@pytest.mark.parametrize("ahead_s", [300, -300, 17])
def test_the_first_date_is_believed_near_the_local_clock(api_clock: ApiClock, local: HandClock, ahead_s: int) -> None:
    local.wall = float(NOW)
    assert api_clock.learn(NOW + ahead_s)
    local.advance(2.9)
    assert api_clock.now() == NOW + ahead_s + 2


@pytest.mark.parametrize("date", [NOW + 302, NOW - 301, NOW + 600, NOW + 70 * 365 * DAY_S, YEAR_9999, 0])
def test_any_other_first_date_is_no_evidence(api_clock: ApiClock, notices: Notices, date: int) -> None:
    assert not api_clock.learn(date, 1)
    assert (api_clock.now(), api_clock.since([])) == (NOW, None)
    assert notices.told == [Notice.CLOCK_DISTRUSTED]
    assert notices.evidence == [{"date": date, "ahead_s": round(date - NOW - 0.25)}]


@pytest.mark.parametrize(
    ("date", "is_evidence"), [(NOW + 6, True), (NOW - 6, True), (NOW + 7, False), (NOW - 7, False), (YEAR_9999, False)]
)
def test_later_dates_are_believed_within_the_guard(warm: ApiClock, date: int, is_evidence: bool) -> None:
    """Of what the clock says, and of a second for a `Date` is cut to whole ones."""
    assert warm.learn(date) is is_evidence
    assert warm.now() == (NOW + 6 if date == NOW + 6 else NOW)


def test_the_greatest_lower_bound_counts(api_clock: ApiClock, local: HandClock) -> None:
    """A reply that was slow on its way bounds less than a quick one before or after it."""
    api_clock.learn(NOW)
    local.advance(3.0)
    api_clock.learn(NOW + 1)
    assert api_clock.now() == NOW + 3
    api_clock.learn(NOW + 4)
    assert api_clock.now() == NOW + 4


@pytest.mark.parametrize(
    ("off_s", "first", "second", "passed_s", "differ_s", "borne_out"),
    [
        pytest.param(-60, 1, 2, 3.0, 3, True, id="behind"),
        pytest.param(600, 1, 2, 3.0, 3, True, id="ahead"),
        pytest.param(-60, 1, 2, 3.0, 4, True, id="a second more"),
        pytest.param(-60, 1, 2, 3.0, 2, True, id="a second less"),
        pytest.param(DAY_S - 10, 1, 2, 100.0, 100, True, id="nearly a day off"),
        pytest.param(-60, 1, 1, 3.0, 3, False, id="one connection"),
        pytest.param(-60, None, 2, 3.0, 3, False, id="no connection known"),
        pytest.param(-60, 1, None, 3.0, 3, False, id="nor of the second"),
        pytest.param(-60, 1, 2, 2.9, 3, False, id="too soon"),
        pytest.param(-60, 1, 2, 10.0, 0, False, id="it stands still"),
        pytest.param(-60, 1, 2, 3.0, 5, False, id="it runs"),
        pytest.param(-60, 1, 2, 10.0, 8, False, id="it lags"),
        pytest.param(DAY_S + 10, 1, 2, 3.0, 3, False, id="more than a day off"),
    ],
)
def test_two_odd_dates_bear_each_other_out(  # what a pair consists of
    warm: ApiClock,
    local: HandClock,
    off_s: int,
    first: int | None,
    second: int | None,
    passed_s: float,
    differ_s: int,
    *,
    borne_out: bool,
) -> None:
    """Over two connections, three seconds apart, and by what has passed: the clock goes to the second one."""
    assert not warm.learn(NOW + off_s, first)
    local.advance(passed_s)
    assert warm.learn(NOW + off_s + differ_s, second) == borne_out
    assert warm.now() == (NOW + off_s + differ_s if borne_out else int(NOW + passed_s))


def test_a_cold_instance_whose_own_clock_is_wrong_learns_the_time_by_a_pair(
    api_clock: ApiClock, local: HandClock, notices: Notices
) -> None:
    local.wall = NOW + 600.0
    assert not api_clock.learn(NOW, 1)
    local.advance(3)
    assert api_clock.learn(NOW + 3, 2)
    assert api_clock.now() == NOW + 3
    assert notices.told == [Notice.CLOCK_DISTRUSTED, Notice.CLOCK_SKEWED]


def test_what_is_borne_out_is_no_half_of_another_pair(warm: ApiClock, local: HandClock) -> None:
    """The clock that it has spoken for is known, so it is not odd any more."""
    warm.learn(NOW + 600, 1)
    local.advance(3)
    warm.learn(NOW + 603, 2)
    local.advance(3)
    warm.learn(NOW + 6, 1)
    local.advance(3)
    assert not warm.learn(NOW + 9, 1)


@pytest.mark.parametrize(("wall_s", "moment_s"), [(2.1, 0.0), (0.0, 2.1), (-2.1, 0.0), (100.0, 1.0)])
def test_a_thaw_or_a_clock_that_was_set_ends_all_evidence(
    warm: ApiClock, local: HandClock, wall_s: float, moment_s: float
) -> None:
    """Wall and monotonic time have gone apart by more than two seconds since."""
    warm.since(["attempt"])
    warm.learn(NOW, 1)
    local.wall += wall_s
    local.moment += moment_s
    assert warm.now() == int(local.wall)
    assert warm.since(["attempt"]) is None
    assert warm.ask_in_s() == 0.0


def test_clocks_that_go_apart_slowly_end_nothing(warm: ApiClock, local: HandClock) -> None:
    for _ in range(5):
        local.advance(100)
        local.wall += 1.9
        assert warm.learn(int(NOW + local.moment - 100))
    assert warm.ask_in_s() is None


def test_only_a_date_received_later_proves_that_time_has_passed(warm: ApiClock, local: HandClock) -> None:
    """Neither local time, however long, nor what was heard before a thing was met (R4 b)."""
    assert warm.since(["attempt"]) is None
    local.advance(1_000.0)
    assert warm.since(["attempt"]) is None
    warm.learn(NOW + 1_000)
    assert (warm.since(["attempt"]), warm.since(["attempt", "other"])) == (NOW + 1_000, None)


def test_an_instance_without_evidence_asks_twice(api_clock: ApiClock, local: HandClock, notices: Notices) -> None:
    for _ in range(2):
        assert api_clock.ask_in_s() == 0.0
        api_clock.learn(None)
        api_clock.asked()
    assert api_clock.ask_in_s() is None
    assert notices.told == [Notice.CLOCK_UNHEARD]
    local.advance(ASK_AGAIN_S)
    assert api_clock.ask_in_s() == 0.0


def test_an_odd_first_date_is_asked_about_when_another_one_can_bear_it_out(
    api_clock: ApiClock, local: HandClock, notices: Notices
) -> None:
    """Over another connection; where that does not, the local clock has to do."""
    api_clock.learn(NOW + 600, 1)
    api_clock.asked()
    assert (api_clock.ask_in_s(), api_clock.wants_another_connection()) == (3.0, False)
    local.advance(3)
    assert (api_clock.ask_in_s(), api_clock.wants_another_connection()) == (0.0, True)
    for _ in range(2):
        api_clock.learn(NOW + 600, 2)
        api_clock.asked()
    assert (api_clock.ask_in_s(), api_clock.wants_another_connection()) == (None, False)
    assert Notice.CLOCK_UNHEARD in notices.told


def test_an_instance_with_evidence_asks_once_after_an_odd_date(warm: ApiClock, local: HandClock) -> None:
    """It does not wait for it, and goes on with what it knows when nothing bears that out."""
    warm.learn(NOW - 60, 1)
    assert warm.ask_in_s() is None
    local.advance(3)
    assert (warm.ask_in_s(), warm.wants_another_connection()) == (0.0, True)
    warm.learn(NOW + 3, 2)
    warm.asked()
    assert (warm.ask_in_s(), warm.now()) == (None, NOW + 3)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 4)), min_size=1, max_size=8))
def test_the_bound_is_below_the_true_time_and_never_runs_back(replies: list[tuple[float, float]]) -> None:
    local, true = HandClock(wall=NOW + 12.0), float(NOW)
    api_clock, known = ApiClock(local, Notices(), GUARD_S), 0
    for pause_s, delay_s in replies:
        date = int(true + pause_s)
        true += pause_s + delay_s
        local.advance(pause_s + delay_s)
        assert api_clock.learn(date)
        assert known <= api_clock.now() <= true
        known = api_clock.now()


@given(st.lists(st.tuples(st.integers(0, YEAR_9999), st.floats(0, 30), st.integers(1, 3)), max_size=8))
def test_nothing_of_the_far_future_is_ever_told(replies: list[tuple[int, float, int]]) -> None:
    """Whatever replies say, the clock is within a day of the local one."""
    local = HandClock()
    api_clock = ApiClock(local, Notices(), GUARD_S)
    for date, passed_s, connection in replies:
        local.advance(passed_s)
        api_clock.learn(date, connection)
        assert abs(api_clock.now() - local.now()) <= DAY_S + 1


@pytest.mark.parametrize("ahead_s", [GUARD_S + 2, -GUARD_S - 2, 299.0])
def test_a_local_clock_beyond_the_guard_is_reported(
    api_clock: ApiClock, local: HandClock, notices: Notices, ahead_s: float
) -> None:
    local.wall = NOW + ahead_s
    for _ in range(3):
        api_clock.learn(NOW)
    assert notices.told == [Notice.CLOCK_SKEWED]
    assert notices.evidence == [{"local_clock_ahead_s": ahead_s}]
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


def test_of_several_things_the_one_met_last_counts() -> None:
    """What was heard before is too old for it."""
    heard = Heard()
    heard.since(["a"])
    heard.hear(9)
    heard.since(["b"])
    heard.hear(5)
    assert (heard.since(["a"]), heard.since(["a", "b"]), heard.since([])) == (9, 5, 9)


def test_what_was_forgotten_is_met_anew() -> None:
    """The thing that was asked for least recently goes first, and nothing is proven for it."""
    heard = Heard()
    heard.since(["a", "b"])
    heard.hear(5)
    for number in range(MET_MAX - 1):
        heard.since(["a", f"attempt {number}"])
    assert heard.since(["a"]) == 5
    assert heard.since(["b"]) is None


def test_dates_are_few() -> None:
    heard = Heard()
    heard.since(["a"])
    for date in range(DATES_MAX + 5, 0, -1):
        heard.hear(date)
    assert heard.since(["a"]) == DATES_MAX
    heard.forget()
    assert heard.since(["a"]) is None
