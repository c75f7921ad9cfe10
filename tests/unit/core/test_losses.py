"""Writes that somebody else was quicker with, and looks that were not answered: nothing is told that did not happen."""

from __future__ import annotations

from dataclasses import replace

from handler.core.beginnings import establish
from handler.core.commands import Mode
from handler.core.driving import open_next
from handler.core.judging import Evidence, conclude, confirmed, follow, settle
from handler.core.notices import Notice
from handler.core.ports import Fault, Refused, Unclear, Unsent
from handler.core.receipts import Sight
from handler.core.rows import Remembered, Row
from handler.core.visit import Again, Visit
from tests.unit.core.samples import BASE, NOW, attempt, entry, row, seen
from tests.unit.core.scene import GROUP, Scene

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, NOW)
PAST = Remembered(attempt(entry("old"), name="past", weight=700_001))


def outrun(before: Row) -> tuple[Scene, Visit]:
    """A visit whose next write comes too late."""
    scene = Scene(before)
    scene.ledger.before_swap = [scene.grow]
    return scene, Visit(scene.instance, GROUP, scene.patience(60), is_first=True)


def told_nothing(scene: Scene, follows: object) -> bool:
    """The row is read again, and nobody has heard of anything."""
    return isinstance(follows, Again) and scene.notices.told == []


def test_an_expired_attempt_is_told_when_it_is_written() -> None:
    """Not before."""
    before = row(attempt(entry("a")))
    scene, visit = outrun(before)
    assert told_nothing(scene, conclude(visit, before, Evidence(Sight(BASE, NOW + 12), seen())))


def test_a_rejection_is_told_when_it_is_written() -> None:
    """Another one may have been."""
    before = row(attempt(entry("a")))
    scene, visit = outrun(before)
    assert told_nothing(scene, confirmed(visit, before, attempt(entry("a")), INVALID))
    assert scene.ledger.find(GROUP, ["a"]) == {}


def test_a_landing_is_told_when_it_is_written() -> None:
    """A late one as well."""
    before = row(attempt(entry("a")), remembered=(PAST,))
    scene, visit = outrun(before)
    times = {"attempt": 1, "past": 1}
    assert told_nothing(scene, settle(visit, before, BASE + 1_300_001, times, seen(like=10)))


def test_a_settlement_that_came_too_late_is_not_told() -> None:
    """Somebody else has settled it, and the row is read again."""
    before = row(attempt(entry("a")))
    scene = Scene(replace(before, attempt=None))
    visit = Visit(scene.instance, GROUP, scene.patience(60))
    assert told_nothing(scene, settle(visit, before, BASE + 600_000, {"attempt": 1}, seen(like=5)))
    assert visit.answers == {}


def test_an_adoption_is_told_when_it_is_written() -> None:
    """Somebody else may have made it."""
    noted = replace(row(queue=(entry("a"),)), base=None, sighted=NOW - 100)
    scene, visit = outrun(noted)
    scene.instance.api_clock.learn(NOW)
    assert told_nothing(scene, establish(visit, noted))


def test_a_refusal_for_want_of_room_is_told_when_it_is_written() -> None:
    """And recorded only then."""
    fresh = replace(row(queue=(entry("a"),)), base=None)
    scene, visit = outrun(fresh)
    scene.api.counters = {f"k{number}": 0 for number in range(20)}
    assert told_nothing(scene, establish(visit, fresh))
    assert scene.ledger.find(GROUP, ["a"]) == {}


def test_a_look_before_a_set_that_was_not_answered_opens_nothing() -> None:
    """What may have landed late would be overwritten."""
    before = row(queue=(entry("a", Mode.SET),), remembered=(PAST,))
    scene = Scene(before)
    scene.api.reads = [Unclear("lost")]
    visit = Visit(scene.instance, GROUP, scene.patience(60))
    assert isinstance(open_next(visit, before), Again)
    assert scene.row == before


def test_a_receipt_at_its_base_says_nothing_about_a_settled_group() -> None:
    """There is nothing to judge."""
    scene = Scene(row())
    visit = Visit(scene.instance, GROUP, scene.patience(60))
    assert conclude(visit, row(), Evidence(Sight(BASE, NOW), seen())) == row()
    assert scene.row == row()


def test_a_settlement_of_an_attempt_that_owes_nothing_is_not_told_as_applied() -> None:
    """All that it carried was settled by another landing."""
    carried = replace(attempt(entry("a")), settled=frozenset({"a"}))
    before = row(carried)
    scene = Scene(before)
    visit = Visit(scene.instance, GROUP, scene.patience(60))
    settle(visit, before, BASE + 600_000, {"attempt": 1}, seen(like=5))
    assert Notice.APPLIED not in scene.notices.told
    assert (scene.row.attempt, scene.row.debt) == (None, (("like", 5),))


def test_an_attempt_that_never_left_is_taken_back_before_anybody_is_set_back() -> None:
    """Another write came first, so the row is read again."""
    before = row(attempt(entry("a")))
    scene, visit = outrun(before)
    assert told_nothing(scene, follow(visit, before, attempt(entry("a")), Unsent("no connection")))
    assert visit.setbacks == 0


def test_a_rejection_that_was_confirmed_needs_no_other_look() -> None:
    """Somebody else's change came in between."""
    before = row(attempt(entry("a")))
    scene = Scene(before)
    visit = Visit(scene.instance, GROUP, scene.patience(60), sent="attempt", reply=INVALID, is_confirmed=True)
    follow(visit, before, attempt(entry("a")), INVALID)
    assert scene.api.asked == []
    assert scene.ledger.find(GROUP, ["a"]).keys() == {"a"}


def test_a_set_whose_operations_were_settled_before_is_settled_in_silence() -> None:
    """It has overwritten what they had written: nobody is owed anything."""
    carried = replace(attempt(entry("a", Mode.SET)), settled=frozenset({"a"}))
    before = row(carried)
    scene = Scene(before)
    visit = Visit(scene.instance, GROUP, scene.patience(60))
    settle(visit, before, BASE + 600_000, {"attempt": 1}, seen(like=5))
    assert (scene.row.attempt, scene.row.base, scene.notices.told) == (None, BASE + 600_000, [])
