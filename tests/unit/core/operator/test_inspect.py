"""What an operator is told of a group, when a verdict may be given, and what may not be done."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.errors import AppRefused, BadInput, NotAccepted, TooManyCalls
from handler.core.model.row import Row
from handler.core.operator import release
from handler.core.operator.inspect import SWAPS_MAX, inspect
from handler.core.operator.release import Later, Resolved
from handler.core.operator.verdicts import Decision
from handler.core.ports.counter_api import Fault, Refused, Unclear
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Notice, naming
from handler.core.protocol.visit import CONTENTION_S, Visit
from handler.core.state.receipts import Unexplained
from handler.core.state.transitions import frozen
from tests.unit.core.operator.test_release import FROZEN, LANDED, dead, grow
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene


def test_a_group_that_is_no_more_is_inspected_as_an_empty_one() -> None:
    scene = dead()
    scene.api.reads = [Refused(10010, "no such group", Fault.OPERATION, scene.api.date)] * 20
    told = inspect(scene.visit())
    assert (told.values, told.missing, told.verdict) == ({}, "the group does not exist", Unexplained(0))


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        (Unclear("no answer"), "the group's counters could not be read in the time that there is"),
        (Refused(60020, "arrears", Fault.APP, NOW), "the vendor refuses this app with code 60020"),
    ],
)
def test_an_inspection_without_a_look_shows_the_row(reply: Unclear | Refused, missing: str) -> None:
    scene = dead()
    scene.api.reads = [reply] * 1000
    told = inspect(scene.visit())
    assert (told.row, told.to_be_judged, told.missing) == (FROZEN, ("a",), missing)
    assert (told.values, told.verdict, told.ready_in_s) == ({}, None, 0.0)
    assert told.waits_for is None
    assert told.generation == Generation(1, 0)


@pytest.mark.parametrize(
    ("before", "act", "problem"),
    [
        (None, "release", "is not known: nothing was ever accepted for this group"),
        (None, "adopt", "is not known: nothing was ever accepted for this group"),
        (row(), "release", "is not frozen: there is nothing to release"),
        (
            FROZEN,
            "adopt",
            "has operations that may have landed: inspect it, and release it with verdicts",
        ),
        (row(attempt(entry("a"))), "adopt", "is not frozen: the receipt will tell what of its operations has landed"),
        (replace(row(), base=None), "adopt", "has no receipt in use yet: its first operation begins one"),
        (row(receipt_key="_other"), "adopt", "has no receipt in use yet: its first operation begins one"),
    ],
)
def test_what_an_operator_may_not_do_is_said(before: Row | None, act: str, problem: str) -> None:
    scene = Scene(before)
    with pytest.raises(BadInput) as caught:
        getattr(release, act)(scene.visit(), Decision())
    assert (caught.value.field, caught.value.problem) == ("GroupId", problem)
    assert (scene.ledger.load(GROUP), scene.api.asked) == (before, [])


def test_a_look_for_an_adoption_is_had_again_until_it_is_answered() -> None:
    scene = Scene(row())
    scene.api.reads = [Unclear("lost"), Unclear("lost")]
    assert isinstance(release.adopt(scene.visit(), Decision()), Resolved)
    assert len(scene.api.asked) == 4
    scene.api.reads = [Refused(60020, "arrears", Fault.APP, NOW)] * 10
    with pytest.raises(AppRefused):
        release.adopt(scene.visit(), Decision())
    assert len(scene.api.asked) == 5


def test_a_release_says_when_to_come_again() -> None:
    """When the `Date` of the API may prove that all is dead; a second at least, for it comes in whole ones."""
    for passed_s, left_s in ((2, 10), (11, 1), (11.9, 1)):
        scene = Scene(FROZEN)
        scene.clock.advance(passed_s)
        assert release.release(scene.visit(), LANDED) == Later(left_s)


def test_an_adoption_is_told_to_whoever_watches() -> None:
    scene = dead(replace(frozen(row(), "why"), first_seen_at=NOW - 100))
    release.adopt(scene.visit(), Decision())
    assert scene.notices.of(Notice.GROUP_ADOPTED) == [{"group": "G", "base": 7} | naming([])]


@pytest.mark.parametrize(
    ("before", "act"),
    [(FROZEN, lambda visit: release.release(visit, LANDED)), (replace(FROZEN, first_seen_at=None), inspect)],
    ids=["a release", "the note of a first look"],
)
def test_a_row_that_somebody_changes_all_the_time_is_written_again_after_a_moment(
    before: Row, act: Callable[[Visit], object]
) -> None:
    scene = dead(before)
    scene.ledger.before_swap = [lambda: grow(scene)] * SWAPS_MAX
    with pytest.raises(TooManyCalls, match=r"^too many others change this group at once$"):
        act(scene.visit())
    assert scene.row.frozen
    assert len(scene.clock.slept) == SWAPS_MAX
    assert sum(scene.clock.slept) == pytest.approx(SWAPS_MAX * CONTENTION_S, rel=0.4)


def test_an_adoption_without_time_for_a_look_is_told() -> None:
    scene = Scene(row())
    with pytest.raises(NotAccepted, match=r"^the group's counters could not be read in the time that there is$"):
        release.adopt(scene.visit(0), Decision())
    assert (scene.row, scene.api.asked) == (row(), [])
