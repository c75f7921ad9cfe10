"""The receipt never goes below zero, nor is it counted from where it would soon end (R2, R9)."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.lift import ADOPTED_MAX, ADOPTED_MIN, COUNTED_MAX, COUNTED_MIN, DECREASE_FROM, LIFT
from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode, Operation
from handler.core.model.outcome import Applied, Frozen, Rejected
from handler.core.model.row import Attempt, Remembered, first_row
from handler.core.operator import release
from handler.core.operator.verdicts import Decision
from handler.core.ports.counter_api import Call, Reply, Unclear
from handler.core.ports.system import Notice
from handler.core.state.receipts import WEIGHT_MAX, WEIGHT_MIN
from handler.core.state.transitions import frozen
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, INVALID, RULES, Scene, increase

LOST = Unclear("lost")
D, E = entry("d", Mode.DECREASE), entry("e", Mode.DECREASE)


def at(base: int, **changes: object) -> Scene:
    scene = Scene(replace(row(), base=base, **changes))
    scene.api.counters = {"like": 100, "_receipt": base}
    return scene


def decrease(key: str) -> Operation:
    return replace(increase(key), mode=Mode.DECREASE)


def lift(**changes: object) -> Attempt:
    return replace(attempt(weight=LIFT + 600_000, base=0), **changes)


def sent(scene: Scene) -> list[tuple[Mode, int, int]]:
    """Of each call the Mode, how far it moved the receipt without its weight, and on how many other keys it was."""
    seen = []
    for call in scene.api.calls:
        value = call.values["_receipt"]
        seen.append((call.mode, value // WEIGHT_MIN * WEIGHT_MIN if value >= LIFT else 0, len(call.values) - 1))
    return seen


LIFTED, DECREASED, INCREASED = (Mode.INCREASE, LIFT + WEIGHT_MIN, 0), (Mode.DECREASE, 0, 1), (Mode.INCREASE, 0, 1)


@pytest.mark.parametrize("base", [-3_000_000, 0, 1, DECREASE_FROM - 1])
def test_the_first_decrease_costs_one_call_more_and_no_other(base: int) -> None:
    scene = at(base)
    for key in "ab":
        assert isinstance(scene.outcome(decrease(key), 5), Applied)
    assert sent(scene) == [LIFTED, DECREASED, DECREASED]
    assert scene.api.counters["like"] == 90
    assert scene.row.is_settled
    assert (scene.row.base, scene.api.counters["_receipt"] > 0) == (scene.api.counters["_receipt"], True)


@pytest.mark.parametrize(("base", "mode"), [(0, Mode.INCREASE), (0, Mode.SET), (DECREASE_FROM, Mode.DECREASE)])
def test_nobody_else_pays_for_a_lift(base: int, mode: Mode) -> None:
    scene = at(base)
    scene.counters.apply(GROUP.id, [replace(increase("a"), mode=mode)], scene.budget(5))
    assert [call.mode for call in scene.api.calls] == [mode]


def test_without_receipts_nothing_is_lifted() -> None:
    """There is nothing that a Decrease could bring below zero but what the caller names."""
    scene = Scene(replace(row(receipt_key=""), base=0), replace(RULES, receipt_key=""))
    scene.api.counters = {"like": 100}
    scene.counters.apply(GROUP.id, [decrease("a")], scene.budget(5))
    assert [dict(call.values) for call in scene.api.calls] == [{"like": 5}]


def test_a_lift_that_is_lost_is_remembered_and_another_one_goes() -> None:
    """Should it land all the same, it is explained and nothing is owed back."""
    scene = at(0)
    scene.api.updates = [LOST]
    operation = decrease("a")
    assert scene.outcome(operation, 60) == Applied((("like", 95),))
    assert sent(scene) == [LIFTED, LIFTED, DECREASED]
    [past] = scene.row.remembered
    assert past.attempt.is_lift
    scene.api.land(Mode.INCREASE, {"_receipt": past.attempt.weight})
    scene.counters.apply(GROUP.id, [increase("b")], scene.budget(60))
    assert (scene.row.frozen, scene.row.debt, scene.row.remembered) == (None, (), ())
    assert (scene.api.counters["like"], len(scene.api.calls)) == (100, 4)
    assert Notice.LATE_LANDING in scene.notices.told


@pytest.mark.parametrize("copies", [2, 8])
def test_a_lift_that_landed_more_than_once_becomes_no_debt(copies: int) -> None:
    """The receipt says how often, and nobody's counters have moved."""
    scene = at(0, attempt=lift(), queue=(D,))
    scene.api.counters["_receipt"] = copies * lift().weight
    scene.clock.advance(30)
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.frozen, scene.row.debt, scene.api.counters["like"]) == (None, (), 95)


def test_what_refuses_a_lift_is_the_answer_of_the_decrease_that_it_was_for() -> None:
    """Else lift after lift would be refused for ever; whoever waits behind goes on (R6)."""
    scene = at(0)
    scene.api.updates = [INVALID]
    outcomes = scene.counters.apply(GROUP.id, [decrease("a"), decrease("b")], scene.budget(10))
    assert outcomes == [Rejected(10004, "invalid parameter"), Applied((("like", 95),))]
    assert sent(scene) == [LIFTED, LIFTED, DECREASED]
    assert scene.notices.told.count(Notice.REJECTED) == 1


@pytest.mark.parametrize(
    ("left", "calls"),
    [
        ({"queue": (entry("i"),)}, [INCREASED]),
        ({"debt": (("like", -3),), "queue": (D,)}, [INCREASED, LIFTED, DECREASED]),
        ({}, []),
    ],
    ids=["an Increase", "a payment by an Increase", "nothing"],
)
def test_a_refused_lift_for_which_nothing_is_left_refuses_nobody(
    left: dict[str, object], calls: list[tuple[Mode, int, int]]
) -> None:
    """A late landing has settled what it was for, or has put something before it."""
    scene = at(0, queue=(D,))
    update = scene.api.update

    def refuse(call: Call) -> Reply:
        reply = update(call)
        if len(scene.api.calls) > 1:
            return reply
        scene.store(scene.row.changed(**{"queue": (), "debt": (), **left}))
        scene.api.counters["_receipt"] = 0
        return INVALID

    scene.api.update = refuse  # type: ignore[method-assign]  # an API that refuses the first call
    scene.counters.sweep(scene.clock.moment + 60)
    assert sent(scene)[1:] == calls
    assert (Notice.REJECTED in scene.notices.told, scene.row.is_settled) == (False, True)


def test_a_payment_whose_lift_is_refused_waits_for_an_operator_after_the_third() -> None:
    scene = at(0, debt=(("like", 5),), queue=(D,))
    scene.api.updates = [INVALID] * 3
    scene.counters.sweep(scene.clock.moment + 60)
    assert sent(scene) == [LIFTED] * 3
    assert (scene.row.frozen, scene.row.queue) == ("corrections are refused with code 10004", (D,))


def test_a_set_below_zero_writes_its_weight() -> None:
    scene = at(-3_000_000)
    for key in "ab":
        assert scene.outcome(replace(increase(key), mode=Mode.SET), 5) == Applied((("like", 5),))
    first, second = (call.values["_receipt"] for call in scene.api.calls)
    assert WEIGHT_MIN <= first < WEIGHT_MAX
    assert WEIGHT_MIN <= second - first < WEIGHT_MAX


def test_a_set_below_zero_whose_reply_is_lost_is_settled_by_the_receipt() -> None:
    """It moved the receipt by its weight, which reaches from the base to what it wrote."""
    scene = at(-3_000_000)
    scene.api.updates, scene.api.lies = [LOST], 1
    assert scene.outcome(replace(increase("a"), mode=Mode.SET), 5) == Applied((("like", 5),), observed_later=True)
    assert len(scene.api.calls) == 1


def test_a_set_that_an_older_version_sent_below_zero_is_settled_as_well() -> None:
    old = attempt(entry("s", Mode.SET), base=-3_000_000)
    scene = at(-3_000_000, attempt=old)
    scene.api.counters |= {"like": 5, "_receipt": -2_400_000}
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.frozen, scene.row.is_settled, scene.row.base) == (None, True, -2_400_000)


@pytest.mark.parametrize("value", [ADOPTED_MIN, ADOPTED_MAX])
def test_a_receipt_that_is_not_too_far_off_is_adopted(value: int) -> None:
    scene = Scene()
    scene.api.counters = {"like": 100, "_receipt": value}
    for number, mode in enumerate(Mode):
        operation = replace(increase(f"a{number}"), mode=mode)
        assert isinstance(scene.outcome(operation, 60), Applied)


def test_a_receipt_that_moves_far_off_before_it_is_adopted_is_not() -> None:
    """It is looked at twice, and only the second look counts (R9)."""
    scene = at(7)
    scene.store(replace(first_row((entry("a"),), "_receipt", 1), first_seen_at=NOW - 100))
    scene.instance.api_clock.learn(NOW)
    scene.api.counters["_receipt"] = INT64_MAX
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.frozen is not None


@pytest.mark.parametrize("base", [COUNTED_MAX + 1, INT64_MAX, COUNTED_MIN - 1, INT64_MIN])
@pytest.mark.parametrize("mode", Mode)
def test_nothing_is_sent_from_a_row_that_has_adopted_such_a_receipt(base: int, mode: Mode) -> None:
    """An older version took over whatever it met; each call would be refused, and its operation with it."""
    scene = at(base)
    assert isinstance(scene.outcome(replace(increase("a"), mode=mode), 5), Frozen)
    assert scene.api.calls == []


def _adopted(scene: Scene) -> object:
    return release.adopt(scene.visit(), Decision())


def _released(scene: Scene) -> object:
    return release.release(scene.visit(), Decision())


@pytest.mark.parametrize("decide", [_adopted, _released], ids=["adopt", "release"])
def test_no_operator_lets_a_group_go_on_from_there(decide: Callable[[Scene], object]) -> None:
    """The counter has to be set first: then the same task brings the group back, and what waits is sent."""
    scene = Scene(replace(frozen(row(queue=(entry("a"),)), "why"), first_seen_at=NOW - 100))
    scene.clock.advance(1)
    scene.api.counters["_receipt"] = INT64_MAX - 5
    with pytest.raises(BadInput, match="set that counter to 0"):
        decide(scene)
    scene.api.counters["_receipt"] = 0
    decide(scene)
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.is_settled, scene.api.counters["like"]) == (True, 5)


@pytest.mark.parametrize("landed", [False, True])
def test_a_group_that_froze_with_a_lift_open_is_adopted(landed: bool) -> None:
    """A lift carries nothing that would have to be judged; should it have landed, the receipt tells."""
    scene = Scene(replace(frozen(replace(row(lift(), (D,)), base=0), "why"), first_seen_at=NOW - 100))
    scene.api.counters = {"like": 100, "_receipt": lift().weight * landed}
    scene.clock.advance(30)
    release.adopt(scene.visit(), Decision())
    assert scene.row.remembered == (() if landed else (Remembered(lift()),))
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.is_settled, scene.api.counters["like"]) == (True, 95)
