"""The weaker promise: what is done about an attempt without a receipt to look at."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Unknown
from handler.core.model.row import Attempt, Row
from handler.core.ports.counter_api import Counted
from handler.core.ports.system import Notice
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.conclude import look
from handler.core.protocol.visit import Again, Stop, Visit
from tests.unit.core.protocol.test_backoff import Even
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import ARREARS, GONE, GROUP, RULES, Scene

SET = attempt(entry("a", Mode.SET))
INCREASE = attempt(entry("a"))
LOST = Unknown("the reply was lost, and without a receipt key the outcome cannot be determined")


def stored(call: Attempt) -> tuple[Scene, Row]:
    """A row without receipts that has this attempt open."""
    before = replace(row(call, debt=(("like", 5), ("share", 1)), receipt_key=""), base=0)
    return Scene(before, replace(RULES, receipt_key="")), before


def visit(scene: Scene, sent: str | None = None) -> Visit:
    """A visit without chance, which has perhaps sent the attempt itself."""
    instance = replace(scene.instance, chance=Even(1))
    return Visit(instance, GROUP, scene.budget(60), own=OwnCall(sent, is_sent=True) if sent else None)


def test_whoever_has_sent_an_increase_tells_at_once_that_nothing_tells() -> None:
    """It is never repeated; others wait for its death, for its own worker may still hear of it."""
    scene, before = stored(INCREASE)
    assert isinstance(look(visit(scene), before, INCREASE), Again)
    assert scene.row == before
    follows = look(visit(scene, "attempt"), before, INCREASE)
    assert follows == scene.row == before.changed(attempt=None)
    assert scene.ledger.find(GROUP, ["a"])["a"].answer == LOST
    assert scene.notices.of(Notice.UNKNOWN) == [{"group": "G", "attempt": "attempt", "operation": "a", "operations": 1}]


def test_one_wrong_reply_ends_nothing() -> None:
    """Neither the `Date` of the look itself, nor one that was heard before (R4 b)."""
    for heard_s, own_s in ((0, 12), (12, 11)):
        scene, before = stored(SET)
        scene.hear(heard_s)
        scene.api.reads = [Counted({}, NOW + own_s)]
        assert isinstance(look(visit(scene), before, SET), Again)
        assert scene.row == before


def test_a_payment_that_was_lost_is_not_repeated_either() -> None:
    """What it would have paid is owed no more; other debts are."""
    payment = attempt(mode=Mode.DECREASE, correction=(("like", 5),))
    scene, before = stored(payment)
    look(visit(scene, "attempt"), before, payment)
    assert (scene.row.attempt, scene.row.debt) == (None, (("share", 1),))


def test_the_apis_clock_is_asked_for_by_reads_at_growing_intervals() -> None:
    scene, before = stored(SET)
    waiting = visit(scene, "attempt")
    assert look(waiting, before, SET) == Again(0.4)
    assert scene.api.asked == [("like",)]
    assert look(waiting, before, SET) == Again(0.06)
    scene.clock.advance(0.39)
    follows = look(waiting, before, SET)
    assert isinstance(follows, Again)
    assert follows.after_s == pytest.approx(0.01)
    assert len(scene.api.asked) == 1


def test_a_read_that_is_refused_for_the_app_stops_the_visit() -> None:
    for refusal, follows in ((ARREARS, Stop(ARREARS)), (GONE, Again(0.4))):
        scene, before = stored(SET)
        scene.api.reads = [refusal]
        assert look(visit(scene, "attempt"), before, SET) == follows
