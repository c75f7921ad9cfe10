"""Parked records are shown in pages, executed anew under the same rules as before, or given up."""

import json

import pytest

from handler.core.errors import BadInput
from handler.core.ports.ledger import Parked
from handler.triggers.event_kind import PAGE_HEAD, Event
from handler.triggers.operator.requests import PAGE_MAX
from tests.unit.core.scene import first
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.stage import APP, CALLER, Stage

PAYLOAD = {"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 3}], "Mode": "Increase"}


def park(stage: Stage, *names: str, **fields: object) -> None:
    for name in names:
        stage.kept.park(APP, Parked(name, "a-queue", "why", 1.0, json.dumps({**PAYLOAD, **fields})))


def parked(stage: Stage) -> list[str]:
    return [kept.id for kept in stage.kept.page(APP, 1000)]


def ids(told: Event) -> list[str]:
    records = told["records"]
    assert isinstance(records, list)
    return [record["id"] for record in records]


def test_parked_records_are_shown_page_by_page(stage: Stage) -> None:
    park(stage, *"abcde")
    pages = [tell(stage, "parked", action="list", limit=2, after=after) for after in ("", "b", "d")]
    assert [(ids(told), told["next"]) for told in pages] == [(["a", "b"], "b"), (["c", "d"], "d"), (["e"], None)]


def test_a_parked_record_is_shown_with_its_time_in_words(stage: Stage) -> None:
    park(stage, "a")
    shown = {
        "id": "a",
        "source": "a-queue",
        "reason": "why",
        "at": "1970-01-01T00:00:01Z",
        "payload": json.dumps(PAYLOAD),
        "expires_at": None,
    }
    assert tell(stage, "parked", action="list")["records"] == [shown]


def test_a_page_ends_before_the_reply_is_too_long_for_a_platform(stage: Stage) -> None:
    for name in "abc":
        stage.kept.park(APP, Parked(name, "a-queue", "why", 1.0, "x" * 500_000))
    told = tell(stage, "parked", action="list")
    assert (ids(told), told["next"]) == (["a"], "a")


def test_a_replayed_record_counts_once_and_is_gone(stage: Stage) -> None:
    park(stage, "r-1", "r-10", "r-2")
    told = tell(stage, "parked", action="replay", id="r-10")
    assert (told["outcome"], told["dropped"]) == ("applied", True)
    assert (parked(stage), stage.chat.groups["room"]["like"]) == (["r-1", "r-2"], 8)
    with pytest.raises(BadInput, match=r"^id: names no parked record"):
        tell(stage, "parked", action="replay", id="r-10")


def test_a_replay_whose_record_was_not_dropped_counts_nothing_twice(stage: Stage) -> None:
    park(stage, "r")
    tell(stage, "parked", action="replay", id="r")
    park(stage, "r")
    assert tell(stage, "parked", action="replay", id="r")["outcome"] == "applied"
    assert stage.chat.groups["room"]["like"] == 8


def test_a_replay_is_the_operation_that_its_payload_names(stage: Stage) -> None:
    """With its key and caller: what has counted over HTTP counts no more."""
    park(stage, "r", IdempotencyKey="first", Caller=CALLER, GroupCounter=[{"Key": "like", "Value": 5}])
    assert tell(stage, "parked", action="replay", id="r")["dropped"] is True
    assert stage.chat.groups["room"]["like"] == 5


def test_a_record_whose_key_is_taken_stays(stage: Stage) -> None:
    park(stage, "r", IdempotencyKey="first", Caller=CALLER)
    told = tell(stage, "parked", action="replay", id="r")
    assert (told["outcome"], told["dropped"], parked(stage)) == ("key-reused", False, ["r"])
    told = tell(stage, "parked", action="replay", id="r", IdempotencyKey="first-anew")
    assert (told["outcome"], parked(stage), stage.chat.groups["room"]["like"]) == ("applied", [], 8)


def test_a_record_that_the_vendor_refuses_for_good_stays(stage: Stage) -> None:
    """The refusal is final for its key: once the group is there, another key is needed."""
    park(stage, "r", GroupId="later")
    told = tell(stage, "parked", action="replay", id="r")
    assert (told["outcome"], told["ErrorCode"], told["dropped"]) == ("rejected", 10010, False)
    stage.chat.groups["later"] = {}
    assert tell(stage, "parked", action="replay", id="r")["outcome"] == "rejected"
    assert tell(stage, "parked", action="replay", id="r", IdempotencyKey="r-anew")["outcome"] == "applied"
    assert (parked(stage), stage.chat.groups["later"]["like"]) == ([], 3)


def test_a_page_of_a_timer_is_not_replayed(stage: Stage) -> None:
    """Its operations are many, each with a key of its own: whoever wants them sends the timer's event again."""
    stage.kept.park(APP, Parked("r", "a-queue", "why", 1.0, f'{PAGE_HEAD}"TriggerName":"daily"}}'))
    with pytest.raises(BadInput, match=r"^id: names a page: send its timer event again"):
        tell(stage, "parked", action="replay", id="r")
    assert parked(stage) == ["r"]


def test_a_record_is_found_behind_more_than_a_page_of_others(stage: Stage) -> None:
    park(stage, *(f"r{number:04}" for number in range(PAGE_MAX + 1)), "rx")
    assert tell(stage, "parked", action="replay", id="rx")["dropped"] is True
    with pytest.raises(BadInput, match=r"^id: names no parked record$"):
        tell(stage, "parked", action="replay", id="rx")


def test_a_record_is_given_up(stage: Stage) -> None:
    park(stage, "r")
    asked = {"task": "parked", "action": "drop", "id": "r"}
    assert tell(stage, "parked", action="drop", id="r") == {**asked, "dropped": True}
    assert tell(stage, "parked", action="drop", id="r") == {**asked, "dropped": False}
    assert stage.chat.groups["room"]["like"] == 5


def test_a_record_that_cannot_be_read_stays(stage: Stage) -> None:
    park(stage, "r", Mode="Add")
    with pytest.raises(BadInput, match=r"^Mode: "):
        tell(stage, "parked", action="replay", id="r")
    assert parked(stage) == ["r"]


def test_all_parked_records_are_replayed_and_counted(stage: Stage) -> None:
    """Those that are refused again or cannot be read stay, and so do pages."""
    park(stage, "a", "b")
    park(stage, "c", GroupId="later")
    park(stage, "d", Mode="Add")
    stage.kept.park(APP, Parked("e", "a-queue", "why", 1.0, f'{PAGE_HEAD}"TriggerName":"daily"}}'))
    told = tell(stage, "parked", action="replay", all=True)
    assert told == {"task": "parked", "action": "replay", "replayed": 2, "refused": 2, "left": 1}
    assert (parked(stage), stage.like()) == (["c", "d", "e"], 11)


def test_a_replay_of_all_keeps_to_one_source_and_its_limit(stage: Stage) -> None:
    park(stage, "a", "b", "c")
    stage.kept.park(APP, Parked("d", "another", "why", 1.0, json.dumps(PAYLOAD)))
    told = tell(stage, "parked", action="replay", all=True, source="a-queue", limit=2)
    assert (told["replayed"], told["refused"], told["left"], parked(stage)) == (2, 0, 1, ["c", "d"])


def test_records_that_stay_do_not_hold_up_a_replay_with_a_limit(stage: Stage) -> None:
    """Each time one record is executed, until none is left; what was refused before is not executed again."""
    park(stage, "a", Mode="Add")
    park(stage, "b", GroupId="later")
    park(stage, "c", "d")
    told = [tell(stage, "parked", action="replay", all=True, limit=1) for _ in range(3)]
    assert [(each["replayed"], each["refused"], each["left"]) for each in told] == [(0, 2, 2), (1, 2, 1), (1, 2, 0)]
    assert (parked(stage), stage.like()) == (["a", "b"], 11)


@pytest.mark.parametrize(("slow_s", "left"), [(25, 2), (30, 1)], ids=["no time for a call", "no time at all"])
def test_a_replay_of_all_that_is_cut_short_says_what_is_left_and_where_to_go_on(
    slow_s: float, left: int, stage: Stage
) -> None:
    """What is left is at least so much, if there was no time to count either."""
    park(stage, "a", "b", "c")
    first(stage.kept, "unpark", lambda: stage.clock.sleep(slow_s), once=True)
    told = tell(stage, "parked", action="replay", all=True)
    assert (told["replayed"], told["left"], told["after"], told["complete"]) == (1, left, "a", False)
    told = tell(stage, "parked", action="replay", all=True, after=told["after"])
    assert (told["replayed"], parked(stage), stage.like()) == (2, [], 14)
