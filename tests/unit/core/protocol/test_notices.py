"""What whoever watches is told of each event: of which group, and with what evidence."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.outcome import Pending
from handler.core.model.row import Group, Remembered, Row
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear
from handler.core.ports.system import Notice
from handler.core.protocol.drive import drive
from handler.core.runtime.instance import TimeBudget
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, ARREARS, GROUP, INVALID, RATE, RULES, Scene, increase

CREDENTIALS = Refused(70009, "wrong key", Fault.CREDENTIALS, NOW)
G = {"group": "G"}

Told: TypeAlias = list[tuple[Notice, dict[str, object]]]


def told(scene: Scene) -> Told:
    return list(zip(scene.notices.told, map(dict[str, object], scene.notices.evidence), strict=True))


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ([], [(Notice.APPLIED, G | {"operations": 2})]),
        ([INVALID] * 3, [(Notice.REJECTED, G | {"code": 10004})] * 2),
        ([RATE], [(Notice.RATE_LIMITED, {"code": 60007}), (Notice.APPLIED, G | {"operations": 2})]),
        (
            [CREDENTIALS] * 2,
            [
                (Notice.SECRET_REFRESHED, {"code": 70009}),
                (Notice.APP_REFUSED, {"code": 70009}),
                *[(Notice.PENDING, G)] * 2,
            ],
        ),
        ([ARREARS], [(Notice.APP_REFUSED, {"code": 60020}), *[(Notice.PENDING, G)] * 2]),
    ],
    ids=["applied", "refused for good", "refused for the rate", "a secret fetched anew", "a refused app"],
)
def test_what_becomes_of_a_call_is_told(updates: list[Reply], expected: Told) -> None:
    """With its operations, or with the vendor's code; a secret is fetched anew once in a visit."""
    scene = Scene(row())
    scene.api.updates = updates
    scene.api.reads = [ARREARS] if updates == [ARREARS] else []
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert told(scene) == expected


def test_an_unknown_outcome_is_told_with_its_operations() -> None:
    scene = Scene(replace(row(receipt_key=""), base=0), replace(RULES, receipt_key=""))
    scene.api.updates = [Unclear("lost")]
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert scene.notices.told == [Notice.CALL_FAILED, Notice.UNKNOWN]
    assert scene.notices.of(Notice.UNKNOWN) == [G | {"operations": 2}]


OPEN = attempt(entry("a"))
PAST = tuple(Remembered(attempt(name=name, weight=weight)) for name, weight in (("x", 600_001), ("y", 700_002)))
UNEXPLAINED = f"the receipt shows {BASE + 1}, {BASE} is known, and no attempt explains the difference"


@pytest.mark.parametrize(
    ("before", "like", "moved", "expected"),
    [
        (row(debt=(("like", 5),)), 5, 0, []),
        (row(OPEN, remembered=PAST), 5, 600_000, [(Notice.APPLIED, G | {"operations": 1})]),
        (
            row(OPEN),
            10,
            1_200_000,
            [(Notice.APPLIED, G | {"operations": 1}), (Notice.LATE_LANDING, G | {"landed": "attempt x 2"})],
        ),
        (row(OPEN), 5, 1, [(Notice.GROUP_FROZEN, G | {"reason": UNEXPLAINED})]),
    ],
    ids=["a payment", "a landing of the open attempt", "a landing twice", "what nothing explains"],
)
def test_what_a_visit_finds_is_told(before: Row, like: int, moved: int, expected: Told) -> None:
    """A call that settles nobody's operation is not, and a landing of the open attempt alone is not late."""
    scene = Scene(before)
    scene.api.counters = {"like": like, "_receipt": BASE + moved}
    scene.clock.advance(6)
    drive(scene.visit(0.5), None)
    assert (told(scene), scene.row.debt) == (expected, ())


def test_a_late_landing_in_a_copy_is_told_with_what_landed() -> None:
    past = Remembered(attempt(entry("a"), name="past", weight=700_001))
    scene = Scene(row(queue=(entry("a"),), remembered=(past,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 700_001}
    scene.ledger.stored = replace(scene.ledger.stored, number=2)
    drive(scene.visit(20), None)
    scene.clock.advance(400)
    for _ in range(3):
        drive(scene.visit(20), None)
    assert scene.notices.of(Notice.LATE_LANDING) == [G | {"landed": "past x 1"}]
    assert scene.notices.of(Notice.APPLIED) == [G | {"operations": 1}]


def test_a_refusal_that_was_a_lie_is_told_with_its_code() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.lies = [RATE], 1
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.of(Notice.REFUSAL_DISPROVED) == [G | {"code": 60007}]


def test_a_ledger_that_fails_after_the_acceptance_leaves_the_operation_pending() -> None:
    scene = Scene(row(queue=(entry("old"),)))
    scene.counters.accept(GROUP.id, [increase("a")])

    def fail() -> None:
        raise LedgerUnavailable("out of reach")

    scene.ledger.before_swap = [fail]
    scene.ledger.append = lambda *_: None  # type: ignore[method-assign]  # the slow path, which swaps
    assert isinstance(scene.outcome(increase("a"), 5), Pending)
    assert told(scene) == [(Notice.UNFINISHED, {"groups": 1, "reason": "out of reach"}), (Notice.PENDING, G)]


def test_answers_that_cannot_be_read_leave_the_operation_pending() -> None:
    scene = Scene(row())
    scene.ledger.out_of_reach = {"records"}
    now = scene.clock.moment
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], TimeBudget(until=now + 5, deadline=now + 5))
    assert outcome == Pending(2.0)
    assert scene.notices.of(Notice.UNFINISHED) == [{"groups": 1, "reason": "out of reach"}]


def test_a_sweep_tells_which_group_it_cannot_reach() -> None:
    scene = Scene()
    scene.store(row(queue=(entry("a"),)), Group(APP, "Z"))
    scene.ledger.out_of_reach = {"Z"}
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.of(Notice.UNFINISHED) == [{"group": "Z", "reason": "out of reach"}, {"groups": 1}]
