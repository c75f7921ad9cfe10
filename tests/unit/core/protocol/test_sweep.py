"""What a sweep does when one of many groups is in trouble (R8)."""

import dataclasses
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from handler.core.errors import LaterVersion, LedgerUnavailable
from handler.core.model.outcome import Rejected
from handler.core.model.row import Group, Remembered, Row
from handler.core.ports.counter_api import Counted, Fault, Refused, Unsent
from handler.core.ports.system import Notice
from handler.core.protocol.sweep import ROUND_S, next_watch, sweep, watch
from handler.core.protocol.visit import Again
from tests.unit.core.samples import BASE, LIFE_S, NOW, attempt, entry, row
from tests.unit.core.scene import APP, ARREARS, GONE, GROUP, Scene, first, increase


@pytest.mark.parametrize("trouble", ["A", "Z"])
def test_an_error_that_no_rule_foresees_stays_with_its_group(trouble: str) -> None:
    """It is told without its text, which may show anything, and the group stays unfinished (R13)."""
    scene = Scene(row(queue=(entry("a"),)))
    scene.store(row(queue=(entry("a"),)), Group(APP, trouble))
    scene.ledger.broken = {trouble: ValueError("a secret")}
    swept = scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.is_settled
    assert (swept.groups, swept.left) == (2, 1)
    assert [type(error) for error in scene.notices.failures] == [ValueError]
    assert scene.notices.of(Notice.GROUP_FAILED) == [{"group": trouble, "error": "ValueError"}]
    assert scene.ledger.unfinished(APP, 10) == [trouble]


@pytest.mark.parametrize("reply", [Unsent("ConnectionRefusedError"), ARREARS])
def test_a_group_that_a_sweep_leaves_keeps_which_call_failed_though_none_was_opened(reply: Unsent | Refused) -> None:
    """An instance that does not know the time writes nothing else to it, and another one has to tell an operator."""
    scene = Scene(row(queue=(entry("a"),)), cold=True)
    scene.api.reads = [reply] * 999
    scene.counters.sweep(scene.clock.moment + 20)
    assert scene.row.trouble is not None
    swaps = scene.ledger.swaps
    scene.counters.sweep(scene.clock.moment + 20)
    assert scene.ledger.swaps == swaps == 1


@pytest.mark.parametrize("error", [LaterVersion("a row of format 99"), LedgerUnavailable("out of reach")])
def test_a_group_that_cannot_be_read_at_the_last_look_does_not_end_the_sweep(error: Exception) -> None:
    """It was met, and waited for its call; the next sweep reports what is wrong."""
    scene = Scene(row(attempt(entry("a"))))
    looks: Iterator[dict[str, BaseException]] = iter([{}, {}, {GROUP.id: error}])
    first(scene.ledger, "load", lambda: setattr(scene.ledger, "broken", next(looks)))
    swept = scene.counters.sweep(scene.clock.moment + scene.instance.call_s + ROUND_S / 2)
    assert (swept.groups, swept.left) == (1, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_the_end_of_the_process_is_no_groups_own(error: BaseException) -> None:
    scene = Scene(row(queue=(entry("a"),)))
    scene.ledger.broken = {GROUP.id: error}
    with pytest.raises(type(error)):
        scene.counters.sweep(scene.clock.moment + 60)


def test_a_list_that_fails_ends_the_sweep_after_those_that_were_listed() -> None:
    """Those that wait are met again, the next sweep goes on from there, and the platform hears of it."""
    scene = Scene()
    groups = many(scene, 250)
    waiting = row(attempt(entry("a"), time=NOW - 20))
    scene.store(waiting, groups[0])
    scene.api.reads = [Counted({"_receipt": BASE}, NOW)] * 20
    scene.ledger.lists_left = 1
    with pytest.raises(LedgerUnavailable, match="the list is out of reach"):
        scene.counters.sweep(scene.clock.moment + 600)
    assert settled(scene, groups) == [number < 100 for number in range(250)]
    swept = scene.counters.sweep(scene.clock.moment + 600)
    assert (swept.groups, swept.after, swept.failure) == (150, None, None)
    assert all(settled(scene, groups))


def many(scene: Scene, count: int) -> list[Group]:
    scene.api.of_groups = {}
    groups = [Group(APP, f"group {number:03}") for number in range(count)]
    for group in groups:
        scene.store(row(queue=(entry("a"),)), group)
    return groups


def settled(scene: Scene, groups: list[Group]) -> list[bool]:
    rows = [scene.ledger.load(group) for group in groups]
    return [stored is not None and stored.is_settled for stored in rows]


def test_a_sweep_that_runs_out_of_time_names_where_to_go_on_from() -> None:
    scene = Scene()
    groups = many(scene, 250)
    scene.ledger.pages_left = 1
    swept = scene.counters.sweep(scene.clock.moment + 600)
    assert (swept.groups, swept.after) == (100, "group 099")
    swept = scene.counters.sweep(scene.clock.moment + 600)
    assert (swept.groups, swept.after) == (150, None)
    assert all(settled(scene, groups))


PAST = Remembered(attempt(entry("old"), name="past", weight=700_001))
DAY_S = 24 * 3600


def test_a_late_landing_is_looked_for_when_the_signature_has_ended() -> None:
    later = replace(PAST, attempt=replace(PAST.attempt, signed_at=NOW + 10))
    watched = row(remembered=(later, PAST))
    ends = NOW + 10 + LIFE_S
    assert next_watch(watched, ends + 2000) == ends
    assert next_watch(replace(watched, last_checked_at=ends), ends + 2000) == ends
    assert next_watch(replace(watched, last_checked_at=ends + 1), ends + 2000) == ends + 61
    assert next_watch(replace(watched, last_checked_at=ends + 60), ends + 2000) == ends + 120
    assert next_watch(replace(watched, last_checked_at=ends + 500), ends + 2000) == ends + 1000
    # A look that is noted for a time far ahead was noted by a wrong clock.
    assert next_watch(replace(watched, last_checked_at=ends + 500), ends + 100) == ends


def test_what_can_land_no_more_is_forgotten_a_day_after_its_death() -> None:
    """By a look that was asked for then (R11)."""
    for dead_s, kept in ((DAY_S - 1, 1), (DAY_S, 0)):
        scene = Scene(row(remembered=(PAST,)))
        scene.hear(12 + dead_s)
        follows = watch(scene.visit(), scene.row)
        assert follows == scene.row
        assert (len(scene.row.remembered), scene.row.last_checked_at) == (kept, NOW + 12 + dead_s)


def test_in_a_group_that_is_gone_nothing_is_waited_for_but_the_death() -> None:
    for known_s, kept in ((11, 1), (12, 0)):
        scene = Scene(row(remembered=(PAST,)))
        scene.hear(known_s)
        scene.api.reads = [dataclasses.replace(GONE, date=NOW + known_s)] * 3
        visit = scene.visit()
        assert [type(watch(visit, scene.row)) for _ in range(2)] == [Again, Again]
        watch(visit, scene.row)
        assert len(scene.row.remembered) == kept


@pytest.mark.parametrize("code", [10004, 10007])
def test_a_settled_group_that_may_not_be_read_is_asked_again_at_growing_intervals(code: int) -> None:
    """It was refused alone, for as long as the vendor likes: no sweep waits for it, or calls it unfinished."""
    scene = Scene(row(remembered=(Remembered(attempt(), refused=True),)))
    scene.instance.landings.note(Group(APP, "b"), scene.clock.moment + 9999)
    scene.api.reads = [Refused(code, "no", Fault.OPERATION, None)] * 999
    scene.hear(100)
    asked = []
    for _ in range(20):
        scene.clock.advance(60)
        scene.instance.api_clock.learn(scene.api.date)
        assert scene.counters.sweep(scene.clock.moment + 55).left == 0
        asked.append(len(scene.api.asked))
    assert asked[-1] <= 6
    assert scene.row.remembered


def test_a_sweep_ends_while_a_round_and_a_call_still_fit() -> None:
    scene = Scene(row(attempt(entry("a"))))
    fits_s = scene.instance.call_s + ROUND_S
    for more_s, slept in ((0.0, []), (0.01, [ROUND_S])):
        scene.clock.slept.clear()
        swept = sweep(scene.instance, APP, scene.clock.moment + fits_s + more_s, "")
        assert scene.clock.slept == slept
        assert (swept.groups, swept.left, swept.after) == (1, 1, None)


def test_a_sweep_goes_round_whatever_the_groups_are_called() -> None:
    scene = Scene()
    scene.api.of_groups = {}
    for name in ("!", "A", "B", "C"):
        scene.store(row(queue=(entry("a"),)), Group(APP, name))
    assert scene.counters.sweep(scene.clock.moment + 60, after="B").groups == 4


def test_a_group_that_ends_a_visit_is_not_met_again_in_the_same_sweep() -> None:
    arrears = Refused(60020, "arrears", Fault.APP, NOW)
    scene = Scene(row(queue=(entry("a"),)))
    scene.api.updates, scene.api.reads = [arrears] * 100, [arrears] * 100
    swept = scene.counters.sweep(scene.clock.moment + 60)
    assert (len(scene.api.calls), scene.clock.slept) == (1, [])
    assert (swept.groups, swept.left) == (1, 1)


def test_a_sweep_that_goes_round_ends_where_it_began() -> None:
    """Page after page of what stays owed, and none of it twice."""
    for before, beyond in ((150, 3), (100, 0), (3, 150)):
        scene = Scene()
        for group in many(scene, before + beyond):
            scene.ledger.out_of_reach.add(group.id)
        swept = scene.counters.sweep(scene.clock.moment + 600, after=f"group {before - 1:03}")
        assert (swept.groups, swept.left) == (before + beyond, before + beyond)


def losing(count: int) -> tuple[Remembered, ...]:
    """Calls that were lost one after another, the last one just now."""
    return tuple(Remembered(attempt(name=f"lost{number}", weight=600_000 + 2**number)) for number in range(count))


def test_a_group_that_may_not_open_before_the_end_is_left_at_once() -> None:
    """Round after round would only read its row; the sweep ends, and the next one meets it."""
    scene = Scene(row(queue=(entry("a"),), remembered=losing(4)))
    swept = scene.counters.sweep(scene.clock.moment + 50)
    assert (swept.groups, swept.left, scene.clock.slept) == (1, 1, [])
    assert (scene.api.calls, scene.api.asked) == ([], [])


def test_a_group_that_may_not_open_yet_is_met_again_when_it_may() -> None:
    scene = Scene(row(queue=(entry("a"),), remembered=losing(3)))
    scene.api.of_groups = {}
    other = Group(APP, "other")
    scene.store(row(attempt(entry("b"))), other)
    loads: list[float] = []
    load = scene.ledger.load

    def counted(group: Group) -> Row | None:
        loads.extend([scene.clock.now()] if group == GROUP else [])
        return load(group)

    scene.ledger.load = counted  # type: ignore[method-assign]  # how often the row is read
    swept = scene.counters.sweep(scene.clock.moment + 60)
    assert swept.left == 0
    assert settled(scene, [GROUP, other]) == [True, True]
    assert not [moment for moment in loads if NOW + 1 < moment < NOW + 44]
    assert len(loads) < 12


def unwaited(scene: Scene) -> None:
    """An operation whose caller does not wait, in a group that does not exist: it is refused by the first sweep."""
    scene.api.counters = {}
    scene.api.updates = [GONE]
    scene.api.read = lambda *_, **__: dataclasses.replace(GONE, date=scene.api.date)  # type: ignore[method-assign]  # the same
    scene.counters.accept(GROUP.id, [increase("a")])
    scene.counters.sweep(scene.clock.moment + 50)


def test_the_row_of_a_group_that_is_not_there_is_deleted_once_nothing_can_land_in_it() -> None:
    """Its caller did not wait, so it had to be made; the answer stays on record."""
    scene = Scene()
    unwaited(scene)
    assert scene.row.remembered
    for _ in range(4):
        scene.clock.advance(90)
        scene.counters.sweep(scene.clock.moment + 50)
    assert scene.ledger.load(GROUP) is None
    assert scene.ledger.find(GROUP, [increase("a").id])[increase("a").id].answer == Rejected(10010, "no such group")


@pytest.mark.parametrize("history", [{"base": BASE}, {"frozen": "a reason"}])
def test_a_row_that_says_more_than_a_new_one_stays(history: dict[str, object]) -> None:
    """The receipt that it stands on tells a group that was made anew from one that never was there."""
    scene = Scene()
    unwaited(scene)
    scene.store(replace(scene.row, **history))
    for _ in range(4):
        scene.clock.advance(90)
        scene.counters.sweep(scene.clock.moment + 50)
    assert scene.ledger.load(GROUP) is not None
