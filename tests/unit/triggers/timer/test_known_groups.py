"""A tick on all groups that know a key: which these are is settled by its time, however often it comes."""

import pytest

from handler.core.errors import BadInput, NotAccepted
from handler.triggers.event_kind import Event
from handler.triggers.timer.tick import KNOWN_FOR_S
from tests.unit.triggers.stage import Stage, invocation

GROUPS = [f"room-{number:04}" for number in range(30)]
TIME = "2026-11-22T00:10:00Z"
TEN_MINUTES_S = 600.0


def event(known: str = "like", value: int = 0, mode: str = "Set", **changes: object) -> Event:
    """A tick on a source, ten minutes after the stage's beginning."""
    operation = {"GroupIds": {"Known": known}, "GroupCounter": [{"Key": "like", "Value": value}], "Mode": mode}
    message = {"operations": [operation]}
    return {"Type": "Timer", "TriggerName": "reset", "Time": TIME, "Message": message, **changes}


@pytest.fixture
def stage() -> Stage:
    """Groups of which every third has gifts and the others likes, and ten minutes later."""
    stage = Stage()
    stage.chat.groups = {group: {} for group in GROUPS}
    for number, group in enumerate(GROUPS):
        count(stage, group, "like" if number % 3 else "gift")
    until(stage, TEN_MINUTES_S)
    return stage


def count(stage: Stage, group: str, key: str, value: int = 5) -> None:
    status = stage.post(
        f"{group}/{key}/{stage.clock.moved_s}", GroupId=group, GroupCounter=[{"Key": key, "Value": value}]
    )
    assert status.status == 200


def until(stage: Stage, moved_s: float) -> None:
    """Let time pass until so many seconds after the beginning; another invocation begins."""
    stage.clock.sleep(moved_s - stage.clock.moved_s)
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)


def likes(stage: Stage) -> list[int | None]:
    return [stage.chat.groups[group].get("like") for group in GROUPS]


RESET = [0 if number % 3 else None for number in range(30)]


def test_all_groups_with_the_key_are_reached_and_no_others(stage: Stage) -> None:
    returned = stage.tick(event())
    assert (returned["accepted"], returned["applied"]) == (20, 20)
    assert likes(stage) == RESET


def test_a_repeated_tick_changes_nothing_in_groups_that_came_later(stage: Stage) -> None:
    stage.tick(event())
    until(stage, TEN_MINUTES_S + 300)
    stage.chat.groups["newcomer"] = {}
    count(stage, "newcomer", "like", 7)
    for group in GROUPS[:2]:
        count(stage, group, "like", 7)
    until(stage, TEN_MINUTES_S + 600)
    for name in ("tick/reset", "none"):
        stage.kept.note(1400000000, name, "{}")
        stage.tick(event())
    assert [stage.chat.groups[group]["like"] for group in ("newcomer", *GROUPS[:3])] == [7, 7, 7, 0]


def test_the_next_tick_reaches_them_too(stage: Stage) -> None:
    stage.chat.groups["newcomer"] = {}
    count(stage, "newcomer", "like", 7)
    until(stage, TEN_MINUTES_S + KNOWN_FOR_S + 1)
    stage.tick(event(Time="2026-11-22T00:10:05Z", TriggerName="first"))
    assert stage.chat.groups["newcomer"]["like"] == 7
    stage.tick(event(Time="2026-11-22T00:10:11Z"))
    assert stage.chat.groups["newcomer"]["like"] == 0


def test_a_group_that_is_gone_is_asked_once_and_known_again_when_it_is_made_anew(stage: Stage) -> None:
    """Rooms come and go: the ledger would else call for all that ever were."""
    counters = stage.chat.groups.pop(GROUPS[1])
    assert stage.tick(event())["rejected"] == 1
    until(stage, 2 * TEN_MINUTES_S)
    assert stage.tick(event(Time="2026-11-22T00:20:00Z"))["accepted"] == 19
    stage.chat.groups[GROUPS[1]] = counters
    count(stage, GROUPS[1], "like", 7)
    until(stage, 3 * TEN_MINUTES_S)
    assert stage.tick(event(Time="2026-11-22T00:30:00Z"))["accepted"] == 20
    assert stage.chat.groups[GROUPS[1]]["like"] == 0


def test_a_time_that_is_still_to_come_is_refused(stage: Stage) -> None:
    with pytest.raises(BadInput) as refused:
        stage.tick(event(Time="2026-11-22T00:10:03Z"))
    assert refused.value.field == "Time"


def test_a_tick_without_time_says_so_and_goes_on_when_it_comes_again(stage: Stage) -> None:
    stage.invocation = invocation(stage.clock.monotonic() - 10, stage.clock.monotonic() + 0.5)
    with pytest.raises(NotAccepted, match=r"^some groups were not accepted, repeat the event for them: .*no time left"):
        stage.tick(event())
    until(stage, TEN_MINUTES_S + 60)
    assert stage.tick(event())["applied"] == 20
