"""What each fault lets happen and when, and which request meets it."""

from collections import Counter
from collections.abc import Callable
from typing import get_args

import pytest

from tests.sandbox.faults import Course, Fault, Kind, course, every_kind
from tests.sandbox.plans import Plan

DROP = Fault("drop_after")
RESET = Fault("reset_after")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        *((None, Course(1.0, 1.0)), (Fault("drop_before"), Course(None, 0.0)), (DROP, Course(1.0, 1.0))),
        *((Fault("late", delay_s=5.0), Course(6.0, 0.0)), (Fault("slow", delay_s=5.0), Course(1.0, 6.0))),
        (Fault("late", delay_s=5.0, hold_s=2.0), Course(6.0, 2.0)),
        (Fault("slow_before", delay_s=5.0), Course(6.0, 6.0)),
    ],
    ids=str,
)
def test_a_request_takes_the_course_of_its_fault(fault: Fault | None, expected: Course) -> None:
    """When it is applied and when it is answered, in an API that takes a second from its check to applying."""
    assert course(fault, refused=False, lag_s=1.0) == expected


def test_every_kind_holds_every_kind() -> None:
    assert {fault.kind for fault in every_kind(delay_s=1.0, key="_receipt")} == set(get_args(Kind))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Fault("late", delay_s=-1.0),
        lambda: Fault("late", delay_s=float("nan")),
        lambda: Fault("drop_after", delay_s=1.0),
        lambda: Fault("slow", hold_s=1.0),
        lambda: Fault("drop_before", applied=True),
        lambda: Fault("code"),
        lambda: Fault("slow", code=10002),
        lambda: Fault("cut_body", key="_receipt"),
    ],
    ids=["negative", "no number", "delay", "hold", "applied", "no code", "code", "key"],
)
def test_a_fault_that_makes_no_sense_cannot_be_made(build: Callable[[], Fault]) -> None:
    """A field that its kind does not have is an error and not passed over."""
    with pytest.raises(ValueError, match=r"must be|does not go"):
        build()


def test_a_cleared_plan_holds_nothing() -> None:
    plan = Plan()
    plan.queue([DROP], "update", "*")
    plan.always(RESET, "update", "*")
    plan.randomly(1.0, (DROP,), 1, ("update",), "*")
    plan.clear()
    assert [plan.choose("update", "G") for _ in range(3)] == [None, None, None]


def test_a_draw_is_the_same_for_the_same_seed() -> None:
    faults = every_kind(delay_s=1.0, key="_receipt")
    runs = []
    for seed in (7, 7, 8):
        plan = Plan()
        plan.randomly(0.3, faults, seed, ("update",), "*")
        runs.append([plan.choose("update", "G") for _ in range(200)])
    assert runs[0] == runs[1] != runs[2]


def test_a_draw_hits_its_share_evenly() -> None:
    """Of 10,000 requests about 30 % meet a fault, each of four about as often as the others."""
    faults = (DROP, RESET, Fault("cut_body"), Fault("drop_before"))
    plan = Plan()
    plan.randomly(0.3, faults, 1, ("update",), "*")
    met = Counter(plan.choose("update", "G") for _ in range(10_000))
    assert 6_800 < met[None] < 7_200
    assert all(650 < met[fault] < 850 for fault in faults)


@pytest.mark.parametrize(
    ("rate", "faults"), [(1.1, (DROP,)), (-0.1, (DROP,)), (0.5, ())], ids=["above", "below", "none"]
)
def test_a_draw_that_makes_no_sense_is_refused(rate: float, faults: tuple[Fault, ...]) -> None:
    with pytest.raises(ValueError, match="rate from 0 to 1"):
        Plan().randomly(rate, faults, 1, ("update",), "*")


def test_queued_faults_are_met_once_and_in_order_by_their_command_and_groups() -> None:
    """`None` lets one request pass; one that names no group meets only what is for all."""
    plan = Plan()
    plan.queue([DROP, None, RESET], "update", "live-*")
    assert [plan.choose("get", "live-7"), plan.choose("update", "other"), plan.choose("update", None)] == [None] * 3
    assert plan.queued() == 3
    assert [plan.choose("update", "live-7") for _ in range(4)] == [DROP, None, RESET, None]
    assert plan.queued() == 0


def test_standing_and_drawn_faults_are_met_every_time_by_their_command_and_group() -> None:
    plan = Plan()
    plan.always(RESET, "update", "G")
    plan.queue([DROP], "update", "*")
    assert [plan.choose("update", "G") for _ in range(3)] == [DROP, RESET, RESET]
    assert plan.choose("update", "H") is None
    plan.clear()
    plan.randomly(1.0, (DROP,), 1, ("update",), "G")
    assert [plan.choose("get", "G"), plan.choose("update", "H"), plan.choose("update", "G")] == [None, None, DROP]
