"""How a group begins, and begins again after its store was restored (R9, R10)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Applied
from handler.core.model.row import Entry, first_row
from handler.core.ports.ledger import Generation
from tests.unit.core.samples import NOW, row
from tests.unit.core.scene import GROUP, RULES, Scene, increase


def test_a_slow_local_clock_does_not_hold_a_group_up() -> None:
    """A cold instance asks the API for its time before it waits: the local clock never judges (R4)."""
    scene = Scene(row(), replace(RULES, cache_s=60), cold=True)
    scene.ledger.stored = Generation(2, NOW)
    scene.api.ahead_s = 3600
    assert scene.outcome(increase("a"), 30) == Applied((("like", 5),))


def test_a_debt_in_a_group_without_room_is_not_asked_about_for_ever() -> None:
    """Under another receipt key, with twenty counters upstream, nothing can be paid: one look per round is enough."""
    scene = Scene(row(debt=(("k1", 5),), receipt_key="_other"))
    scene.api.counters = {f"k{number}": 0 for number in range(20)}
    version = scene.row.version
    scene.counters.sweep(scene.clock.moment + 30)
    assert scene.row.version - version < 30 / 0.25


@pytest.mark.parametrize("by", ["a caller", "a sweep"])
def test_a_new_group_is_looked_at_although_whoever_has_made_its_row_is_gone(by: str) -> None:
    scene = Scene(first_row([Entry.of(increase("first"))], "_receipt", 1))
    scene.api.counters = {}
    if by == "a sweep":
        scene.counters.sweep(scene.clock.moment + 60)
    else:
        scene.counters.apply(GROUP.id, [increase("late")], scene.budget(5))
    assert scene.row.is_settled
    assert len(scene.api.asked) == 1
