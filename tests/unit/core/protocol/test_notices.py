"""What whoever watches is told of each event: of which group, and with what evidence."""

from collections import Counter
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.operation import Origin
from handler.core.model.outcome import Pending
from handler.core.model.row import Group, Remembered, Row
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.system import Measure, Notice, naming
from handler.core.protocol.drive import drive
from handler.core.runtime.instance import TimeBudget
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, ARREARS, GROUP, INVALID, RATE, RULES, Scene, increase

CREDENTIALS = Refused(70009, "wrong key", Fault.CREDENTIALS, NOW)
G = {"group": "G"}
A, B = increase("a").id, increase("b").id
AB = naming([A, B])
CALL = G | AB

Told: TypeAlias = list[tuple[Notice, dict[str, object]]]


def told(scene: Scene) -> Told:
    return list(zip(scene.notices.told, map(dict[str, object], scene.notices.evidence), strict=True))


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ([], [(Notice.APPLIED, G | AB)]),
        ([INVALID] * 3, [(Notice.REJECTED, G | naming([name]) | {"code": 10004}) for name in (A, B)]),
        ([RATE], [(Notice.RATE_LIMITED, CALL | {"code": 60007}), (Notice.APPLIED, G | AB)]),
        (
            [CREDENTIALS] * 2,
            [
                (Notice.SECRET_REFRESHED, G | {"code": 70009}),
                (Notice.APP_REFUSED, G | {"code": 70009}),
                (Notice.PENDING, G | AB | {"code": 70009, "reason": None}),
            ],
        ),
        (
            [ARREARS],
            [
                (Notice.APP_REFUSED, G | {"code": 60020}),
                (Notice.PENDING, G | AB | {"code": 60020, "reason": None}),
            ],
        ),
    ],
    ids=["applied", "refused for good", "refused for the rate", "a secret fetched anew", "a refused app"],
)
def test_what_becomes_of_a_call_is_told(updates: list[Reply], expected: Told) -> None:
    """With its operations, or with the vendor's code; a secret is fetched anew once in a visit."""
    scene = Scene(row())
    scene.api.updates = updates
    scene.api.reads = [ARREARS] if updates == [ARREARS] else []
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    for evidence in scene.notices.evidence:
        # The ids of attempts are drawn.
        evidence.pop("attempt", None)
    assert told(scene) == expected


def test_an_unknown_outcome_is_told_with_its_operations() -> None:
    scene = Scene(replace(row(receipt_key=""), base=0), replace(RULES, receipt_key=""))
    scene.api.updates = [Unclear("lost")]
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert scene.notices.told == [Notice.CALL_FAILED, Notice.UNKNOWN]
    [unknown] = scene.notices.of(Notice.UNKNOWN)
    assert (G | AB).items() <= unknown.items()


OPEN = attempt(entry("a"))
PAST = tuple(Remembered(attempt(name=name, weight=weight)) for name, weight in (("x", 600_001), ("y", 700_002)))
UNEXPLAINED = f"the receipt shows {BASE + 1}, {BASE} is known, and no attempt explains the difference"


@pytest.mark.parametrize(
    ("before", "like", "moved", "expected"),
    [
        (row(debt=(("like", 5),)), 5, 0, []),
        (row(OPEN, remembered=PAST), 5, 600_000, [(Notice.APPLIED, G | naming(["a"]))]),
        (
            row(OPEN),
            10,
            1_200_000,
            [
                (Notice.APPLIED, G | naming(["a"])),
                (Notice.LATE_LANDING, G | naming(["a"]) | {"landed": "attempt x 2"}),
            ],
        ),
        (row(OPEN), 5, 1, [(Notice.GROUP_FROZEN, G | naming(["a"]) | {"reason": UNEXPLAINED})]),
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
    assert scene.notices.of(Notice.LATE_LANDING) == [G | naming(["a"]) | {"landed": "past x 1"}]
    assert scene.notices.of(Notice.APPLIED) == [G | naming(["a"])]


def test_a_refusal_that_was_a_lie_is_told_with_its_code() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.lies = [RATE], 1
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    [told] = scene.notices.of(Notice.REFUSAL_DISPROVED)
    assert (G | naming([A]) | {"code": 60007}).items() <= told.items()


def test_a_ledger_that_fails_after_the_acceptance_leaves_the_operation_pending() -> None:
    scene = Scene(row(queue=(entry("old"),)))
    scene.counters.accept(GROUP.id, [increase("a")])

    def fail() -> None:
        raise LedgerUnavailable("out of reach")

    scene.ledger.before_swap = [fail]
    scene.ledger.append = lambda *_: None  # type: ignore[method-assign]  # the slow path, which swaps
    assert isinstance(scene.outcome(increase("a"), 5), Pending)
    assert told(scene) == [
        (Notice.UNFINISHED, G | naming([A]) | {"groups": 1, "reason": "out of reach"}),
        (Notice.PENDING, G | naming([A]) | {"code": None, "reason": None}),
    ]


def test_answers_that_cannot_be_read_leave_the_operation_pending() -> None:
    scene = Scene(row())
    scene.ledger.out_of_reach = {"records"}
    now = scene.clock.moment
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], TimeBudget(until=now + 5, deadline=now + 5))
    assert outcome == Pending(2.0)
    assert scene.notices.of(Notice.UNFINISHED) == [G | naming([A]) | {"groups": 1, "reason": "out of reach"}]


def test_a_sweep_tells_which_group_it_cannot_reach() -> None:
    scene = Scene()
    scene.store(row(queue=(entry("a"),)), Group(APP, "Z"))
    scene.ledger.out_of_reach = {"Z"}
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.of(Notice.UNFINISHED) == [{"group": "Z", "reason": "out of reach"}, {"groups": 1}]


def test_what_many_wait_for_is_one_line_that_counts_for_all() -> None:
    """It names the first twenty."""
    scene = Scene(row())
    scene.api.updates = scene.api.reads = [ARREARS]
    operations = [increase(f"{number:03}") for number in range(150)]
    scene.counters.apply(GROUP.id, operations, scene.budget(5))
    [evidence] = scene.notices.of(Notice.PENDING)
    assert (scene.notices.counted[Notice.PENDING], evidence["operations"]) == (150, 150)
    assert str(evidence["operation"]).split() == [operation.id for operation in operations[:20]]


def test_what_a_visit_waits_for_is_counted_here_and_reported_by_its_trigger() -> None:
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert (scene.notices.quiet, scene.notices.counted) == ([Notice.APPLIED], {Notice.APPLIED: 2})


def test_what_is_applied_for_others_has_a_line_of_its_own() -> None:
    """Its caller was answered before; a source has no answer, and may have very many records."""
    origin = Origin(source="queue", place="r", caller="queue", key="r")
    for queue, quiet in (((entry("a"),), []), ((replace(entry("a"), origin=origin),), [Notice.APPLIED])):
        scene = Scene(row(queue=queue))
        scene.counters.sweep(scene.clock.moment + 60)
        assert (scene.notices.of(Notice.APPLIED), scene.notices.quiet) == ([G | naming(["a"])], quiet)


def test_every_call_that_left_is_measured_and_no_other() -> None:
    """The samples of updates are the calls used of the rate."""
    scene = Scene(row())
    scene.api.updates = [Unsent("no connection"), Unclear("lost")]
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(30))
    taken = Counter(measure for measure, _ in scene.notices.measured)
    assert taken[Measure.UPDATE_LATENCY_S] == len(scene.api.calls) - 1 > 0
    assert taken[Measure.READ_LATENCY_S] > 0
