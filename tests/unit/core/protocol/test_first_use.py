"""How a group begins, and begins again after its store was restored (R9, R10)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Applied, Frozen, Pending
from handler.core.model.row import Entry, first_row
from handler.core.ports.ledger import Generation
from handler.core.protocol.backoff import FIRST_LOOK_S
from handler.core.protocol.engine import PENDING_RETRY_S
from handler.core.recovery.verdicts import to_be_judged
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, RULES, Scene, increase


def test_a_landing_found_after_a_restore_is_answered_with_its_values() -> None:
    """Whoever explains the receipt of a row settles its operations as always (R5, R10)."""
    scene = Scene(row(attempt(entry("a"))))
    scene.ledger.stored = Generation(2, NOW - 1000)
    scene.api.counters = {"like": 5, "_receipt": BASE + 600_000}
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.is_settled
    assert scene.ledger.find(GROUP, ["a"])["a"].answer == Applied((("like", 5),), observed_later=True)


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


def test_a_new_group_is_looked_at_by_whoever_has_made_its_row() -> None:
    """Callers who come meanwhile leave it to that one for a while: one look is enough for all."""
    scene = Scene(first_row([Entry.of(increase("first"))], "_receipt", 1))
    scene.api.counters = {}
    assert scene.outcome(increase("late"), FIRST_LOOK_S * 0.4) == Pending(PENDING_RETRY_S)
    assert scene.api.asked == []


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


def test_what_a_forgetful_store_may_have_sent_already_has_to_be_judged() -> None:
    """A young copy that does not know the group does not know whether the queue was sent, either (R10)."""
    scene = Scene()
    scene.ledger.stored = Generation(2, NOW)
    assert isinstance(scene.outcome(increase("a"), 30), Frozen)
    assert to_be_judged(scene.row, 2) == (increase("a").id,)
