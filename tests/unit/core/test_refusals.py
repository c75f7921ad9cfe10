"""What confirms a definite refusal, and what does not (R4 c)."""

from __future__ import annotations

from handler.core.driving import drive
from handler.core.notices import Notice
from handler.core.outcomes import Applied, Rejected, Stalled
from handler.core.ports import Call, Fault, Refused, Reply
from handler.core.visit import Visit
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene, increase

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, NOW)
GONE = Refused(10010, "no such group", Fault.OPERATION, NOW)
ARREARS = Refused(60020, "arrears", Fault.APP, NOW)


def test_a_read_that_is_refused_for_the_same_reason_confirms() -> None:
    """A group that is not there can neither be counted in nor be read."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [GONE], [GONE]
    assert scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5)) == [Rejected(10010, "no such group")]
    assert len(scene.api.asked) == 1


def test_a_read_that_is_refused_for_another_reason_confirms_nothing() -> None:
    """The code lied and the call landed: only the receipt can tell, so it is asked for again."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [INVALID], [GONE]
    scene.api.counters = {"like": 5, "_receipt": BASE}
    send = scene.api.update

    def lie(call: Call) -> Reply:
        scene.api.land(call.mode, call.values)
        return send(call)

    scene.api.update = lie  # type: ignore[method-assign]  # the API of this test lies
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert outcome == Applied((("like", 10),), observed_later=True)
    assert scene.api.counters["like"] == 10
    assert Notice.REFUSAL_DISPROVED in scene.notices.told


def test_a_refused_app_is_not_asked_about_other_peoples_attempts() -> None:
    """Nothing is called until the gate opens; the operation stays owed."""
    scene = Scene(row(attempt(entry("a"))))
    scene.instance.gate.close(ARREARS)
    visit = Visit(scene.instance, GROUP, scene.patience(0.5))
    drive(visit, None)
    assert visit.stopped is not None
    assert visit.stopped.refusal is ARREARS
    assert (scene.api.calls, scene.api.asked) == ([], [])


def test_an_app_that_is_refused_leaves_its_operation_owed() -> None:
    """The caller is told why, and nothing is recorded."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [ARREARS], [ARREARS]
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert isinstance(outcome, Stalled)
    assert outcome.code == 60020
    assert [owed.id for owed in scene.row.owed] == [increase("a").id]
