"""A pause: everything is accepted and nothing is sent, of one group by its row and of all by the generation (R15)."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Origin
from handler.core.model.outcome import Applied, Pending
from handler.core.model.row import Group, Note, Pause, Remembered, Row
from handler.core.operator.pausing import Paused, pause_group, resume_group
from handler.core.ports.counter_api import Unclear
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Notice
from handler.core.protocol.drive import drive
from handler.core.protocol.sweep import sweep
from handler.core.runtime.instance import PAUSE_SEEN_S
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, ARREARS, GROUP, RULES, Scene, first, increase

PAUSE = Pause(NOW - 60, "the vendor has asked for it")
OF_ALL = Generation(1, 0, PAUSE)


def of_all(scene: Scene) -> Scene:
    """The scene with every group paused, as an instance knows that has just read the generation."""
    scene.ledger.stored = OF_ALL
    scene.clock.advance(PAUSE_SEEN_S + 0.1)
    return scene


def of_the_group(scene: Scene) -> Scene:
    pause_group(scene.visit(), PAUSE.reason)
    return scene


@pytest.mark.parametrize("begin", [of_all, of_the_group])
@pytest.mark.parametrize("before", [None, row(), row(queue=(entry("older"),))], ids=["new", "idle", "queued"])
def test_during_a_pause_an_operation_is_accepted_at_once_and_nothing_is_sent(
    begin: Callable[[Scene], Scene], before: Row | None
) -> None:
    scene = begin(Scene(before))
    began = scene.clock.moment
    assert isinstance(scene.outcome(increase("k"), seconds=5), Pending)
    assert scene.clock.moment - began < 0.1
    assert increase("k").id in {owed.id for owed in scene.row.queue}
    assert (scene.api.calls, scene.api.asked) == ([], [])


def test_after_the_pause_everything_accepted_is_sent_once() -> None:
    scene = of_all(Scene(row()))
    for key in ("k", "l"):
        scene.outcome(increase(key), seconds=5)
    scene.ledger.stored = Generation(1, 0)
    scene.clock.advance(PAUSE_SEEN_S + 0.1)
    assert isinstance(scene.outcome(increase("k"), seconds=5), Applied)
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.api.counters["like"] == 10
    assert scene.row.is_settled


def test_an_instance_knows_of_the_pause_of_all_within_ten_seconds() -> None:
    """It reads the generation again, however long it may go on with an older one (R10)."""
    scene = Scene(row())
    scene.outcome(increase("before"), seconds=5)
    scene.ledger.stored = OF_ALL
    scene.clock.advance(9)
    assert isinstance(scene.outcome(increase("k"), seconds=5), Pending)
    assert len(scene.api.calls) == 1


def test_no_operation_is_turned_away_during_a_pause() -> None:
    """Neither for the app's rate nor for its refusals, and no place among the acceptances is asked for."""
    scene = of_all(Scene(rules=replace(RULES, calls_per_second=1)))
    scene.instance.breaker.trip(ARREARS)
    first(scene.ledger, "lease", lambda: pytest.fail("a turn was asked for"))
    budget = replace(scene.budget(5), sheds=True)
    for number in range(30):
        [told] = scene.counters.apply(GROUP.id, [increase(f"k{number}")], budget)
        assert isinstance(told, Pending)
    assert scene.counters.accept(GROUP.id, [increase("tick")]) == []


@pytest.mark.parametrize("begin", [of_all, of_the_group])
def test_an_attempt_that_is_not_sent_yet_is_taken_back(begin: Callable[[Scene], Scene]) -> None:
    scene = Scene(row(queue=(entry("a"),)))
    looking = scene.visit(60, "a")
    own = looking.new_attempt(600_000, entry("a").mode, (entry("a"),))
    scene.store(scene.row.opened(own))
    begin(scene)
    assert drive(looking, None) is None
    assert (scene.row.attempt, [owed.id for owed in scene.row.queue]) == (None, ["a"])
    assert scene.api.calls == []


def test_a_call_that_is_under_way_when_the_pause_begins_is_judged_by_its_reply() -> None:
    scene = Scene(row())
    first(scene.api, "update", lambda: of_all(scene), once=True)
    assert isinstance(scene.outcome(increase("k"), seconds=5), Applied)


def test_a_reply_that_is_lost_in_a_pause_is_looked_for_when_it_is_over() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.lies = [Unclear("lost")], 1
    first(scene.api, "update", lambda: of_all(scene), once=True)
    assert isinstance(scene.outcome(increase("k"), seconds=5), Pending)
    assert scene.api.asked == []
    scene.ledger.stored = Generation(1, 0)
    scene.clock.advance(PAUSE_SEEN_S + 0.1)
    assert isinstance(scene.outcome(increase("k"), seconds=5), Applied)
    assert len(scene.api.calls) == 1


def test_a_read_that_waited_for_its_turn_is_not_sent_into_a_pause() -> None:
    scene = Scene(row(attempt(entry("a"), time=NOW - 60)))
    looking = scene.visit(20, "a")
    first(scene.instance.reads, "turn", lambda: of_all(scene), once=True)
    assert drive(looking, None) is None
    assert scene.api.asked == []


@pytest.mark.parametrize("remembered", [(), (Remembered(attempt(entry("b"), name="past", time=NOW - 3600)),)])
def test_the_sweep_passes_on(remembered: tuple[Remembered, ...]) -> None:
    """To groups that owe something, and to those that are only watched for late landings."""
    scene = of_all(Scene(row(queue=(entry("a"),) if not remembered else (), remembered=remembered)))
    began = scene.clock.moment
    swept = sweep(scene.instance, APP, scene.clock.moment + 60, after="")
    assert swept.groups == 1
    assert (scene.api.calls, scene.api.asked) == ([], [])
    assert scene.clock.moment - began < 1


def test_what_has_to_be_parked_is_parked_during_a_pause() -> None:
    noted = replace(entry("a"), origin=Origin(source="queue", place="queue/1", caller="queue", key="queue/1"))
    scene = of_all(Scene(replace(row(), notes=(Note(noted, 10010, float(NOW)),))))
    sweep(scene.instance, APP, scene.clock.moment + 60, after="")
    assert scene.row.notes == ()
    assert scene.notices.of(Notice.PARKED)


def test_the_pause_of_a_group_makes_its_row_and_leaves_nothing_behind() -> None:
    scene = Scene()
    assert pause_group(scene.visit(), "why") == Paused(Pause(NOW, "why"), changed=True)
    assert scene.row.is_held
    assert resume_group(scene.visit()) == Paused(None, changed=True)
    assert scene.ledger.load(GROUP) is None


def test_a_pause_keeps_its_beginning_when_its_reason_changes() -> None:
    scene = of_the_group(Scene(row()))
    since = scene.row.since
    scene.clock.advance(60)
    assert pause_group(scene.visit(), PAUSE.reason) == Paused(Pause(since, PAUSE.reason), changed=False)
    assert pause_group(scene.visit(), "another") == Paused(Pause(since, "another"), changed=True)
    assert resume_group(scene.visit()) == Paused(None, changed=True)
    assert resume_group(scene.visit()) == Paused(None, changed=False)
    assert scene.row.base == BASE


def test_the_pause_of_one_group_is_none_of_another() -> None:
    scene = of_the_group(Scene(row(queue=(entry("a"),))))
    other = Group(APP, "other")
    scene.store(row(queue=(entry("b"),)), other)
    scene.counters.sweep(scene.clock.moment + 60)
    assert [call.group for call in scene.api.calls] == [other]


def test_a_paused_group_that_is_gone_keeps_its_row() -> None:
    """Its sweep deletes rows that say no more than a new one would, and this one says that nothing is sent."""
    scene = of_the_group(Scene())
    sweep(scene.instance, APP, scene.clock.moment + 60, after="")
    assert scene.row.paused is not None
