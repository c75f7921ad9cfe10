"""The rhythm of one visit, to the number: without chance every wait is in the middle of its range."""

import random

import pytest
from msgspec.structs import replace

from handler.core.protocol.backoff import ACCEPTED_MAX_S, LOOK_MAX_S, POLL_MAX_S, Backoff
from tests.unit.core.samples import NOW, attempt
from tests.unit.core.scene import RULES, Scene


class Even(random.Random):
    """Chance that is always in the middle."""

    def random(self) -> float:
        return 0.5


@pytest.fixture
def scene() -> Scene:
    """An instance on whose clock nothing has passed yet."""
    return Scene()


@pytest.fixture
def waits(scene: Scene) -> Backoff:
    """The rhythm of a visit that begins now."""
    return Backoff(replace(scene.instance, chance=Even()))


def seconds(*expected: float) -> object:
    return pytest.approx(list(expected))


def test_workers_do_not_move_in_step(scene: Scene) -> None:
    """Each waits between a half and one and a half of the time."""
    waits = Backoff(scene.instance)
    drawn = [waits.jittered(2.0) for _ in range(1000)]
    assert 1.0 <= min(drawn) < 1.05
    assert 2.95 < max(drawn) < 3.0


def test_the_row_is_read_again_when_a_call_may_be_over(waits: Backoff) -> None:
    polls = [waits.poll_s() for _ in range(8)]
    assert polls == seconds(0.06, 0.09, 0.135, 0.2025, 0.30375, POLL_MAX_S, POLL_MAX_S, POLL_MAX_S)


def test_a_visit_that_waits_for_ever_does_not_overflow(waits: Backoff) -> None:
    assert {waits.poll_s() for _ in range(3000)} >= {POLL_MAX_S}
    assert [waits.retry_s() for _ in range(3000)][-1] == LOOK_MAX_S


@pytest.mark.parametrize(
    ("call_s", "look_s", "accepted_s", "poll_s"),
    [(0.06, 0, 0, 0.06), (0.04, 0, 0, 0.04), (0.001, 0, 0, 0.03), (0.06, 0.05, 0, 0.2), (0.06, 0, 0.9, 0.96)],
    ids=["a call", "a quick call", "a call in no time", "slow looks", "a slow ledger"],
)
def test_a_row_is_read_as_often_as_calls_looks_and_its_ledger_suggest(
    scene: Scene, waits: Backoff, call_s: float, look_s: float, accepted_s: float, poll_s: float
) -> None:
    """Four looks have room between two of one visit; a ledger is believed to be slow for a second at most."""
    scene.instance.call_time.usual_s, scene.instance.look_time.usual_s = call_s, look_s
    waits.accepted_in(accepted_s)
    assert waits.poll_s() == pytest.approx(poll_s)
    waits.accepted_in(30)
    assert waits.poll_s() == pytest.approx(ACCEPTED_MAX_S)


def test_somebody_elses_call_is_given_the_time_that_a_call_may_take(scene: Scene, waits: Backoff) -> None:
    """Its timeout and a second, from the time that it was signed with; not more, however far the clocks are apart."""
    assert waits.before_look_s(attempt(time=NOW - 2), own=False) == pytest.approx(3)
    scene.clock.advance(1)
    assert waits.before_look_s(attempt(time=NOW - 2), own=False) == pytest.approx(2)
    scene.clock.advance(9)
    assert waits.before_look_s(attempt(time=NOW - 2), own=False) == 0
    assert waits.before_look_s(attempt(name="later", time=NOW + 60), own=False) == pytest.approx(RULES.timeout_s + 1)
    assert waits.before_look_s(attempt(name="older", time=NOW - 60), own=False) == 0


def test_no_look_is_put_off_beyond_the_death(scene: Scene, waits: Backoff) -> None:
    scene.clock.advance(RULES.bound_s)
    waits.retry_s()
    waits.retry_s()
    assert waits.after_look_s(attempt()) == pytest.approx(1)
    assert waits.after_look_s(attempt(time=NOW + 1)) == pytest.approx(2)


def test_a_look_that_proves_nothing_is_not_had_again_at_once(scene: Scene, waits: Backoff) -> None:
    """The `Date`s of the looks themselves may be missing all the time: every other one comes after a while."""
    waits.is_dead(attempt())
    scene.clock.advance(12)
    scene.instance.api_clock.learn(NOW + 12)
    assert [waits.after_look_s(attempt()) == 0 for _ in range(4)] == [True, False, True, False]
