"""What a sweep does when one of many groups is in trouble (R8)."""

from __future__ import annotations

import pytest

from handler.core.rows import Group
from tests.unit.core.samples import entry, row
from tests.unit.core.scene import APP, GROUP, Scene


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
