"""Acceptances whose calls others have to make take turns, at half the rate and a minute ahead (R14)."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from handler.core.errors import NotAccepted, NoTurn, TooManyCalls
from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Pending
from handler.core.model.row import Group
from handler.core.ports.schedules import Hold, Schedule
from handler.core.protocol.sweep import BEHIND_S, HELD_S
from handler.core.runtime.instance import TimeBudget
from tests.unit.core.samples import entry, row
from tests.unit.core.scene import APP, RULES, Scene

SLOW = replace(RULES, calls_per_second=10)


def crowded(groups: int = 400) -> Scene:
    """A scene with many groups that owe nothing."""
    scene = Scene(rules=SLOW)
    scene.api.of_groups = {}
    for number in range(groups):
        scene.store(row(), Group(APP, f"g{number}"))
    return scene


def asked(group_id: str, key: str = "key") -> Operation:
    return Operation(
        group_id=group_id, mode=Mode.INCREASE, counters=(("like", 1),), caller="caller", key=key, window_s=3600.0
    )


def left(scene: Scene, group_id: str, key: str = "key") -> object:
    """What a caller who does not wait is told."""
    now = scene.clock.moment
    budget = TimeBudget(until=now, deadline=now + 30, sheds=True)
    try:
        [outcome] = scene.counters.apply(group_id, [asked(group_id, key)], budget)
    except NotAccepted as error:
        return error
    return outcome


def flooded(scene: Scene, groups: Sequence[int]) -> int:
    """How many of these groups' operations are accepted without waiting."""
    return sum(isinstance(left(scene, f"g{number}"), Pending) for number in groups)


def test_a_minutes_work_at_half_the_rate_is_accepted_ahead() -> None:
    """And what the instance takes unasked; then callers are told to come again, and nothing is accepted."""
    scene = crowded()
    assert 5 * 60 <= flooded(scene, range(400)) <= 5 * 61 + 10
    refused = left(scene, "g399")
    assert isinstance(refused, NoTurn)
    assert isinstance(refused, TooManyCalls)
    assert refused.retry_after_s == 5.0
    assert scene.ledger.load(Group(APP, "g399")) == row()
    scene.clock.advance(10)
    assert 40 <= flooded(scene, range(330, 400)) <= 60


def test_what_joins_an_unfinished_group_takes_no_turn() -> None:
    scene = crowded()
    flooded(scene, range(400))
    assert isinstance(left(scene, "g0", "another"), Pending)
    assert [type(left(scene, "g1", f"k{number}")) for number in range(50)] == [Pending] * 50


def test_a_caller_who_waits_for_its_call_takes_none() -> None:
    scene = crowded()
    flooded(scene, range(400))
    scene.clock.advance(2)
    outcomes = scene.counters.apply("g399", [asked("g399")], scene.budget(20))
    assert not isinstance(outcomes[0], Pending)


def test_a_source_waits_for_its_turn_and_fails_only_at_its_end() -> None:
    scene = crowded()
    flooded(scene, range(400))
    began = scene.clock.moment
    assert scene.counters.accept("g398", [asked("g398")], until=began + 30) == []
    assert 0 < scene.clock.moment - began < 30
    scene.instance.ledger.hold(Hold(APP, Schedule.ACCEPTANCES, scene.clock.now(), 60))
    # Nor are any taken unasked now.
    scene.instance.acceptances.slow_down()
    flooded(scene, range(330, 398))
    began = scene.clock.moment
    with pytest.raises(NoTurn):
        scene.counters.accept("g399", [asked("g399")], until=began + 30)
    assert scene.clock.moment - began == pytest.approx(30, abs=0.5)


def test_a_sweep_that_is_behind_holds_acceptances_up_until_it_is_no_more() -> None:
    """A round that has lasted for more than two minutes may have groups before it that have waited as long."""
    scene = crowded(0)
    for number in range(250):
        scene.store(row(queue=(entry("a"),)), Group(APP, f"group {number:03}"))
    holds: list[Hold] = []
    scene.ledger.hold = holds.append  # type: ignore[method-assign,assignment]  # what is held is wanted
    # The list is so slow that the sweep gets no further than its first page.
    scene.ledger.pages_left = 1
    first = scene.counters.sweep(scene.clock.moment + 60)
    assert (first.after, first.oldest_s > BEHIND_S) == ("group 099", True)
    assert [(hold.schedule, hold.seconds) for hold in holds] == [(Schedule.ACCEPTANCES, HELD_S)]
    second = scene.counters.sweep(scene.clock.moment + 600)
    assert (second.after, second.oldest_s, holds[-1].seconds) == (None, 0.0, 0.0)
    scene.counters.sweep(scene.clock.moment + 600)
    assert len(holds) == 2


def test_a_sweep_waits_for_its_turns_and_keeps_none() -> None:
    scene = crowded(0)
    for number in range(60):
        scene.store(row(queue=(entry("a"),)), Group(APP, f"group {number:03}"))
    began = scene.clock.moment
    swept = scene.counters.sweep(began + 60)
    assert (swept.left, len(scene.api.calls)) == (0, 60)
    assert scene.clock.moment - began < 60 / (0.9 * 10)
    assert len(scene.instance.updates._leased) <= 1  # noqa: SLF001  # none is kept that another could have had
