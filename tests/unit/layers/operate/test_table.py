"""`status` is one line on health, and a row for each group that needs a look."""

import pytest

from handler.core.operator.overview import LATE_S
from layers.operate.arguments import Event
from layers.operate.table import OLD_S, lines

WELL: Event = {
    "task": "status",
    "paused": None,
    "generation": 1,
    "unfinished": 2,
    "frozen": 0,
    "parked": 0,
    "oldest_unfinished_s": 3.2,
    "attention": [],
    "after": None,
}
FROZEN: Event = {
    "GroupId": "live-room",
    "state": "frozen",
    "since": "2026-11-22T00:00:00Z",
    "age": "3 h 20 min",
    "reason": "the receipt is explained by nothing",
    "queued": 2,
    "last_error": None,
    "next": "make inspect GROUP=live-room",
}
WAITING: Event = {
    **FROZEN,
    "GroupId": "fan",
    "state": "waiting",
    "reason": "its call",
    "last_error": "ReadTimeout at 2026-11-22T03:00:00Z",
    "next": "nothing: the sweep goes on",
}


def test_where_nothing_needs_a_look_one_line_says_so() -> None:
    assert lines(WELL) == ["Well. (unfinished groups: 2, oldest operation: 3 s, generation: 1)"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"frozen": 2}, "2 frozen groups"),
        ({"parked": 1}, "1 parked records"),
        ({"oldest_unfinished_s": 601.0}, "an operation is owed for 601 s"),
        ({"paused": {"since": "2026-11-22T00:00:00Z", "reason": "r"}}, "PAUSED since 2026-11-22T00:00:00Z: r"),
        ({"attention": [{**FROZEN, "state": "paused"}]}, "groups are paused"),
        ({"attention": [{**WAITING, "queued": None}]}, "groups cannot be read"),
    ],
)
def test_what_is_not_well_stands_in_the_first_line(changed: Event, words: str) -> None:
    first = lines({**WELL, **changed})[0]
    assert first.startswith("NOT WELL: ")
    assert words in first


def test_what_is_late_for_the_check_is_not_well_here_either() -> None:
    assert OLD_S == LATE_S


def test_while_calls_fail_the_first_line_says_so_before_anything_is_late() -> None:
    assert lines({**WELL, "attention": [WAITING]})[0].startswith("Well so far, but calls fail: see LAST ERROR. (")


def test_the_columns_of_the_groups_stand_under_each_other() -> None:
    told = lines({**WELL, "frozen": 1, "attention": [FROZEN, WAITING]})
    _, headings, frozen, waiting = told
    assert headings.split() == ["GROUP", "STATE", "SINCE", "AGE", "QUEUED", "LAST", "ERROR", "NEXT", "STEP"]
    for heading, cells in (
        ("STATE", ("frozen: the receipt is explained by nothing", "waiting: its call")),
        ("AGE", ("3 h 20 min", "3 h 20 min")),
        ("LAST ERROR", ("-", "ReadTimeout at")),
        ("NEXT STEP", ("make inspect GROUP=live-room", "nothing: the sweep goes on")),
    ):
        place = headings.index(heading)
        assert [row[place:].startswith(cell) for row, cell in zip((frozen, waiting), cells, strict=True)] == [True] * 2


def test_a_page_that_is_not_the_last_says_how_to_see_the_next() -> None:
    assert lines({**WELL, "after": "cursor"})[-1] == "More of them: AFTER=cursor"


def test_callers_without_bounds_are_named() -> None:
    """Any token of theirs may set any counter."""
    assert lines({**WELL, "callers_without_rights": ["a", "b"]})[-1] == "Callers that may do everything: a, b"
    assert len(lines({**WELL, "callers_without_rights": []})) == len(lines(WELL)) == 1


def test_parked_records_that_end_soon_are_named() -> None:
    ending = {"id": "event 1", "source": "shop", "expires_at": "2026-11-23T00:00:00Z"}
    told = lines({**WELL, "expiring": [ending]})
    assert told[1:] == ["Dropped at 2026-11-23T00:00:00Z: the parked record event 1 of shop"]


def test_a_ledger_that_keeps_what_has_ended_is_told() -> None:
    assert lines({**WELL, "ledger_expires": False})[-1].startswith("The ledger keeps what has ended: turn on")
    assert [len(lines({**WELL, "ledger_expires": said})) for said in (True, None)] == [1, 1]
