"""What comes before a call: the conditions under which a worker opens an attempt (R2)."""

from __future__ import annotations

from handler.core.driving import open_next
from handler.core.outcomes import Applied
from handler.core.pacing import KEPT_S, Turn
from handler.core.rows import Remembered, Row
from handler.core.visit import Again, Visit
from handler.core.waits import ACCEPTED_MAX_S
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene, increase


def test_a_refused_attempt_is_not_forgotten_unread() -> None:
    """Its code lied and it landed: it is dead now, but nobody has seen a receipt without it (R6, R11)."""
    lied = Remembered(attempt(entry("old"), name="past", weight=700_001), refused=True)
    scene = Scene(row(remembered=(lied,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 700_001}
    scene.clock.advance(60)
    scene.instance.api_clock.learn(NOW + 60)
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(30))
    assert isinstance(outcome, Applied)
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.frozen is None
    assert scene.api.counters["like"] == 5


def test_a_turn_that_has_passed_is_not_used() -> None:
    """A call so late would come on top of those whose turn it is by then."""
    scene = Scene()
    visit = Visit(scene.instance, GROUP, scene.patience(30))
    assert visit.turn_s() == 0
    missed = visit.turn
    scene.clock.advance(1)
    assert visit.turn_s() == 0
    assert missed != visit.turn
    assert visit.turn == Turn(scene.clock.moment, scene.clock.moment + KEPT_S)


def test_what_landed_late_is_paid_back_at_once() -> None:
    """By whoever has seen it: until then every client sees a counter that is too high (R7)."""
    past = Remembered(attempt(entry("old"), name="past", weight=700_001))
    scene = Scene(row(remembered=(past,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 700_001}
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(30))
    assert outcome == Applied((("like", 10),))
    assert (scene.row.debt, scene.api.counters["like"]) == ((), 5)


def test_an_attempt_is_not_left_behind_unsent() -> None:
    """Nobody else may send it, so the group would wait for its death: it is sent, or taken back (R3)."""
    scene = Scene(row(queue=(entry("old"),)))
    scene.ledger.before_swap = [lambda: None, lambda: scene.clock.advance(6)]
    scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert scene.api.calls or scene.row.attempt is None


def test_an_attempt_is_taken_back_although_others_change_the_row() -> None:
    """A busy group is where time runs out, and where waiting for a death hurts most (R3)."""
    scene = Scene(row(queue=(entry("old"),)))
    scene.ledger.before_swap = [lambda: None, lambda: scene.clock.advance(6), scene.grow]
    scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert scene.api.calls or scene.row.attempt is None


def test_the_operation_at_the_head_is_left_to_its_own_caller() -> None:
    """Once: of many who wait for one queue all but one would open it in vain, and that one may be gone."""
    scene = Scene(row(queue=(entry("head"), entry("mine"))))
    visit = Visit(scene.instance, GROUP, scene.patience(30), frozenset({"mine"}))
    assert isinstance(open_next(visit, scene.row), Again)
    assert isinstance(open_next(visit, scene.row), Row)


def test_whoever_waits_for_the_operation_at_the_head_opens_at_once() -> None:
    """So does a sweep, which waits for nothing but that the group is settled."""
    for wanted in ({"head"}, {"mine", "head"}, set[str]()):
        scene = Scene(row(queue=(entry("head"), entry("mine"))))
        visit = Visit(scene.instance, GROUP, scene.patience(30), frozenset(wanted))
        assert isinstance(open_next(visit, scene.row), Row)


def test_a_slow_ledger_is_asked_less_often() -> None:
    """It took its time to take the operation on, and with more looks it only takes more."""
    scene = Scene(row())
    visit = Visit(scene.instance, GROUP, scene.patience(30))
    quick_s = max(visit.waits.poll_s() for _ in range(20))
    visit.waits.accepted_in(0.9)
    assert min(visit.waits.poll_s() for _ in range(20)) >= 0.45
    visit.waits.accepted_in(60.0)
    assert max(visit.waits.poll_s() for _ in range(20)) <= 1.5 * ACCEPTED_MAX_S
    assert quick_s < 0.7


def test_the_first_look_at_a_new_group_waits_as_long_as_a_slow_ledger() -> None:
    """Whoever made its row needs that long to write down what it has seen."""
    scene = Scene(row())
    visit = Visit(scene.instance, GROUP, scene.patience(30))
    visit.waits.accepted_in(1.0)
    assert visit.waits.before_first_look_s() >= 0.5
