"""What updates, reads and deletions do to the counters of a group."""

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


@pytest.mark.parametrize(("mode", "after"), [("Set", 3), ("Increase", 8), ("Decrease", 2)])
def test_an_update_sets_adds_or_subtracts(groups: Groups, mode: Mode, after: int) -> None:
    """The answer holds the new value, which is the group's from then on."""
    assert groups.run(Update("G", mode, {"like": 3})) == {"like": after}
    assert groups.values("G") == {"like": after}


@pytest.mark.parametrize(("mode", "after"), [("Set", 3), ("Increase", 3), ("Decrease", -3)])
def test_a_missing_counter_starts_at_0(groups: Groups, mode: Mode, after: int) -> None:
    """It is created first, and may go below 0; the answer holds the updated counters only."""
    assert groups.run(Update("G", mode, {"new": 3})) == {"new": after}
    assert groups.values("G") == {"like": 5, "new": after}


def test_zero_and_negative_values_are_taken_as_they_are(groups: Groups) -> None:
    """An increase by -2 takes 2 away, one by 0 creates the counter."""
    assert groups.run(Update("G", "Increase", {"like": -2, "new": 0})) == {"like": 3, "new": 0}


@pytest.mark.parametrize(
    ("before", "mode", "value"),
    [(LARGEST, "Increase", 1), (-LARGEST - 1, "Decrease", 1), (0, "Decrease", -LARGEST - 1)],
)
def test_a_value_that_would_leave_64_bits_is_refused(before: int, mode: Mode, value: int) -> None:
    groups = Groups()
    groups.create("G", "Public", {"big": before})
    assert refusal(groups, Update("G", mode, {"other": 1, "big": value})) == 10004
    assert groups.values("G") == {"big": before}


@pytest.mark.parametrize(("before", "mode"), [(LARGEST - 1, "Increase"), (-LARGEST, "Decrease")])
def test_a_value_may_go_to_the_very_edge(before: int, mode: Mode) -> None:
    """The largest and the smallest 64-bit integers are values like any other."""
    groups = Groups()
    groups.create("G", "Public", {"big": before})
    assert refusal(groups, Update("G", mode, {"big": 1})) == 0


def test_a_21st_counter_is_refused() -> None:
    """A group holds 20 counters; a request that would make more changes nothing."""
    groups = Groups()
    groups.create("G", "Public", FULL)
    assert refusal(groups, Update("G", "Increase", {"k0": 1, "one-more": 1})) == 10063
    assert groups.values("G") == FULL


def test_a_full_group_still_counts() -> None:
    groups = Groups()
    groups.create("G", "Public", FULL)
    assert groups.run(Update("G", "Increase", dict.fromkeys(FULL, 1))) == {
        key: value + 1 for key, value in FULL.items()
    }


def test_a_read_gives_the_named_counters_that_exist(groups: Groups) -> None:
    """A key that the group does not have is left out."""
    assert groups.run(Get("G", ("like", "nothing"))) == {"like": 5}


def test_a_read_without_keys_gives_all(groups: Groups) -> None:
    """Every counter of the group is in the answer."""
    groups.run(Update("G", "Set", {"share": 1}))
    assert groups.run(Get("G", ())) == {"like": 5, "share": 1}


def test_a_deletion_takes_the_named_counters_away(groups: Groups) -> None:
    """It answers no counters, and does not mind a key that is not there."""
    groups.run(Update("G", "Set", {"share": 1}))
    assert groups.run(Delete("G", ("like", "nothing"))) is None
    assert groups.values("G") == {"share": 1}


def test_a_deletion_without_keys_takes_all(groups: Groups) -> None:
    groups.run(Delete("G", ()))
    assert groups.values("G") == {}


@pytest.mark.parametrize(
    "command", [Update("H", "Set", {"k": 1}), Get("H", ()), Delete("H", ())], ids=["update", "get", "delete"]
)
def test_a_group_that_is_not_there_is_refused(groups: Groups, command: Command) -> None:
    assert refusal(groups, command) == 10010


def test_a_dismissed_group_is_gone(groups: Groups) -> None:
    groups.dismiss("G")
    assert refusal(groups, Get("G", ())) == 10010
    groups.create("G", "Public", {})
    assert groups.run(Get("G", ())) == {}


@pytest.mark.parametrize("kind", ["Private", "Work", "Public", "ChatRoom", "Meeting", "AVChatRoom"])
def test_six_types_of_group_have_counters(kind: GroupKind) -> None:
    groups = Groups()
    groups.create("G", kind, {})
    assert refusal(groups, Update("G", "Set", {"k": 1})) == 0


def test_a_community_has_no_counters() -> None:
    groups = Groups()
    groups.create("G", "Community", {})
    assert refusal(groups, Update("G", "Set", {"k": 1})) == 10007


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
