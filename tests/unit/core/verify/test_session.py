"""The bench in front of an API that is tried out: paced and counted calls, and time that is held back."""

from __future__ import annotations

import pytest

from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, ProbeCall, Refused, Reply, Unclear
from handler.core.verify.finding import Inconclusive
from handler.core.verify.session import OUT_OF_TIME, RATE_PAUSE_S, RATE_TRIES, ProbeSession, described, values_of
from tests.unit.core.verify.test_verify import TOO_OFTEN, Scene

START_S = 1_700_000_000
GROUP = Group(1, "scratch")
INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, None)


@pytest.fixture
def scene() -> Scene:
    """An API that does what is assumed."""
    return Scene()


def bench(scene: Scene, calls_max: int = 100, deadline: float = 100.0) -> ProbeSession:
    """A bench in front of the scene's API."""
    return ProbeSession(
        *(GROUP, scene.api, scene.clock, scene.rules, scene.told), deadline=deadline, calls_max=calls_max
    )


def test_a_refusal_for_the_rate_is_asked_again_five_times(scene: Scene) -> None:
    """A second apart; the last reply stands."""
    scene.api.fates = [TOO_OFTEN] * 10
    one = bench(scene)
    assert one.read() is TOO_OFTEN
    assert (one.calls, len(scene.api.fates)) == (RATE_TRIES, 10 - RATE_TRIES)
    assert scene.clock.moved_s == pytest.approx((RATE_TRIES - 1) * RATE_PAUSE_S)


def test_another_refusal_is_not_asked_again(scene: Scene) -> None:
    scene.api.fates = [INVALID, INVALID]
    assert bench(scene).update([("k", 1)]) is INVALID
    assert len(scene.api.fates) == 1


def test_calls_are_signed_beyond_doubt_unless_told_otherwise(scene: Scene) -> None:
    one = bench(scene)
    one.update([("k", 1)])
    one.update([("k", 1)], Mode.DECREASE, (5, 6), 7)
    assert scene.api.trials == [
        ProbeCall(GROUP, Mode.INCREASE, (("k", 1),), START_S, LONG_LIFE_S, None),
        ProbeCall(GROUP, Mode.DECREASE, (("k", 1),), 5, 6, 7),
    ]


def test_the_last_call_and_its_time_are_held_back(scene: Scene) -> None:
    one = bench(scene, calls_max=2)
    one.read()
    with pytest.raises(Inconclusive, match=r"^the 2 calls of this run were used up$"):
        one.read()
    one.ending = True
    one.read()
    with pytest.raises(Inconclusive):
        one.read()
    assert one.calls == 2


@pytest.mark.parametrize(("ending", "last_s"), [(False, 91.0), (True, 95.0)])
def test_no_call_begins_that_might_not_end_in_time(scene: Scene, ending: bool, last_s: float) -> None:
    """To the second: a call of 4 s each, and one for storing what was found."""
    one = bench(scene)
    one.ending = ending
    scene.clock.moved_s = last_s
    one.read()
    scene.clock.moved_s = last_s + 0.001
    with pytest.raises(Inconclusive, match=OUT_OF_TIME):
        one.read()


def test_no_pause_is_made_that_leaves_no_time_for_a_call(scene: Scene) -> None:
    one = bench(scene)
    one.pause(91.0)
    assert scene.clock.moved_s == 91.0
    with pytest.raises(Inconclusive, match=OUT_OF_TIME):
        one.pause(0.001)


def test_calls_are_paced_evenly(scene: Scene) -> None:
    """At half of the app's rate; time that has passed is not made up for."""
    one = bench(scene)
    for _ in range(11):
        one.read()
    assert scene.clock.moved_s == pytest.approx(10 / 100)
    scene.clock.moved_s += 5
    for _ in range(11):
        one.read()
    assert scene.clock.moved_s == pytest.approx(5.2)


def test_replies_are_described_in_a_few_words() -> None:
    assert described(Counted({}, None)) == "done"
    assert described(INVALID) == "refused with code 10004"
    assert described(Unclear("ReadTimeout")) == "no clear reply: ReadTimeout"
    with pytest.raises(Inconclusive, match=r"^no clear reply: ReadTimeout$"):
        values_of(Unclear("ReadTimeout"))


def test_updates_refused_for_the_rate_are_asked_again_unless_their_signature_is_short(scene: Scene) -> None:
    """A short one may have ended by then."""
    one = bench(scene)
    scene.api.fates = [TOO_OFTEN]
    assert isinstance(one.update([("k", 1)]), Counted)
    scene.api.fates = [TOO_OFTEN]
    assert one.update([("k", 1)], signed=(START_S, 6)) is TOO_OFTEN


def test_reads_are_signed_beyond_doubt(scene: Scene) -> None:
    """For the group of the bench, by the API's clock."""
    asked: list[tuple[object, ...]] = []

    def read(*question: object, **_: object) -> Reply:
        asked.append(question)
        return Counted({}, START_S + 9)

    scene.api.read = read  # type: ignore[method-assign]  # what is asked is wanted
    one = bench(scene)
    one.read()
    one.read()
    assert asked == [(GROUP, START_S, LONG_LIFE_S), (GROUP, START_S + 9, LONG_LIFE_S)]
