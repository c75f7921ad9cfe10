"""What lost calls cost: nothing freezes, attempts open at growing intervals, and what is forgotten is told (R11)."""

import json
from itertools import pairwise

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Pending
from handler.core.model.row import Attempt, Remembered, Row
from handler.core.ports.counter_api import Fault, Refused, Unclear
from handler.core.ports.system import Notice
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.drive import drive, open_next
from handler.core.protocol.refusal import Blame, confirmed
from handler.core.protocol.visit import Again, Stop, Visit
from handler.core.state.losses import ALARMING, INTERVAL_MAX_S, REMEMBERED_MAX, lost_in_a_row, opens_at, told
from tests.unit.core.samples import BASE, BOUND_S, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene, increase

A = entry("a")


def bound_of(_: Attempt) -> float:
    """How long after its time an attempt is presumed dead."""
    return BOUND_S


def lost(count: int, *, base: int = BASE, last: int = NOW, refused: bool = False) -> tuple[Remembered, ...]:
    """So many attempts that carried the same operation, a minute apart, the last one at the time given."""
    times = [last - 60 * (count - 1 - number) for number in range(count)]
    return tuple(
        Remembered(attempt(A, name=f"lost{number}", weight=600_000 + 2**number, base=base, time=time), refused)
        for number, time in enumerate(times)
    )


def waiting(count: int, *, base: int = BASE, last: int = NOW) -> Row:
    """A row whose operation was in so many lost calls."""
    return row(queue=(A,), remembered=lost(count, base=base, last=last))


@pytest.mark.parametrize(
    ("count", "bound_s", "seconds"),
    [(1, 11, 11), (2, 11, 22), (3, 11, 44), (4, 11, 60), (8, 11, 60), (1, 90, 90), (8, 90, 90), (2, 20, 40)],
)
def test_the_interval_doubles_up_to_a_minute_or_the_last_ones_bound(count: int, bound_s: float, seconds: int) -> None:
    """It counts from the last one's time; after one loss it is over when that is dead, however long it was signed."""
    last = f"lost{count - 1}"
    assert opens_at(waiting(count), lambda past: bound_s if past.id == last else BOUND_S) == NOW + seconds


def test_without_losses_nothing_waits() -> None:
    for calm in (row(queue=(A,)), waiting(8, base=BASE - 1), row(queue=(A,), remembered=lost(8, refused=True))):
        assert opens_at(calm, bound_of) == float("-inf")
        assert lost_in_a_row(calm) == ()


def test_an_attempt_opens_at_its_time_and_no_sooner() -> None:
    for owing in (waiting(3), row(remembered=lost(3), debt=(("like", 3),))):
        scene = Scene(owing)
        visit = scene.visit(100)
        assert open_next(visit, scene.row) == Again(44)
        scene.clock.advance(44)
        assert isinstance(open_next(visit, scene.row), Row)


def test_a_visit_that_does_not_last_so_long_ends_at_once() -> None:
    scene = Scene(waiting(3))
    assert open_next(scene.visit(44), scene.row) == Stop()
    began = scene.clock.moment
    assert scene.counters.apply(GROUP.id, [increase("b")], scene.budget(5)) == [Pending(2.0)]
    assert scene.clock.moment - began < 1
    assert [operation.id for operation in scene.row.queue] == ["a", increase("b").id]


def test_losses_in_a_row_open_at_growing_intervals_and_freeze_nothing() -> None:
    """An hour without effect: no more than eight are kept in mind, and the first call that lands has it all."""
    scene = Scene(row(queue=(A,)))
    scene.api.updates = [Unclear("code 10002", NOW)] * 64
    drive(scene.visit(3600), None)
    times = [call.signed_at for call in scene.api.calls]
    assert [later - earlier for earlier, later in pairwise(times)][:6] == pytest.approx([12, 22, 44, 60, 60, 60], abs=2)
    assert 55 < len(times) < 64
    assert (scene.row.frozen, len(scene.row.remembered)) == (None, REMEMBERED_MAX)
    scene.api.updates = []
    scene.clock.advance(INTERVAL_MAX_S)
    drive(scene.visit(), None)
    assert (scene.row.is_settled, scene.api.counters["like"]) == (True, 5)


def test_eight_in_a_row_are_an_operators_business() -> None:
    """Each loss is told with how many there were in a row; from the eighth on loudly."""
    for before in (6, 7, 8):
        scene = Scene(replace(waiting(before), queue=(), attempt=attempt(A)))
        scene.clock.advance(20)
        drive(scene.visit(1), None)
        in_a_row = min(before + 1, 8)
        whose = {"group": "G", "attempt": "attempt", "operation": "a", "operations": 1}
        assert scene.notices.of(Notice.ATTEMPT_EXPIRED) == [whose | {"in_a_row": in_a_row}]
        alarms = [whose | {"in_a_row": 8}] if in_a_row >= ALARMING else []
        assert scene.notices.of(Notice.CALLS_KEEP_FAILING) == alarms


def test_what_gives_way_is_told() -> None:
    """With its weight, its direction and all that it carried: nothing else keeps them."""
    oldest, *younger = lost(8, last=NOW - 60)
    oldest = replace(oldest, attempt=replace(oldest.attempt, mode=Mode.DECREASE, entries=(A,)), folded=(("share", 3),))
    whose = {"group": "G", "attempt": "lost0", "operation": "a", "operations": 1}
    expected = whose | {"weight": 600_001, "mode": "Decrease"}
    for reply in (Unclear("timeout"), Refused(10004, "no", Fault.OPERATION, NOW)):
        scene = Scene(row(attempt(A, entry("b")), remembered=(oldest, *younger)))
        scene.clock.advance(20)
        visit = scene.visit(1)
        visit.own = OwnCall("attempt", is_sent=True, reply=reply)
        drive(visit, None)
        [notice] = scene.notices.of(Notice.ATTEMPT_DROPPED)[:1]
        assert json.loads(str(notice.pop("payload"))) == {"share": 3, "like": 5}
        assert notice == expected
    scene = Scene(row(attempt(A), remembered=lost(7)))
    scene.clock.advance(20)
    drive(scene.visit(1), None)
    assert scene.notices.of(Notice.ATTEMPT_DROPPED) == []


def test_what_gives_way_to_a_refusal_of_unknown_blame_is_told() -> None:
    scene = Scene(row(attempt(A), remembered=lost(8)))
    visit = scene.visit(1)
    confirmed(visit, scene.row, attempt(A), Refused(10007, "no", Fault.OPERATION, NOW), blame=Blame.UNKNOWN)
    assert [notice["attempt"] for notice in scene.notices.of(Notice.ATTEMPT_DROPPED)] == ["lost0"]
    assert len(scene.row.remembered) == 8


def test_a_set_that_gives_way_is_told_by_its_last_values() -> None:
    past = Remembered(attempt(entry("a", Mode.SET, like=7)), folded=(("like", 3), ("gift", 1)))
    assert told(past)["payload"] == '{"like": 7, "gift": 1}'


@pytest.mark.parametrize("wait_s", [0, 60])
def test_a_payment_that_is_refused_for_good_ends_with_a_full_memory_too(wait_s: int) -> None:
    """The third refusal freezes the group, whether the three come at once or one with each sweep."""
    scene = Scene(row(remembered=lost(8, last=NOW - 100), debt=(("like", -5),)))
    scene.api.updates = [Refused(10004, "no", Fault.OPERATION, NOW)] * 20
    for _ in range(3):
        scene.clock.advance(wait_s)
        drive(Visit(scene.instance, GROUP, scene.budget(0.06 if wait_s else 60)), None)
        wait_s *= scene.row.frozen is None
    assert scene.row.frozen == "corrections are refused with code 10004"
    assert len(scene.api.calls) == 3
