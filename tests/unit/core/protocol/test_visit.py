"""One worker's visit to one group: what it may begin, how it waits, what it sends, and how refusals set it back."""

import dataclasses
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost
from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Fault, Refused
from handler.core.ports.system import Notice
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.visit import CONTENTION_S, PASSING_MAX, RATE_BACK_OFF_S, Again, Stop, Visit
from handler.core.runtime.instance import WAIT_MIN_S, TimeBudget
from handler.core.runtime.rate_limiter import KEPT_S, LEASING_S, UNASKED_PER_SECOND
from handler.core.state.transitions import Change
from tests.unit.core.protocol.test_backoff import Even
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import APP, GROUP, RATE, Scene, first, increase

DONE = Record("v1:a", Applied((("like", 5),)), NOW, 3600.0)
SIGNATURE = Refused(70001, "expired", Fault.SIGNATURE, NOW)


def visit(scene: Scene, *wanted: str, budget: TimeBudget | None = None) -> Visit:
    instance = replace(scene.instance, chance=Even(1))
    return Visit(instance, GROUP, budget or scene.budget(30), frozenset(wanted))


@pytest.mark.parametrize(
    ("until", "deadline", "may"),
    [(1, 6.5, True), (1, 6.4, False), (0.1, 60, True), (0, 60, False)],
    ids=["it just ends", "the invocation ends first", "somebody waits", "nobody waits"],
)
def test_a_call_begins_only_for_somebody_and_only_if_it_can_end(until: float, deadline: float, *, may: bool) -> None:
    """To the moment: 4 s, two ledger timeouts and half a second (R3)."""
    scene = Scene()
    now = scene.clock.moment
    assert visit(scene, budget=TimeBudget(now + until, now + deadline)).may_call() == may


@pytest.mark.parametrize(
    ("budget", "seconds", "made", "slept"),
    [
        pytest.param(TimeBudget(102.0, 160.0), 30, True, [2.0], id="no longer than patience"),
        pytest.param(TimeBudget(160.0, 102.0), 30, True, [2.0], id="no longer than the invocation"),
        pytest.param(TimeBudget(200.0, 200.0, wait_max_s=0.5), 0.6, False, [], id="too long to be made"),
        pytest.param(TimeBudget(200.0, 200.0, wait_max_s=0.5), 0.5, True, [0.5], id="just not too long"),
        pytest.param(TimeBudget(160.0, 160.0), 1e-9, True, [WAIT_MIN_S], id="long enough for a clock to move"),
        pytest.param(TimeBudget(160.0, 160.0), 0, True, [], id="nothing to wait for"),
        pytest.param(TimeBudget(100.0, 100.0), 1, True, [], id="patience has ended"),
    ],
)
def test_how_long_a_pause_lasts(budget: TimeBudget, seconds: float, slept: list[float], *, made: bool) -> None:
    scene = Scene()
    assert (visit(scene, budget=budget).wait(seconds), scene.clock.slept) == (made, slept)


def test_how_long_looks_take_is_learned() -> None:
    scene = Scene(row())
    waiting = visit(scene, "a")
    before_s = waiting.instance.look_time.usual_s
    first(scene.ledger, "look", lambda: scene.clock.advance(0.1))
    waiting.look()
    assert waiting.instance.look_time.usual_s == pytest.approx(before_s + (0.1 - before_s) / 8)


def test_a_moment_to_ask_again_is_no_turn() -> None:
    """There was no place in the schedule, so the next question takes one."""
    scene = Scene()
    waiting = visit(scene)
    waiting.instance.updates._blocked_until = scene.clock.moment + 2  # noqa: SLF001  # as after a full schedule
    for _ in range(int(UNASKED_PER_SECOND)):
        waiting.instance.updates.turn(APP)
    assert waiting.turns.wait_s() == pytest.approx(2)
    assert waiting.turns.taken is None


def test_visits_to_one_group_hold_one_turn_together() -> None:
    """The call of the one that holds it serves the others as well."""
    scene = Scene()
    calling = visit(scene)
    other = Visit(calling.instance, GROUP, scene.budget(30))
    elsewhere = Visit(calling.instance, Group(APP, "elsewhere"), scene.budget(30))
    assert (calling.turns.wait_s(), elsewhere.turns.wait_s()) == (0, 0)
    assert (other.turns.wait_s(), other.turns.taken) == (LEASING_S, None)
    calling.turns.use()
    assert other.turns.wait_s() == 0
    other.turns.give_back()
    assert calling.turns.wait_s() == 0
    scene.clock.advance(KEPT_S + 1)
    assert other.turns.wait_s() == 0


def test_a_change_that_somebody_else_made_first_is_read_after_a_moment() -> None:
    scene = Scene(row())
    scene.ledger.before_swap = [scene.grow]
    assert visit(scene).put(row().changed()) == Again(CONTENTION_S)

    def lose() -> None:
        raise AnswerLost("lost")

    scene.ledger.before_swap = [lose]
    assert visit(scene).put(scene.row.changed()) == Again(0.0)


@pytest.mark.parametrize(("mode", "receipt"), [(Mode.INCREASE, 600_000), (Mode.SET, BASE + 600_000)])
def test_a_call_carries_the_receipt_and_the_signature_of_its_row(mode: Mode, receipt: int) -> None:
    """The time and life that were written down, whatever the clock says by now (R3)."""
    scene = Scene(row())
    scene.clock.advance(100)
    sending = dataclasses.replace(visit(scene), own=OwnCall("attempt"))
    sending.send(row(), replace(attempt(entry("a", mode)), life_s=9))
    assert scene.api.calls == [
        Call(group=GROUP, mode=mode, values={"like": 5, "_receipt": receipt}, signed_at=NOW, life_s=9)
    ]
    assert sending.own == OwnCall("attempt", is_sent=True)


def test_a_date_that_is_no_evidence_counts_as_missing() -> None:
    scene = Scene(row())
    scene.api.ahead_s = 60
    reading = visit(scene)
    assert (reading.calls.read(()).date, reading.calls.is_dated) == (None, False)
    scene.api.ahead_s = 0
    assert (reading.calls.read(()).date, reading.calls.is_dated) == (NOW, True)


@pytest.mark.parametrize(
    ("fails", "waits_s"),
    [
        (lambda visit: visit.setback(RATE), RATE_BACK_OFF_S),
        (lambda visit: visit.setback(SIGNATURE), 0.0),
        (lambda visit: visit.failed_to_send(), RATE_BACK_OFF_S),
    ],
    ids=["the rate is used up", "the signature is refused", "no connection can be made"],
)
def test_what_fails_in_passing_is_tried_again_twice(fails: Callable[[Visit], Again | Stop], waits_s: float) -> None:
    """Each time after longer; then whoever comes next goes on (R6)."""
    calling = visit(Scene())
    follows = [fails(calling) for _ in range(PASSING_MAX + 1)]
    assert follows == [Again(waits_s), Again(2 * waits_s), Stop()]


@pytest.mark.parametrize(("refusal", "share"), [(RATE, 0.7), (SIGNATURE, 1.0)])
def test_a_refusal_for_the_rate_slows_what_was_refused(refusal: Refused, share: float) -> None:
    """Updates or reads, each by themselves: the vendor counts each command by itself. Other refusals slow nothing."""
    scene = Scene(row(queue=(entry("a"),)))
    reading = visit(scene)
    scene.api.reads = [refusal]
    assert reading.calls.read(()) == refusal
    assert shares_of(scene) == [1.0, share]
    scene.api.updates = [refusal]
    reading.send(scene.row, attempt(entry("a")))
    assert shares_of(scene) == [share, share]
    assert len(scene.notices.of(Notice.RATE_LIMITED)) == (2 if refusal is RATE else 0)


def shares_of(scene: Scene) -> list[float]:
    """How slow the instance is with updates, and with reads."""
    return [pace._share._share for pace in (scene.instance.updates, scene.instance.reads)]  # noqa: SLF001  # shows in no answer yet


def test_an_operation_that_is_applied_takes_two_writes() -> None:
    for key in ("like", "share"):
        scene = Scene(replace(row(), keys=(("like", NOW),)))
        scene.counters.apply(GROUP.id, [increase("a", **{key: 1})], scene.budget(5))
        assert scene.row.version == row().version + 2


def test_what_was_written_with_a_row_is_read_before_it_is_told() -> None:
    scene = Scene(row())
    writing = visit(scene, "a")
    assert writing.put(Change(row().changed(), {"a": DONE})) == row().changed()
    assert writing.answers == {}
    assert scene.ledger.find(GROUP, ["a"]) == {"a": replace(DONE, window_s=scene.instance.rules.window_s)}
