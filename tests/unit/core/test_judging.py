"""What a worker concludes from a reply or a look at the receipt, when others or a lost write get in its way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handler.core.driving import drive
from handler.core.outcomes import Applied
from handler.core.ports import Fault, Refused, Reply, Unclear, Unsent
from handler.core.rows import Remembered
from handler.core.visit import Visit
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, RULES, Scene, increase

RATE = Refused(60007, "too many calls", Fault.RATE, NOW)
FORBIDDEN = Refused(10007, "not permitted", Fault.OPERATION, NOW + 20)
WEAKER = replace(RULES, receipt_key="")
WEAKER_ROW = replace(row(receipt_key=""), base=0)


def visit(scene: Scene, seconds: float = 20) -> Visit:
    """A visit that goes on until the group is settled."""
    return Visit(scene.instance, GROUP, scene.patience(seconds))


def test_an_attempt_lives_as_long_as_it_was_signed_for() -> None:
    """The row says how long that is: an instance with shorter settings may not presume it dead before (R4 b)."""
    signed_for_a_minute = replace(attempt(entry("a")), life=60)
    scene = Scene(row(signed_for_a_minute))
    scene.clock.advance(15)
    drive(visit(scene, seconds=30), None)
    assert scene.row.attempt == signed_for_a_minute
    assert scene.api.calls == []


@pytest.mark.parametrize("reply", [RATE, Unsent("no connection")], ids=["refused", "unsent"])
def test_a_definite_reply_outlives_a_lost_swap(reply: Reply) -> None:
    """Somebody else's operation came in between: the attempt is still known to have had no effect (R4 c)."""
    scene = Scene(row())
    scene.api.updates = [reply]
    scene.ledger.before_swap = [scene.grow]
    began = scene.clock.moment
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(30))
    assert outcome == Applied((("like", 5),))
    assert scene.clock.moment - began < 5


@pytest.mark.parametrize("reply", [RATE, Unsent("no connection")], ids=["refused", "unsent"])
def test_a_definite_reply_outlives_a_lost_swap_without_receipts(reply: Reply) -> None:
    """Nothing was lost on the way to the API, so nobody is told that the outcome is unknown."""
    scene = Scene(WEAKER_ROW, WEAKER)
    scene.api.updates = [reply]
    scene.ledger.before_swap = [scene.grow]
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(30))
    assert outcome == Applied((("like", 5),))


def test_a_landing_outlives_a_lost_settlement_without_receipts() -> None:
    """The reply said that it landed and what the counters are: only the ledger's answer was lost."""
    scene = Scene(WEAKER_ROW, WEAKER)
    scene.ledger.settlements_lost = 1
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(30))
    assert outcome == Applied((("like", 5),))


def test_a_group_that_may_not_be_read_is_not_gone() -> None:
    """Only a read of the receipt shows that an attempt did not land: this one had (R4)."""
    scene = Scene(row(attempt(entry("a"))))
    scene.api.counters = {"like": 5, "_receipt": BASE + 600_000}
    scene.clock.advance(20)
    scene.api.reads = [FORBIDDEN] * 4
    drive(visit(scene, seconds=60), None)
    assert scene.api.calls == []
    assert scene.api.counters["like"] == 5
    assert scene.row.is_settled


def test_a_late_landing_tells_every_operation_that_it_settles_its_values() -> None:
    """Those of the queue have other counters than the open attempt, and a right to their values as well (R5)."""
    a, b = entry("a", alone=True), entry("b", alone=True, share=2)
    merged = Remembered(attempt(entry("a"), entry("b", share=2), name="past", weight=700_001), refused=True)
    scene = Scene(row(attempt(a), (b,), (merged,)))
    scene.api.counters = {"like": 5, "share": 2, "_receipt": BASE + 700_001}
    scene.clock.advance(6)
    drive(visit(scene, seconds=1), None)
    assert scene.ledger.find(GROUP, ["b"])["b"].answer == Applied((("share", 2),), observed_later=True)


def test_a_receipt_at_its_base_is_looked_at_again_right_after_the_death() -> None:
    """A lost call stalls its group for life and guard and about two seconds, not longer."""
    scene = Scene(row())
    scene.api.updates = [Unclear("lost")]
    began = scene.clock.moment
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(60))
    assert outcome == Applied((("like", 5),))
    assert scene.clock.moment - began < RULES.bound_s + 2.5
