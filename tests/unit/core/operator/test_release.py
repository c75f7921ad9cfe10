"""How an operator's decision is carried out: after a look, after the wait, by one compare-and-swap."""

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost, BadInput
from handler.core.model.row import Row
from handler.core.operator import release
from handler.core.operator.inspect import inspect
from handler.core.operator.release import Later, Resolved
from handler.core.operator.verdicts import Decision, OperatorVerdict
from handler.core.ports.system import Notice, naming
from handler.core.state.receipts import NotLanded, TooEarly
from handler.core.state.transitions import appended, frozen
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene

A = entry("a")
LANDED = Decision({"a": OperatorVerdict.LANDED})
FROZEN = replace(frozen(row(attempt(A)), "why"), first_seen_at=NOW - 100)
DEATH_S = 12
# What was signed before a look, by whichever host's clock, is dead that much later.
PAST_S = 17


def dead(before: Row = FROZEN) -> Scene:
    """A frozen group whose attempt can land no more, and whose receipt somebody else has written."""
    scene = Scene(before)
    scene.clock.advance(DEATH_S + 1)
    scene.api.counters["_receipt"] = 7
    return scene


def grow(scene: Scene) -> None:
    assert MemoryLedger.swap(scene.ledger, GROUP, appended(scene.row, [entry(f"new{scene.row.version}")]), {})


def test_a_release_settles_and_unfreezes_in_one_write() -> None:
    scene = dead()
    assert release.release(scene.visit(), LANDED) == Resolved(scene.row, settled=1)
    assert scene.row == replace(
        FROZEN, version=FROZEN.version + 1, attempt=None, base=7, frozen=None, first_seen_at=None
    )
    assert scene.ledger.find(GROUP, ["a"]).keys() == {"a"}
    assert scene.notices.told == [Notice.GROUP_RELEASED]
    assert scene.notices.of(Notice.GROUP_RELEASED) == [{"group": "G", "base": 7} | naming(["a"])]


def test_the_first_look_at_a_frozen_group_is_noted() -> None:
    """What the row does not know may land for as long as an attempt that was signed just before."""
    scene = dead(replace(FROZEN, first_seen_at=None))
    result = release.release(scene.visit(), LANDED)
    assert isinstance(result, Later)
    assert PAST_S - 1 <= result.retry_after_s <= PAST_S
    assert scene.row == replace(
        FROZEN, version=FROZEN.version + 1, first_seen_at=scene.api.date, first_seen_generation=1
    )


def test_an_inspection_of_a_group_that_is_not_frozen_writes_nothing() -> None:
    scene = Scene(row(attempt(A)))
    told = inspect(scene.visit())
    assert isinstance(told.verdict, TooEarly)
    assert (told.ready_in_s, told.waits_for) == (
        DEATH_S,
        "the end of its call, unless the receipt shows that it landed",
    )
    scene.clock.advance(DEATH_S + 1)
    told = inspect(scene.visit())
    assert isinstance(told.verdict, NotLanded)
    assert (told.ready_in_s, told.waits_for) == (0.0, "a look that shows its call to be over")
    assert scene.row == row(attempt(A))


def test_an_adoption_waits_by_the_apis_clock() -> None:
    scene = Scene(replace(frozen(row(queue=(A,)), "why"), first_seen_at=None), cold=True)
    scene.api.ahead_s = -40.0
    scene.api.counters["_receipt"] = 7
    result = release.adopt(scene.visit(), Decision())
    assert isinstance(result, Resolved)
    assert (result.row.base, result.row.queue, result.settled) == (7, (A,), 0)
    assert sum(scene.clock.slept) >= DEATH_S - 1
    assert set(scene.api.asked) == {()}


def test_a_group_that_somebody_else_changes_all_the_time_is_released_with_what_has_come() -> None:
    """Callers that go on asking for a frozen group do not keep it frozen."""
    scene = dead()
    scene.ledger.before_swap = [lambda: grow(scene)] * 5
    assert isinstance(release.release(scene.visit(), LANDED), Resolved)
    assert (scene.row.frozen, len(scene.row.queue)) == (None, 5)


def test_two_operators_decide_once() -> None:
    scene = dead()
    scene.ledger.before_swap = [lambda: _released(scene)]
    with pytest.raises(BadInput, match=r"^GroupId: has changed"):
        release.release(scene.visit(), Decision({"a": OperatorVerdict.NOT_LANDED}))
    assert scene.row.queue == ()
    assert scene.notices.told.count(Notice.GROUP_RELEASED) == 1


def test_a_group_that_was_released_and_froze_again_is_another_case() -> None:
    scene = dead()
    anew = replace(
        FROZEN, version=FROZEN.version + 9, attempt=attempt(A, name="anew", time=NOW + 13), first_seen_at=None
    )
    scene.ledger.before_swap = [lambda: scene.store(anew)]
    with pytest.raises(BadInput, match=r"^GroupId: has changed"):
        release.release(scene.visit(), LANDED)
    assert scene.row == anew


def _released(scene: Scene) -> None:
    release.release(scene.visit(), LANDED)


def test_a_lost_answer_is_told_as_one() -> None:
    scene = dead()

    def lose() -> None:
        raise AnswerLost("lost")

    scene.ledger.before_swap = [lose]
    with pytest.raises(AnswerLost):
        release.release(scene.visit(), LANDED)
