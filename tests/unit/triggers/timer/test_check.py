"""The gauges that a sweep leaves, and the check that fails while something needs an operator."""

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable, NeedsAttention
from handler.core.model.row import Group, first_row
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Measure, Notice
from handler.triggers.timer.check import GROUPS_MAX
from tests.unit.core.samples import entry
from tests.unit.core.scene import first
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.stage import APP, NEVER_ARRIVED, Stage, invocation

GAUGES = (
    Measure.FROZEN_GROUPS,
    Measure.UNFINISHED_GROUPS,
    Measure.PARKED_RECORDS,
    Measure.OLDEST_UNFINISHED_S,
)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.post("first")
    return stage


def do(stage: Stage, task: str) -> dict[str, object]:
    """The timer's event of a task, in an invocation of its own."""
    now = stage.clock.monotonic()
    stage.invocation = invocation(now, now + 55)
    event: dict[str, object] = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-22T00:00:00Z"}
    return stage.tick({**event, "Message": {"task": task}})


def measured(stage: Stage, measure: Measure) -> list[float]:
    return [value for name, value in stage.told.measured if name is measure]


def test_each_sweep_writes_every_gauge(stage: Stage) -> None:
    do(stage, "sweep")
    assert {name: measured(stage, name) for name in GAUGES} == {name: [0] for name in GAUGES}


def test_a_group_that_stays_frozen_keeps_its_gauge_for_an_hour_of_sweeps(frozen: Stage) -> None:
    for _ in range(60):
        do(frozen, "sweep")
        frozen.clock.sleep(60)
    assert measured(frozen, Measure.FROZEN_GROUPS) == [1] * 60
    assert frozen.told.notices.count(Notice.GROUP_FROZEN) == 1


def test_the_gauge_of_the_oldest_operation_grows(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 5000
    stage.post("second")
    for _ in range(5):
        do(stage, "sweep")
        stage.clock.sleep(60)
    ages = measured(stage, Measure.OLDEST_UNFINISHED_S)
    assert measured(stage, Measure.UNFINISHED_GROUPS) == [1] * 5
    assert ages == sorted(ages)
    assert ages[-1] > 240


def test_a_sweep_that_is_cut_short_writes_them_too(frozen: Stage) -> None:
    first(frozen.ledger, "unfinished", lambda: frozen.clock.sleep(49), once=True)
    do(frozen, "sweep")
    assert measured(frozen, Measure.FROZEN_GROUPS) == [1]


def test_a_sweep_whose_list_fails_writes_them_too(frozen: Stage) -> None:
    def out_of_reach() -> None:
        raise LedgerUnavailable("out of reach")

    first(frozen.ledger, "unfinished", out_of_reach, once=True)
    with pytest.raises(LedgerUnavailable):
        do(frozen, "sweep")
    assert measured(frozen, Measure.FROZEN_GROUPS) == [1]


def test_where_all_is_well_the_check_says_so(stage: Stage) -> None:
    numbers = {"unfinished": 0, "frozen": 0, "parked": 0, "parked_expiring": 0, "oldest_unfinished_s": 0.0}
    assert do(stage, "check") == {"task": "check", "attention": 0, **numbers}


def test_a_check_fails_while_a_group_is_frozen(frozen: Stage) -> None:
    """The group is in the log before, with its reason."""
    with pytest.raises(NeedsAttention, match=r"^1 frozen groups, 0 unfinished groups, 0 parked records"):
        do(frozen, "check")
    assert frozen.told.notices[-1] is Notice.ATTENTION
    assert str(frozen.told.reasons[-1]).startswith("the receipt shows ")


def test_a_check_fails_while_a_record_is_parked(stage: Stage) -> None:
    stage.kept.park(APP, Parked("r", "a-queue", "why", 1.0, "{}"))
    with pytest.raises(NeedsAttention, match="1 parked records"):
        do(stage, "check")
    stage.kept.unpark(APP, "r")
    do(stage, "check")


@pytest.mark.parametrize("group", [{}, {"GroupId": "room"}])
def test_a_check_fails_during_a_pause(group: dict[str, object], stage: Stage) -> None:
    tell(stage, "pause", reason="why", **group)
    with pytest.raises(NeedsAttention):
        do(stage, "check")
    assert stage.told.reasons[-1] == "why"
    tell(stage, "resume", **group)
    do(stage, "check")


def test_a_check_names_a_paused_group_behind_a_hundred_that_are_on_their_way(stage: Stage) -> None:
    owing = replace(entry("a"), accepted_at=int(stage.clock.now()))
    for number in range(GROUPS_MAX + 1):
        stage.ledger.swap(Group(APP, f"busy {number}"), first_row([owing], "_receipt", 1), {})
    stage.clock.sleep(5)
    tell(stage, "pause", reason="why", GroupId="later")
    with pytest.raises(NeedsAttention, match=r", groups are paused: `make status` shows more$"):
        do(stage, "check")
    assert stage.told.reasons[-1] == "why"


def test_a_check_fails_once_an_operation_is_owed_for_ten_minutes(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 500
    stage.post("second")
    stage.clock.sleep(500)
    assert do(stage, "check")["unfinished"] == 1
    stage.clock.sleep(110)
    with pytest.raises(NeedsAttention, match="owed for 10 min"):
        do(stage, "check")
