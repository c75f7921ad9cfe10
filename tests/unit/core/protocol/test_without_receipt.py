"""The weaker promise, where the receipt key was taken away from a group with a history."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.model.outcome import Applied
from handler.core.ports.counter_api import Unclear
from tests.unit.core.samples import row
from tests.unit.core.scene import GROUP, RULES, Scene, increase


def test_an_operation_that_was_answered_has_landed_once() -> None:
    scene = Scene(row(receipt_key=""), replace(RULES, receipt_key=""))
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.budget(30))
    assert outcome == Applied((("like", 5),))
    assert (scene.row.debt, scene.api.counters["like"], len(scene.api.calls)) == ((), 5, 1)


def test_a_payment_whose_reply_was_lost_is_not_repeated() -> None:
    """It is a decrease of our own, and nothing tells whether it took effect: the same rule as for callers holds."""
    scene = Scene(row(debt=(("like", 5),)), replace(RULES, receipt_key=""))
    scene.api.updates = [Unclear("lost")]
    scene.counters.sweep(scene.clock.moment + 60)
    assert len(scene.api.calls) == 1
    assert scene.row.is_settled
