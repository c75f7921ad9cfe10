"""A timer event is read whole before anything is accepted, and its first wrong field is named."""

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import Mode
from handler.core.runtime.windows import Horizon, first_notes
from handler.triggers.event_kind import Event
from handler.triggers.timer.tick import CALLER, Check, Sweep, Tick, check_age, read_tick
from tests.unit.triggers.stage import START

DAY_S = 86_400.0
OPERATION: Event = {"GroupIds": ["a", "b"], "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": "Set"}
KNOWN: Event = {"Known": "like"}


def event(message: object, **changes: object) -> Event:
    fields = {"Type": "Timer", "TriggerName": "daily", "Time": "2026-11-22T00:00:00Z", "Message": message}
    return {**fields, **changes}


def read(message: object, **changes: object) -> Tick | Sweep | Check:
    return read_tick(event(message, **changes), "_receipt", DAY_S, START)


def tick(*operations: Event) -> Tick:
    meant = read({"operations": list(operations)})
    assert isinstance(meant, Tick)
    return meant


def refused(message: object, **changes: object) -> BadInput:
    with pytest.raises(BadInput) as error:
        read(message, **changes)
    return error.value


def test_each_operation_has_the_key_of_its_tick_and_place() -> None:
    """Scoped to its group, and kept as long as the answers of queues."""
    meant = tick(OPERATION, {**OPERATION, "GroupIds": ["b"], "Mode": "Increase"})
    assert {group_id: [made.key for made in meant.operations(group_id)] for group_id in meant.groups} == {
        "a": ["daily/2026-11-22T00:00:00Z/0"],
        "b": ["daily/2026-11-22T00:00:00Z/0", "daily/2026-11-22T00:00:00Z/1"],
    }
    made = meant.operations("b")[1]
    assert (made.group_id, made.mode, made.counters) == ("b", Mode.INCREASE, (("like", 0),))
    assert (made.caller, made.window_s) == (CALLER, DAY_S)


def test_a_group_that_stands_twice_in_one_operation_counts_once() -> None:
    assert len(tick({**OPERATION, "GroupIds": ["a", "b", "a"]}).operations("a")) == 1


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2026-11-22t00:00:00z", "2026-11-22T00:00:00Z"),
        ("2026-11-22T00:00:00+00:00", "2026-11-22T00:00:00Z"),
        ("2026-11-22T00:00:00-00:00", "2026-11-22T00:00:00Z"),
        ("2026-11-22T00:00:00.000Z", "2026-11-22T00:00:00Z"),
        ("2026-11-22T08:00:00+08:00", "2026-11-22T00:00:00Z"),
        ("2026-11-21T18:15:00.0-05:45", "2026-11-22T00:00:00Z"),
        ("2026-11-22T00:00:00.120Z", "2026-11-22T00:00:00.12Z"),
        ("2026-11-22T00:00:00.1234567890123456789Z", "2026-11-22T00:00:00.1234567890123456789Z"),
        ("2026-11-22T00:00:00.9999999999999999999Z", "2026-11-22T00:00:00.9999999999999999999Z"),
        ("0001-01-01T08:00:00+08:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T15:59:59.9-08:00", "9999-12-31T23:59:59.9Z"),
    ],
)
def test_one_moment_is_one_tick_however_it_is_spelled(time: str, text: str) -> None:
    """Exactly: no digit is rounded away, and none that says nothing is kept."""
    meant = read({"operations": [OPERATION]}, Time=time)
    assert isinstance(meant, Tick)
    assert [made.key for made in meant.operations("a")] == [f"daily/{text}/0"]


@pytest.mark.parametrize(
    "time",
    [
        *(None, 1_795_305_600, "", "now", "2026-11-22", "2026-11-22T00:00:00", "2026-11-22 00:00:00Z"),
        *("2026-11-22T00:00Z", "2026-13-22T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T00:00:00+25:00"),
        *("2026-11-22T00:00:00Z\n", "\uff12026-11-22T00:00:00Z", "2026-11-22T00:00:00.Z"),
        *("2016-12-31T23:59:60Z", "2026-11-22T23:60:00Z", "2026-11-21T24:00:00Z", "2026-11-22T24:00:00.000+00:00"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-00:01"),
        *("2026-11-22T00:00:00+24:00", "2026-11-22T00:00:00+08:60", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_moment_of_the_years_1_to_9999_is_refused(time: object) -> None:
    """Releases of Python differ in what they make of some of these."""
    assert refused({"operations": [OPERATION]}, Time=time).field == "Time"


def test_a_tick_whose_answers_may_be_forgotten_is_refused() -> None:
    meant = tick(OPERATION)
    notes = first_notes(DAY_S, START, has_rows=False)
    check_age(meant, Horizon(notes, DAY_S, START + DAY_S - 1))
    with pytest.raises(BadInput, match=r"^Time: is older than DEDUPE_WINDOW_S"):
        check_age(meant, Horizon(notes, DAY_S, START + DAY_S))


@pytest.mark.parametrize("name", [None, "", 7, "a\nb", "a\ud800", "n" * 257])
def test_a_trigger_without_a_printable_name_is_refused(name: object) -> None:
    assert refused({"task": "sweep"}, TriggerName=name).field == "TriggerName"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        *((None, "Message"), ("", "Message"), ("reset", "Message"), ("[]", "Message"), (7, "Message"), ([], "Message")),
        *(({}, "Message"), ({"task": None}, "Message"), ({"task": "sweep", "operations": [OPERATION]}, "Message")),
        *(({"task": "sweeep"}, "Message.task"), ({"tasks": "sweep"}, "Message.tasks")),
        *(({"operations": []}, "Message.operations"), ({"operations": {}}, "Message.operations")),
        ('{"task": "sweep", "task": "sweep"}', "Message"),
        ({"task": float("nan")}, "Message"),
        ({"operations": [OPERATION, 7]}, "Message.operations[1]"),
        ({"operations": [{**OPERATION, "GroupIds": []}]}, "Message.operations[0].GroupIds"),
        ({"operations": [{**OPERATION, "GroupIds": "a"}]}, "Message.operations[0].GroupIds"),
        ({"operations": [{**OPERATION, "GroupIds": ["a", ""]}]}, "Message.operations[0].GroupIds[1]"),
        ({"operations": [{**OPERATION, "GroupIds": ["a\x00"]}]}, "Message.operations[0].GroupIds[0]"),
        ({"operations": [OPERATION, {**OPERATION, "Mode": "Add"}]}, "Message.operations[1].Mode"),
        ({"operations": [{"GroupIds": ["a"], "Mode": "Set"}]}, "Message.operations[0].GroupCounter"),
        ({"operations": [{**OPERATION, "GroupCounter": None}]}, "Message.operations[0].GroupCounter"),
        *(
            ({"operations": [{**OPERATION, "GroupIds": wrong}]}, "Message.operations[0].GroupIds.Known")
            for wrong in ({"Known": ""}, {"Known": 7}, {"Known": "_receipt"}, {"Known": "k" * 129}, {"known": "a"}, {})
        ),
        (
            {"operations": [{**OPERATION, "GroupIds": {"Known": "like", "More": 1}}]},
            "Message.operations[0].GroupIds.More",
        ),
        # A tick has one source for all of its operations: else their order would be open in a group that both have.
        *(
            ({"operations": [OPERATION | {"GroupIds": source} for source in sources]}, "Message.operations[1].GroupIds")
            for sources in (
                (KNOWN, ["room"]),
                (["room"], KNOWN),
                (KNOWN, {"Known": "gift"}),
                ({"Known": "gift"}, KNOWN),
            )
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_place(message: object, field: str) -> None:
    assert refused(message).field == field


def test_only_a_sweep_goes_on_from_a_group() -> None:
    """A check looks at all of them."""
    operations = [{"GroupIds": ["room"], "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": "Set"}]
    for message in ({"operations": operations}, {"task": "check"}):
        with pytest.raises(BadInput, match=r"Message\.after"):
            read({**message, "after": "room"})
