"""What comes before a call: the conditions under which a worker opens an attempt (R2)."""

import pytest
from msgspec.structs import replace

from handler.core.model.lift import DECREASE_FROM
from handler.core.model.operation import INT64_MAX, Mode
from handler.core.model.outcome import Applied
from handler.core.model.row import Entry, Remembered, Row
from handler.core.ports.counter_api import Fault, Refused
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.drive import TAKE_BACK_MAX, drive, open_next, send
from handler.core.protocol.visit import Again, Visit
from handler.core.runtime.instance import TimeBudget
from handler.core.runtime.rate_limiter import KEPT_S, Turn
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, Scene, increase


def test_a_refused_attempt_is_not_forgotten_unread() -> None:
    """Its code lied and it landed: it is dead now, but nobody has seen a receipt without it (R6, R11)."""
    lied = Remembered(attempt(entry("old"), name="past", weight=700_001), refused=True)
    scene = Scene(row(remembered=(lied,)))
    scene.api.counters = {"like": 5, "_receipt": BASE + 700_001}
    scene.clock.advance(60)
    scene.instance.api_clock.learn(NOW + 60)
    assert isinstance(scene.outcome(increase("a"), 30), Applied)
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.frozen is None
    assert scene.api.counters["like"] == 5


def test_a_turn_that_has_passed_is_not_used() -> None:
    """A call so late would come on top of those whose turn it is by then."""
    scene = Scene()
    visit = scene.visit(30)
    assert visit.turns.wait_s() == 0
    missed = visit.turns.taken
    scene.clock.advance(1)
    assert visit.turns.wait_s() == 0
    assert missed != visit.turns.taken
    assert visit.turns.taken == Turn(scene.clock.moment, scene.clock.moment + KEPT_S)


def test_the_operation_at_the_head_is_left_to_its_own_caller() -> None:
    """Once: of many who wait for one queue all but one would open it in vain, and that one may be gone."""
    scene = Scene(row(queue=(entry("head"), entry("mine"))))
    visit = scene.visit(30, "mine")
    assert isinstance(open_next(visit, scene.row), Again)
    assert isinstance(open_next(visit, scene.row), Row)


def test_whoever_waits_for_the_operation_at_the_head_opens_at_once() -> None:
    for wanted in ({"head"}, {"mine", "head"}, set[str]()):
        scene = Scene(row(queue=(entry("head"), entry("mine"))))
        visit = Visit(scene.instance, GROUP, scene.budget(30), frozenset(wanted))
        assert isinstance(open_next(visit, scene.row), Row)


def driven(scene: Scene, *wanted: str, seconds: float = 30) -> Visit:
    """A visit that has gone on until it was over."""
    visit = Visit(scene.instance, GROUP, scene.budget(seconds), frozenset(wanted))
    drive(visit, None)
    return visit


def test_an_attempt_that_there_is_no_time_to_send_is_taken_back() -> None:
    """By its own worker alone, for nobody else knows that it was not sent (R3)."""
    for unsent, attempt_id in (("attempt", None), ("another", "attempt"), (None, "attempt")):
        scene = Scene(row(attempt(entry("a")), (entry("b"),)))
        visit = Visit(scene.instance, GROUP, scene.budget(0), own=OwnCall(unsent) if unsent else None)
        drive(visit, scene.row)
        assert (scene.row.attempt and scene.row.attempt.id) == attempt_id
        assert [owed.id for owed in scene.row.owed] == ["a", "b"]


def test_an_attempt_is_not_taken_back_for_ever() -> None:
    """Five changes of others may come first; then its group waits for its death."""
    for changes, stays in ((TAKE_BACK_MAX - 1, False), (TAKE_BACK_MAX, True)):
        scene = Scene(row(attempt(entry("a"))))
        scene.ledger.before_swap = [scene.grow] * changes
        visit = Visit(scene.instance, GROUP, scene.budget(0), own=OwnCall("attempt"))
        drive(visit, scene.row)
        assert (scene.row.attempt is not None) == stays
        assert scene.ledger.swaps == TAKE_BACK_MAX


def test_a_wait_that_is_not_worth_it_ends_the_visit() -> None:
    scene = Scene(row(attempt(entry("a"))))
    now = scene.clock.moment
    drive(Visit(scene.instance, GROUP, TimeBudget(now + 30, now + 30, wait_max_s=0.0)), None)
    assert (scene.clock.slept, scene.api.asked) == ([], [])


def test_a_debt_is_paid_before_the_queue() -> None:
    """In the opposite Mode, and by a call that carries nothing else (R2)."""
    scene = Scene(replace(row(queue=(entry("a"),), debt=(("like", 3),)), base=DECREASE_FROM))
    scene.api.counters = {"like": 3, "_receipt": DECREASE_FROM}
    driven(scene)
    assert [(call.mode, call.values["like"]) for call in scene.api.calls] == [(Mode.DECREASE, 3), (Mode.INCREASE, 5)]
    assert [len(call.values) for call in scene.api.calls] == [2, 2]


def test_a_turn_is_used_by_what_was_opened_alone() -> None:
    for changes, used in (([], True), ([None], False)):
        scene = Scene(row(queue=(entry("a"),)))
        scene.ledger.before_swap = [scene.grow for _ in changes]
        visit = scene.visit(30)
        open_next(visit, scene.row)
        assert (visit.turns.taken is None) == used


TEN, MORE = (tuple((f"{letter}{number}", 1) for number in range(10)) for letter in "ab")


@pytest.mark.parametrize(
    ("queue", "known", "waits"),
    [
        ((entry("a"), entry("b"), entry("c", Mode.DECREASE)), {}, ["c"]),
        ((replace(entry("a"), counters=TEN), replace(entry("b"), counters=MORE)), {}, ["b"]),
        ((entry("a"), entry("b")), {"like": INT64_MAX - 7}, ["b"]),
    ],
    ids=["another Mode", "no room for the receipt", "a sum that would leave 64 bits"],
)
def test_what_does_not_go_into_the_call_stays_in_the_queue(
    queue: tuple[Entry, ...], known: dict[str, int], waits: list[str]
) -> None:
    """A sum is reckoned with the values that were seen last (R2)."""
    scene = Scene(row(queue=queue))
    scene.instance.values_cache.learn(GROUP, known)
    opened = open_next(scene.visit(30), scene.row)
    assert isinstance(opened, Row)
    assert opened.attempt is not None
    assert (opened.attempt.entries, [waiting.id for waiting in opened.queue]) == (queue[:-1], waits)


def test_a_call_that_succeeds_opens_the_gate_and_is_remembered() -> None:
    scene = Scene(row())
    scene.instance.breaker.trip(Refused(60020, "arrears", Fault.APP, NOW))
    visit = Visit(scene.instance, GROUP, scene.budget(30), own=OwnCall("attempt"))
    scene.store(row(attempt(entry("a"))))
    send(visit, scene.row, attempt(entry("a")))
    assert scene.instance.breaker.refusal() is None
    assert scene.instance.values_cache.of(GROUP) == {"like": 5, "_receipt": BASE + 600_000}
    assert (scene.row.attempt, scene.row.base) == (None, BASE + 600_000)
    assert scene.ledger.find(GROUP, ["a"])["a"].answer == Applied((("like", 5),))


def test_a_reply_that_settles_forgets_what_was_refused_before() -> None:
    """Its question was sent after the death of that (R11)."""
    past = Remembered(attempt(name="past", weight=700_001), refused=True)
    for known_s, kept in ((12, 0), (11, 1)):
        opened = attempt(entry("a"), time=NOW + 20)
        scene = Scene(row(opened, remembered=(past,)))
        scene.hear(known_s)
        visit = Visit(scene.instance, GROUP, scene.budget(30), own=OwnCall("attempt"))
        send(visit, scene.row, opened)
        assert (len(scene.row.remembered), scene.row.attempt) == (kept, None)
