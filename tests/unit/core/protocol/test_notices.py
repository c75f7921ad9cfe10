"""What whoever watches is told of each event: of which group, and with what evidence."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.operation import Mode
from handler.core.model.outcome import Pending, Rejected
from handler.core.model.row import Group, Remembered
from handler.core.ports.counter_api import Call, Fault, Refused, Reply, Unclear
from handler.core.ports.system import Notice
from handler.core.protocol.drive import drive
from handler.core.protocol.first_use import TOO_MANY_KEYS
from handler.core.protocol.visit import Visit
from handler.core.recovery import release
from handler.core.recovery.verdicts import Decision, OperatorVerdict
from handler.core.runtime.instance import TimeBudget
from handler.core.state.transitions import frozen
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, GROUP, RULES, Scene, increase

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, NOW)
RATE = Refused(60007, "too many calls", Fault.RATE, NOW)
ARREARS = Refused(60020, "arrears", Fault.APP, NOW)
CREDENTIALS = Refused(70009, "wrong key", Fault.CREDENTIALS, NOW)


def visit(scene: Scene, seconds: float = 20) -> Visit:
    """A visit that goes on until the group is settled."""
    return Visit(scene.instance, GROUP, scene.budget(seconds))


def test_an_applied_call_is_told_with_its_operations() -> None:
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert scene.notices.told == [Notice.APPLIED]
    assert scene.notices.of(Notice.APPLIED) == [{"group": "G", "operations": 2}]


def test_a_call_that_settles_nobodys_operation_is_not_told_as_applied() -> None:
    scene = Scene(row(debt=(("like", 5),)))
    scene.api.counters = {"like": 5, "_receipt": BASE}
    drive(visit(scene), None)
    assert scene.row.debt == ()
    assert scene.notices.told == []


def test_an_attempt_that_did_not_land_is_told_by_its_id() -> None:
    scene = Scene(row(attempt(entry("a"))))
    scene.clock.advance(20)
    drive(visit(scene), None)
    assert scene.notices.of(Notice.ATTEMPT_EXPIRED) == [{"group": "G", "attempt": "attempt", "in_a_row": 1}]


def test_a_late_landing_is_told_with_what_landed() -> None:
    past = Remembered(attempt(entry("a"), name="past", weight=700_001))
    scene = Scene(row(queue=(entry("a"),), remembered=(past,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 700_001}
    scene.ledger.stored = replace(scene.ledger.stored, number=2)
    drive(visit(scene), None)
    scene.clock.advance(400)
    for _ in range(3):
        drive(visit(scene), None)
    assert scene.notices.of(Notice.LATE_LANDING) == [{"group": "G", "landed": "past x 1"}]
    assert scene.notices.of(Notice.APPLIED) == [{"group": "G", "operations": 1}]


def test_two_landings_at_once_are_both_told() -> None:
    past = tuple(Remembered(attempt(name=name, weight=weight)) for name, weight in (("x", 600_001), ("y", 700_002)))
    scene = Scene(row(remembered=past))
    scene.api.counters = {"_receipt": BASE + 1_300_003}
    scene.clock.advance(20)
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.of(Notice.LATE_LANDING) == [{"group": "G", "landed": "x x 1, y x 1"}]


def test_a_call_that_landed_twice_is_told_as_a_late_landing() -> None:
    """Something on the way has repeated it."""
    scene = Scene(row(attempt(entry("a"))))
    scene.api.counters = {"like": 10, "_receipt": BASE + 1_200_000}
    scene.clock.advance(6)
    drive(visit(scene, seconds=0.5), None)
    assert scene.notices.of(Notice.LATE_LANDING) == [{"group": "G", "landed": "attempt x 2"}]


def test_a_landing_of_the_open_attempt_alone_is_not_late() -> None:
    past = Remembered(attempt(name="past", weight=700_001))
    scene = Scene(row(attempt(entry("a")), remembered=(past,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 600_000}
    scene.clock.advance(6)
    drive(visit(scene, seconds=0.5), None)
    assert scene.notices.told == [Notice.APPLIED]


def test_a_refusal_for_good_is_told_with_its_code() -> None:
    scene = Scene(row())
    scene.api.updates = [INVALID]
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.told == [Notice.REJECTED]
    assert scene.notices.of(Notice.REJECTED) == [{"group": "G", "code": 10004}]


def test_a_refusal_that_was_a_lie_is_told_with_its_code() -> None:
    """The receipt shows that the call had been carried out."""
    scene = Scene(row())
    scene.api.updates = [RATE]
    send = scene.api.update

    def lie(call: Call) -> Reply:
        scene.api.land(call.mode, call.values)
        return send(call)

    scene.api.update = lie  # type: ignore[method-assign]  # the API of this test lies
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.of(Notice.REFUSAL_DISPROVED) == [{"group": "G", "code": 60007}]


def test_a_group_without_room_is_told_as_rejected() -> None:
    scene = Scene(row(queue=(entry("a"),), receipt_key="_other"))
    scene.api.counters = {f"k{number}": 0 for number in range(20)}
    drive(visit(scene), None)
    assert scene.notices.of(Notice.REJECTED) == [{"group": "G", "code": TOO_MANY_KEYS}]
    answer = scene.ledger.find(GROUP, ["a"])["a"].answer
    assert answer == Rejected(10063, "the group has 20 counters already, and the receipt needs one of them")


def test_an_adopted_history_is_told_with_its_value() -> None:
    scene = Scene(replace(row(queue=(entry("a"),)), base=None))
    drive(visit(scene, seconds=60), None)
    assert scene.notices.of(Notice.HISTORY_ADOPTED) == [{"group": "G", "base": BASE}]


def test_a_group_that_freezes_is_told_with_the_reason() -> None:
    """What the receipt shows and what was known."""
    scene = Scene(row(attempt(entry("a"))))
    scene.api.counters = {"_receipt": BASE + 1}
    scene.clock.advance(6)
    drive(visit(scene), None)
    reason = f"the receipt shows {BASE + 1}, {BASE} is known, and no attempt explains the difference"
    assert scene.row.frozen == reason
    assert scene.notices.of(Notice.GROUP_FROZEN) == [{"group": "G", "reason": reason}]


def test_a_released_group_is_told_with_its_base() -> None:
    scene = Scene(replace(frozen(row(attempt(entry("a"))), "why"), first_seen_at=NOW - 100))
    scene.clock.advance(20)
    scene.api.counters["_receipt"] = 7
    release.release(visit(scene), Decision({"a": OperatorVerdict.LANDED}))
    assert scene.notices.of(Notice.GROUP_RELEASED) == [{"group": "G", "base": 7, "operations": 1}]


def test_a_secret_fetched_anew_is_told_with_the_code() -> None:
    """Once in a visit; if that does not help the app is refused."""
    scene = Scene(row())
    scene.api.updates = [CREDENTIALS] * 2
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.of(Notice.SECRET_REFRESHED) == [{"code": 70009}]
    assert scene.notices.of(Notice.APP_REFUSED) == [{"code": 70009}]


def test_a_refused_app_is_told_with_the_code() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [ARREARS], [ARREARS]
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.of(Notice.APP_REFUSED) == [{"code": 60020}]
    assert scene.notices.of(Notice.PENDING) == [{"group": "G"}]


def test_a_refusal_for_the_rate_is_told_with_the_code() -> None:
    scene = Scene(row())
    scene.api.updates = [RATE]
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.of(Notice.RATE_LIMITED) == [{"code": 60007}]


def test_an_unknown_outcome_is_told_with_its_operations() -> None:
    scene = Scene(replace(row(receipt_key=""), base=0), replace(RULES, receipt_key=""))
    scene.api.updates = [Unclear("lost")]
    scene.counters.apply(GROUP.id, [increase("a"), increase("b")], scene.budget(5))
    assert scene.notices.told == [Notice.CALL_FAILED, Notice.UNKNOWN]
    assert scene.notices.of(Notice.UNKNOWN) == [{"group": "G", "operations": 2}]


def test_a_stored_answer_is_told_as_replayed() -> None:
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert scene.notices.told == [Notice.APPLIED, Notice.REPLAYED]
    assert scene.notices.of(Notice.REPLAYED) == [{"group": "G"}]


def test_a_ledger_that_fails_after_the_acceptance_leaves_the_operation_pending() -> None:
    """The caller is told so, and whoever watches why."""
    scene = Scene(row(queue=(entry("old"),)))
    scene.counters.accept(GROUP.id, [increase("a")])

    def fail() -> None:
        raise LedgerUnavailable("out of reach")

    scene.ledger.before_swap = [fail]
    scene.ledger.append = lambda *_: None  # type: ignore[method-assign]  # the slow path, which swaps
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert isinstance(outcome, Pending)
    assert scene.notices.of(Notice.UNFINISHED) == [{"groups": 1, "reason": "out of reach"}]
    assert scene.notices.of(Notice.PENDING) == [{"group": "G"}]


def test_answers_that_cannot_be_read_leave_the_operation_pending() -> None:
    scene = Scene(row())
    scene.ledger.out_of_reach = {"records"}
    now = scene.clock.moment
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], TimeBudget(until=now + 5, deadline=now + 5))
    assert outcome == Pending(2.0)
    assert scene.notices.of(Notice.UNFINISHED) == [{"groups": 1, "reason": "out of reach"}]


def test_a_group_that_a_sweep_cannot_reach_is_told_by_its_id() -> None:
    scene = Scene()
    scene.store(row(queue=(entry("a"),)), Group(APP, "Z"))
    scene.ledger.out_of_reach = {"Z"}
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.of(Notice.UNFINISHED) == [{"group": "Z", "reason": "out of reach"}, {"groups": 1}]


def test_a_sweep_that_has_finished_tells_nothing_of_itself() -> None:
    scene = Scene(row(queue=(entry("a", Mode.SET),)))
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.told == [Notice.APPLIED]
