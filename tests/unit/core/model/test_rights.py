"""Patterns know one special character, and a grant covers the whole of an operation or nothing of it."""

import pytest

from handler.core.errors import NotPermitted
from handler.core.model.operation import INT64_MAX, INT64_MIN, Counters, Mode
from handler.core.model.rights import EVERYTHING, Grant, Grants, Rights, check, matches, together


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("live", ["live"], ["", "Live", "live ", "live-1", "alive"]),
        ("*", ["", "live", "*", "群"], []),
        ("live-*", ["live-", "live-room", "live-*"], ["live", "Live-room", "my-live-room"]),
        ("*-room", ["-room", "live-room", "a-room-room"], ["room", "live-rooms"]),
        ("a*a", ["aa", "aba", "a*a"], ["a", "ab", "ba"]),
        ("a*b*c", ["abc", "a-b-c", "abbcc", "abcbc"], ["acb", "ab", "bc"]),
        ("ab*ba", ["abba", "ab-ba"], ["aba"]),
        ("**", ["", "a"], []),
        ("l?ve", ["l?ve"], ["live"]),
        ("[ab]", ["[ab]"], ["a"]),
        (".*", [".", ".x"], ["x"]),
        ("caf\u00e9", ["caf\u00e9"], ["cafe\u0301"]),
    ],
)
def test_a_star_alone_is_special_in_a_pattern(pattern: str, names: list[str], others: list[str]) -> None:
    assert [name for name in names if not matches(name, (pattern,))] == []
    assert [name for name in others if matches(name, (pattern,))] == []


def test_any_of_several_patterns_is_enough() -> None:
    assert matches("b", ("a", "b"))
    assert not matches("c", ("a", "b"))
    assert not matches("c", ())


LIKES = Grant(modes=frozenset({Mode.INCREASE}), groups=("live-*",), keys=("like", "gift_*"), at_most=100)
TOPIC = Grant(modes=frozenset({Mode.SET}), keys=("topic",))


@pytest.mark.parametrize(
    ("may", "mode", "group", "counters", "gap"),
    [
        ((LIKES,), Mode.INCREASE, "live-1", (("like", 100), ("gift_rose", -100)), None),
        ((LIKES,), Mode.DECREASE, "live-1", (("like", 1),), "Mode"),
        ((LIKES,), Mode.INCREASE, "Live-1", (("like", 1),), "GroupId"),
        ((LIKES,), Mode.INCREASE, "live-1", (("like", 1), ("Like", 1)), "GroupCounter[1].Key"),
        ((LIKES,), Mode.INCREASE, "live-1", (("like", 1), ("gift_a", 101)), "GroupCounter[1].Value"),
        ((LIKES,), Mode.INCREASE, "live-1", (("like", -101),), "GroupCounter[0].Value"),
        ((Grant(at_most=INT64_MAX),), Mode.SET, "a", (("a", INT64_MIN),), "GroupCounter[0].Value"),
        ((Grant(at_most=0),), Mode.SET, "a", (("a", 0),), None),
        ((Grant(),), Mode.SET, "a", (("a", INT64_MIN),), None),
        ((LIKES, TOPIC), Mode.SET, "any", (("topic", INT64_MAX),), None),
        # Two grants do not add up, and the nearest of them says where it ends.
        ((LIKES, TOPIC), Mode.SET, "live-1", (("topic", 1), ("like", 1)), "GroupCounter[1].Key"),
        ((Grant(keys=("a",)), Grant(keys=("b",))), Mode.SET, "g", (("a", 1), ("b", 1)), "GroupCounter[1].Key"),
        ((), Mode.SET, "a", (("a", 1),), "Mode"),
    ],
)
def test_one_grant_covers_the_whole_operation(
    may: Grants, mode: Mode, group: str, counters: Counters, gap: str | None
) -> None:
    if gap is None:
        check(may, "caller", mode, group, counters)
        return
    with pytest.raises(NotPermitted) as refused:
        check(may, "source", mode, group, counters)
    assert str(refused.value) == f"{gap}: is outside of what the source may do"


def test_entries_of_one_name_may_do_what_any_of_them_may() -> None:
    """While a token rotates with new rights, a caller who is only named has both."""
    old = Rights(may=(LIKES,), read=("live-*",), calls_per_second=5)
    new = Rights(may=(TOPIC,), read=("*-room",), calls_per_second=2.5)
    assert together([old, new]) == Rights(may=(LIKES, TOPIC), read=("live-*", "*-room"), calls_per_second=5)
    assert together([old, EVERYTHING]) == EVERYTHING
    assert together([new]) == new
