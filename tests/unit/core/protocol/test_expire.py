"""The row of a group that is gone expires once every answer has, by a sweep that finds it gone again (R11)."""

import dataclasses

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.known_keys import GONE as MARK
from handler.core.model.outcome import Applied, Rejected
from handler.core.model.row import Group, Note, Pause, Remembered, Row
from handler.core.ports.counter_api import Fault, Refused, Unclear
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Notice
from handler.core.protocol.expire import LOOKED_AT_MAX
from handler.core.state.transitions import is_blank
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, ARREARS, GONE, GROUP, RULES, Scene, first, increase

DAY_S = 24 * 3600.0

# A record has ended by every clock.
ENDED_S = RULES.guard_s + 1
KEPT_S = RULES.window_s + ENDED_S

MARKED = replace(row(), keys=((MARK, NOW),))


def dismiss(scene: Scene) -> None:
    """From now on updates and reads are refused, each with a `Date`."""

    def refused(*_: object, **__: object) -> Refused:
        return dataclasses.replace(GONE, date=scene.api.date)

    scene.api.update = scene.api.read = refused  # type: ignore[method-assign]  # the same


def make_again(scene: Scene, **counters: int) -> None:
    del scene.api.update, scene.api.read
    scene.api.counters = dict(counters)


def gone(stored: Row = MARKED) -> Scene:
    scene = Scene(stored)
    dismiss(scene)
    return scene


def sweep(scene: Scene, after_s: float = 0.0) -> None:
    """On an instance that has listed no groups that are gone yet."""
    scene.clock.advance(after_s)
    scene.instance.swept_to.gone_at = 0.0
    scene.counters.sweep(scene.clock.moment + 50)


def has_row(scene: Scene) -> bool:
    return scene.ledger.load(GROUP) is not None


def test_a_group_that_was_counted_and_is_gone_leaves_nothing_after_the_window() -> None:
    """Made again, it begins like any other; until then its row tells it from what it was."""
    scene = gone(row())
    assert scene.outcome(increase("a"), 30) == Rejected(10010, "no such group")
    [(key, since)] = scene.row.keys
    assert (key, since) == (MARK, int(scene.clock.now()))
    for after_s in (90, DAY_S, KEPT_S - DAY_S - 100):
        sweep(scene, after_s)
        assert has_row(scene)
    assert not scene.row.remembered
    sweep(scene, 20)
    assert not has_row(scene)
    make_again(scene)
    assert scene.outcome(increase("b"), 30) == Applied((("like", 5),))


def test_an_answer_outlives_the_row() -> None:
    """An operation whose answer its caller keeps for longer is answered from its record, with or without a row."""
    scene = gone(row())
    longer = replace(increase("a"), window_s=2 * KEPT_S)
    scene.outcome(longer, 30)
    sweep(scene, 90)
    sweep(scene, KEPT_S)
    assert not has_row(scene)
    make_again(scene)
    assert scene.outcome(longer, 30) == Rejected(10010, "no such group", replayed=True)


def test_the_window_begins_with_the_last_rejection() -> None:
    scene = gone(row())
    scene.outcome(increase("a"), 30)
    sweep(scene, KEPT_S - 100)
    scene.outcome(increase("b"), 30)
    sweep(scene, 200)
    assert has_row(scene)
    sweep(scene, KEPT_S)
    assert not has_row(scene)


@pytest.mark.parametrize(
    "more",
    [
        {"notes": (Note(entry("a"), 10010, NOW),)},
        {"paused": Pause(NOW, "why")},
        {"generation": 0},
        {"keys": ((MARK, NOW), ("like", NOW))},
    ],
    ids="-".join,
)
def test_a_row_that_holds_anything_stays(more: dict[str, object]) -> None:
    scene = gone(replace(MARKED, **more))
    first(scene.kept, "park", lambda: scene.clock.advance(10**6))
    sweep(scene, KEPT_S)
    assert has_row(scene)


@pytest.mark.parametrize(
    "more",
    [
        {"queue": (entry("a"),)},
        {"attempt": attempt(entry("a"))},
        {"remembered": (Remembered(attempt(entry("a"))),)},
        {"debt": (("like", 5),)},
        {"notes": (Note(entry("a"), 10010, NOW),)},
        {"watermarks": (("shard", "1"),)},
        {"frozen": "a reason"},
        {"paused": Pause(NOW, "why")},
    ],
    ids="-".join,
)
def test_nothing_may_be_left_in_it_but_the_mark(more: dict[str, object]) -> None:
    assert is_blank(MARKED)
    assert not is_blank(replace(MARKED, **more))


@pytest.mark.parametrize("landed", [{}, {"like": 5, "_receipt": BASE}])
def test_a_group_that_is_there_again_keeps_its_row_and_is_not_looked_at_twice(landed: dict[str, int]) -> None:
    scene = Scene(MARKED)
    scene.api.counters = landed
    sweep(scene, KEPT_S)
    assert scene.row.keys == ()
    asked = len(scene.api.asked)
    sweep(scene, KEPT_S)
    assert len(scene.api.asked) == asked


@pytest.mark.parametrize(
    "reply",
    [
        Unclear("ReadTimeout"),
        dataclasses.replace(GONE, date=None),
        dataclasses.replace(GONE, date=int(NOW + KEPT_S - 1)),
        Refused(10007, "not permitted", Fault.OPERATION, int(NOW + KEPT_S)),
    ],
)
def test_what_does_not_show_that_it_is_gone_changes_nothing(reply: Unclear | Refused) -> None:
    """Not even twice that it is, by replies whose `Date` does not show that the window has passed."""
    scene = Scene(MARKED)
    scene.api.reads = [reply] * 9
    sweep(scene, KEPT_S)
    assert scene.row == MARKED


def test_one_reply_that_says_so_is_not_believed() -> None:
    scene = Scene(MARKED)
    scene.clock.advance(KEPT_S)
    scene.api.reads = [dataclasses.replace(GONE, date=scene.api.date)] * 2
    sweep(scene)
    assert scene.row.keys == ()


def test_what_is_accepted_after_the_look_keeps_its_row() -> None:
    scene = gone()
    first(scene.ledger, "delete", lambda: scene.counters.accept(GROUP.id, [increase("a")]), once=True)
    sweep(scene, KEPT_S)
    assert [waiting.id for waiting in scene.row.owed] == [increase("a").id]


def test_what_has_landed_or_was_rejected_for_another_reason_shows_that_the_group_is_there() -> None:
    scene = Scene(MARKED)
    scene.outcome(increase("a"), 30)
    assert [key for key, _ in scene.row.keys] == ["like"]
    scene = Scene(MARKED)
    scene.api.updates = [Refused(10016, "not this type", Fault.OPERATION, NOW)]
    scene.outcome(increase("a"), 30)
    assert scene.row.keys == ()


def test_a_pause_of_all_groups_looks_at_none() -> None:
    scene = gone()
    scene.ledger.stored = Generation(1, 0, paused=Pause(NOW, "why"))
    sweep(scene, KEPT_S)
    assert (has_row(scene), scene.api.asked) == (True, [])


def test_an_app_that_is_refused_is_asked_about_one_group_alone() -> None:
    scene = Scene()
    many(scene, 3)
    scene.api.reads = [ARREARS]
    sweep(scene, KEPT_S)
    assert len(scene.api.asked) == 1


def test_a_shorter_window_than_the_memory_of_lost_calls_does_not_shorten_that() -> None:
    scene = Scene(rules=replace(RULES, window_s=3600))
    scene.instance.windows.notes(APP)
    scene.store(MARKED)
    dismiss(scene)
    sweep(scene, DAY_S + ENDED_S - 1)
    assert has_row(scene)
    sweep(scene, 1)
    assert not has_row(scene)


def many(scene: Scene, count: int) -> list[Group]:
    groups = [Group(APP, f"G{number:03}") for number in range(count)]
    for group in groups:
        scene.store(MARKED, group)
    return groups


def test_many_go_page_by_page_and_are_listed_again_only_after_an_hour() -> None:
    scene = gone()
    groups = many(scene, LOOKED_AT_MAX + 10)
    scene.clock.advance(KEPT_S)
    lists: list[str] = []
    first(scene.ledger, "groups_with_key", lambda: lists.append("listed"))
    for _ in range(4):
        scene.counters.sweep(scene.clock.moment + 50)
    assert not any(scene.ledger.rows(APP, [group.id for group in groups]))
    assert len(lists) == 3
    scene.clock.advance(3600)
    scene.counters.sweep(scene.clock.moment + 50)
    assert len(lists) == 4


@pytest.mark.parametrize("error", [LedgerUnavailable("out of reach"), ValueError("a secret")])
def test_what_fails_stays_with_its_group(error: Exception) -> None:
    scene = gone()
    scene.store(MARKED, Group(APP, "F"))
    scene.ledger.broken = {"F": error}
    sweep(scene, KEPT_S)
    assert not has_row(scene)
    assert len(scene.notices.of(Notice.GROUP_FAILED)) == isinstance(error, ValueError)


def test_a_list_that_fails_is_asked_for_again_by_the_next_sweep() -> None:
    scene = gone()

    def fail() -> None:
        raise LedgerUnavailable("out of reach")

    first(scene.ledger, "groups_with_key", fail, once=True)
    sweep(scene, KEPT_S)
    scene.counters.sweep(scene.clock.moment + 50)
    assert not has_row(scene)


def test_a_group_that_finds_no_time_is_looked_at_by_the_next_sweep() -> None:
    scene = gone()
    scene.clock.advance(KEPT_S)
    scene.counters.sweep(scene.clock.moment + scene.instance.call_s - 1)
    assert has_row(scene)
    scene.counters.sweep(scene.clock.moment + 50)
    assert not has_row(scene)
