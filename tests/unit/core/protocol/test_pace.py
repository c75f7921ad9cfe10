"""The pace of a group: calls of a busy one are no closer than the interval, and an idle one waits for nothing (R16)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from handler.core.model.codec import encode_row
from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Pending
from handler.core.model.row import Row
from handler.core.operator.overview import Standing, State, why
from handler.core.ports.counter_api import Unsent
from handler.core.protocol.drive import open_next
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.visit import Again, Stop
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import APP, CALL_S, GROUP, INVALID, RULES, Scene, first, increase

INTERVAL_S = 3.0
PACED = replace(RULES, group_interval_s=INTERVAL_S)
NOW_MS = NOW * 1000

# What waits for its call, a debt, and what the vendor has refused together with others.
QUEUE = (entry("a"), entry("b"))


class PacedScene(Scene):
    """A scene whose calls keep a pace, and that notes when each was sent."""

    def __init__(self, stored: Row | None = None) -> None:
        super().__init__(stored, PACED)
        self.sent: list[float] = []
        first(self.api, "update", lambda: self.sent.append(self.clock.moment))


def called(seconds_ago: float, stored: Row) -> Row:
    return replace(stored, called_ms=NOW_MS - round(seconds_ago * 1000))


def test_calls_of_a_busy_group_are_no_closer_than_the_interval() -> None:
    """Whichever instance makes them: the row has the time of the last one."""
    scene = PacedScene(row())
    other = scene.new_instance(PACED)
    other.api_clock.learn(NOW)
    for number in range(4):
        counters = (scene.counters, ExactlyOnce(other, APP))[number % 2]
        [outcome] = counters.apply(GROUP.id, [increase(f"{number}")], scene.budget(30))
        assert isinstance(outcome, Applied)
    assert [later - earlier for earlier, later in pairwise(scene.sent)] == pytest.approx([INTERVAL_S] * 3, abs=0.01)


def test_an_idle_group_waits_for_nothing() -> None:
    for stored in (row(), called(INTERVAL_S, row()), called(INTERVAL_S, row(queue=QUEUE))):
        scene = PacedScene(stored)
        began = scene.clock.moment
        assert isinstance(scene.outcome(increase("new"), 30), Applied)
        assert scene.sent[0] < began + 0.2


def test_what_waits_goes_out_in_one_call() -> None:
    scene = PacedScene(called(1, row()))
    for name in "abc":
        assert scene.outcome(increase(name), 1) == Pending(2.0)
    assert isinstance(scene.outcome(increase("d"), 10), Applied)
    assert [call.values["like"] for call in scene.api.calls] == [20]


def test_a_caller_who_does_not_wait_so_long_is_answered_at_once_and_the_sweep_makes_the_call_in_its_time() -> None:
    scene = PacedScene(called(1, row()))
    began = scene.clock.moment
    assert scene.outcome(increase("a"), 2) == Pending(2.0)
    assert scene.clock.moment == began
    scene.counters.sweep(began + 60)
    assert scene.sent == [pytest.approx(began + 2, abs=0.3)]
    assert scene.sent[0] >= began + 2
    assert scene.row.is_settled


@pytest.mark.parametrize(
    "urgent",
    [
        row(debt=(("like", 3),), queue=QUEUE),
        row(queue=(entry("a", alone=True), entry("b"))),
    ],
    ids=["a payment", "what is sent alone after a refusal"],
)
def test_what_mends_a_group_waits_for_nothing(urgent: Row) -> None:
    scene = PacedScene(called(0, urgent))
    assert isinstance(open_next(scene.visit(100), scene.row), Row)


def test_neither_a_payment_nor_a_lift_is_a_call_that_others_keep_their_distance_from() -> None:
    """The payment goes out right after the lift that makes room for it, and so does the next operation."""
    scene = PacedScene(row(debt=(("like", 3),)))
    scene.api.counters["like"] = 3
    scene.counters.sweep(scene.clock.moment + 60)
    lowered = replace(increase("a"), mode=Mode.DECREASE)
    assert isinstance(scene.outcome(lowered, 30), Applied)
    assert [later - earlier for earlier, later in pairwise(scene.sent)] == pytest.approx([CALL_S] * 2, abs=0.01)


def test_a_call_that_was_never_sent_holds_nothing_up() -> None:
    scene = PacedScene(row())
    scene.api.updates = [Unsent("no connection")]
    began = scene.clock.moment
    assert isinstance(scene.outcome(increase("a"), 30), Applied)
    assert scene.clock.moment - began < INTERVAL_S


def test_of_those_who_wait_the_caller_of_the_head_opens() -> None:
    """The others come a moment later, and find its call under way."""
    for wanted, waits_s in (("a", 2.0), ("b", pytest.approx(2.06, abs=0.06))):
        scene = PacedScene(called(1, row(queue=QUEUE)))
        follows = open_next(scene.visit(100, wanted), scene.row)
        assert isinstance(follows, Again)
        assert follows.after_s == waits_s
        assert (follows.after_s > 2) is (wanted == "b")


def test_a_stamp_of_a_wrong_clock_counts_for_nothing() -> None:
    """It lies further ahead than clocks differ; one that lies ahead by less is waited for."""
    for ahead_s, seconds, expected in (
        (RULES.guard_s, 100, Again(INTERVAL_S + RULES.guard_s)),
        (RULES.guard_s, INTERVAL_S + RULES.guard_s, Stop()),
    ):
        scene = PacedScene(called(-ahead_s, row(queue=QUEUE)))
        assert open_next(scene.visit(seconds), scene.row) == expected
    scene = PacedScene(called(-RULES.guard_s - 0.001, row(queue=QUEUE)))
    assert isinstance(open_next(scene.visit(100), scene.row), Row)


def test_without_an_interval_nothing_is_stamped_and_an_old_stamp_goes() -> None:
    """An earlier version refuses a row with a field that it does not know."""
    scene = Scene(called(0, row(queue=QUEUE)))
    began = scene.clock.moment
    assert isinstance(scene.outcome(increase("c"), 30), Applied)
    assert scene.clock.moment - began < 1
    assert "called" not in encode_row(scene.row)


def test_an_operation_refused_among_others_holds_none_of_them_up() -> None:
    scene = PacedScene(row(queue=QUEUE))
    scene.api.updates = [INVALID]
    scene.api.reads = [INVALID]
    began = scene.clock.moment
    assert isinstance(scene.outcome(increase("c"), 30), Applied)
    assert len(scene.sent) == 4
    assert scene.clock.moment - began < INTERVAL_S


def test_status_says_that_a_group_waits_for_its_pace() -> None:
    scene = PacedScene(called(1, row(queue=QUEUE)))
    standing = Standing(GROUP.id, State.WAITING, scene.row)
    assert why(scene.instance, APP, standing, None) == "it waits for the pace of its calls, GROUP_INTERVAL_S"
    assert "GROUP_INTERVAL_S" not in why(scene.instance, APP, replace(standing, row=row(attempt(entry("a")))), None)
