"""What updates, reads and deletions do to the counters of a group."""

from typing import get_args

import pytest

from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import Command, Delete, Get, Mode, Update
from tests.sandbox.counters import GroupKind, Groups

FULL = {f"k{number}": number for number in range(20)}
LARGEST = 2**63 - 1


@pytest.fixture
def groups() -> Groups:
    """A world with one group, `G`, that has a counter `like` of 5."""
    world = Groups()
    world.create("G", "Public", {"like": 5})
    return world


def refusal(groups: Groups, command: Command) -> int:
    """The code that a command is refused with; 0 if it is carried out."""
    try:
        groups.run(command)
    except RefusalError as error:
        return error.code
    return 0


def test_a_group_is_made_once_and_within_the_limits(groups: Groups) -> None:
    """Whoever sets the scene wrongly is told so."""
    with pytest.raises(ValueError, match="already"):
        groups.create("G", "Public", {})
    with pytest.raises(ValueError, match="at most 20"):
        groups.create("H", "Public", {**FULL, "one-more": 1})
    with pytest.raises(ValueError, match="at most 20"):
        groups.create("H", "Public", {"big": LARGEST + 1})


def test_only_a_group_that_is_there_can_be_dismissed_or_shown(groups: Groups) -> None:
    with pytest.raises(ValueError, match="no group 'H'"):
        groups.dismiss("H")
    with pytest.raises(ValueError, match="no group 'H'"):
        groups.values("H")


@pytest.mark.parametrize(
    ("mode", "values", "after"),
    [
        ("Set", {"like": 3, "new": 3}, {"like": 3, "new": 3}),
        ("Increase", {"like": 3, "new": 3}, {"like": 8, "new": 3}),
        ("Decrease", {"like": 3, "new": 3}, {"like": 2, "new": -3}),
        ("Increase", {"like": -2, "new": 0}, {"like": 3, "new": 0}),
    ],
)
def test_an_update_sets_adds_or_subtracts(
    groups: Groups, mode: Mode, values: dict[str, int], after: dict[str, int]
) -> None:
    """A missing counter starts at 0, and may go below it."""
    assert groups.run(Update("G", mode, values)) == after
    assert groups.values("G") == after


@pytest.mark.parametrize(
    ("before", "mode", "value", "code"),
    [
        (LARGEST - 1, "Increase", 1, 0),
        (LARGEST, "Increase", 1, 10004),
        (-LARGEST, "Decrease", 1, 0),
        (-LARGEST - 1, "Decrease", 1, 10004),
        (0, "Decrease", -LARGEST - 1, 10004),
    ],
)
def test_a_value_that_would_leave_64_bits_is_refused(before: int, mode: Mode, value: int, code: int) -> None:
    groups = Groups()
    groups.create("G", "Public", {"big": before})
    assert refusal(groups, Update("G", mode, {"other": 1, "big": value})) == code
    assert (groups.values("G") == {"big": before}) is (code != 0)


def test_a_21st_counter_is_refused_and_a_full_group_still_counts() -> None:
    groups = Groups()
    groups.create("G", "Public", FULL)
    assert refusal(groups, Update("G", "Increase", {"k0": 1, "one-more": 1})) == 10063
    assert groups.values("G") == FULL
    more = {key: value + 1 for key, value in FULL.items()}
    assert groups.run(Update("G", "Increase", dict.fromkeys(FULL, 1))) == more


def test_reads_and_deletions_are_of_the_named_counters_or_of_all(groups: Groups) -> None:
    """They do not mind a key that is not there."""
    groups.run(Update("G", "Set", {"share": 1}))
    assert groups.run(Get("G", ("like", "nothing"))) == {"like": 5}
    assert groups.run(Get("G", ())) == {"like": 5, "share": 1}
    assert groups.run(Delete("G", ("like", "nothing"))) is None
    assert groups.values("G") == {"share": 1}
    groups.run(Delete("G", ()))
    assert groups.values("G") == {}


@pytest.mark.parametrize("command", [Update("G", "Set", {"k": 1}), Get("G", ()), Delete("G", ())], ids=str)
def test_a_group_that_is_not_there_is_refused(groups: Groups, command: Command) -> None:
    groups.dismiss("G")
    assert refusal(groups, command) == 10010
    groups.create("G", "Public", {})
    assert groups.run(Get("G", ())) == {}


@pytest.mark.parametrize("kind", get_args(GroupKind))
def test_only_a_community_has_no_counters(kind: GroupKind) -> None:
    groups = Groups()
    groups.create("G", kind, {})
    assert refusal(groups, Update("G", "Set", {"k": 1})) == (10007 if kind == "Community" else 0)
