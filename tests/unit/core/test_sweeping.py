"""What a sweep does when one of many groups is in trouble (R8)."""

from __future__ import annotations

import pytest

from handler.core.exactly_once import ExactlyOnce
from handler.core.instance import Instance
from handler.core.ports import Call, Reply
from handler.core.rows import Group
from tests.unit.core.samples import entry, row
from tests.unit.core.scene import APP, GROUP, RULES, Scene


@pytest.mark.parametrize("trouble", ["A", "Z"])
def test_one_group_out_of_reach_does_not_hold_up_the_others(trouble: str) -> None:
    """Before or after it in the order of groups; it is counted as left."""
    scene = Scene(row(queue=(entry("a"),)))
    scene.store(row(queue=(entry("a"),)), Group(APP, trouble))
    scene.ledger.out_of_reach = {trouble}
    swept = scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.is_settled
    assert (swept.groups, swept.left) == (2, 1)
    assert [call.group for call in scene.api.calls] == [GROUP]


def many(scene: Scene, count: int) -> list[Group]:
    """Groups that owe an operation each."""
    scene.api.of_groups = {}
    groups = [Group(APP, f"group {number:03}") for number in range(count)]
    for group in groups:
        scene.store(row(queue=(entry("a"),)), group)
    return groups


def settled(scene: Scene, groups: list[Group]) -> list[bool]:
    """Which of them owe nothing any more."""
    rows = [scene.ledger.load(group) for group in groups]
    return [stored is not None and stored.is_settled for stored in rows]


def test_a_sweep_finishes_more_groups_than_a_page_holds() -> None:
    """Page after page."""
    scene = Scene()
    groups = many(scene, 250)
    swept = scene.counters.sweep(scene.clock.moment + 600)
    assert (swept.groups, swept.left, swept.after) == (250, 0, None)
    assert all(settled(scene, groups))


def test_a_sweep_that_runs_out_of_time_names_where_to_go_on_from() -> None:
    """The next one of this instance does, and goes round to what was skipped."""
    scene = Scene()
    groups = many(scene, 250)
    scene.ledger.pages_left = 1
    first = scene.counters.sweep(scene.clock.moment + 600)
    assert (first.groups, first.after) == (100, "group 099")
    second = scene.counters.sweep(scene.clock.moment + 600)
    assert (second.groups, second.after) == (150, None)
    assert all(settled(scene, groups))


def test_a_sweep_goes_round_to_the_groups_before_its_beginning() -> None:
    """Each group is met once."""
    scene = Scene()
    groups = many(scene, 250)
    swept = scene.counters.sweep(scene.clock.moment + 600, after="group 120")
    assert (swept.groups, swept.after) == (250, None)
    assert all(settled(scene, groups))


def test_a_sweep_without_time_for_one_page_hands_all_over() -> None:
    """It says to begin where it would have begun."""
    scene = Scene()
    many(scene, 3)
    swept = scene.counters.sweep(scene.clock.moment + 1, after="group 001")
    assert (swept.groups, swept.left, swept.after) == (0, 0, "group 001")


def test_two_sweeps_at_once_do_no_harm() -> None:
    """Each group is called once."""
    scene = Scene()
    groups = many(scene, 20)
    other = ExactlyOnce(Instance.of(scene.ports, RULES), APP)
    tend = scene.api.update

    def interrupted(call: Call) -> Reply:
        scene.api.update = tend  # type: ignore[method-assign]  # once is enough
        other.sweep(scene.clock.moment + 600)
        return tend(call)

    scene.api.update = interrupted  # type: ignore[method-assign]  # the second sweep runs in the middle of the first
    scene.counters.sweep(scene.clock.moment + 600)
    assert all(settled(scene, groups))
    assert len(scene.api.calls) == 20
