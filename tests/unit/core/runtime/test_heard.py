"""Which `Date`s were heard since a thing was first met (R4 b)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handler.core.runtime.api_clock import DATES_MAX, MET_MAX, Heard


@given(st.lists(st.integers(0, 9) | st.just("meets"), max_size=30))
def test_the_largest_date_heard_since_counts(story: list[int | str]) -> None:
    heard, since = Heard(), list[int]()
    for event in ["meets", *story]:
        if isinstance(event, int):
            heard.hear(event)
            since.append(event)
        elif not since:
            heard.since(["attempt"])
    assert heard.since(["attempt"]) == max(since, default=None)


def test_of_several_things_the_one_met_last_counts() -> None:
    """What was heard before is too old for it."""
    heard = Heard()
    heard.since(["a"])
    heard.hear(9)
    heard.since(["b"])
    heard.hear(5)
    assert (heard.since(["a"]), heard.since(["a", "b"]), heard.since([])) == (9, 5, 9)


def test_what_was_forgotten_is_met_anew() -> None:
    """The thing that was asked for least recently goes first, and nothing is proven for it."""
    heard = Heard()
    heard.since(["a", "b"])
    heard.hear(5)
    for number in range(MET_MAX - 1):
        heard.since(["a", f"attempt {number}"])
    assert heard.since(["a"]) == 5
    assert heard.since(["b"]) is None


def test_dates_are_few() -> None:
    """Each that is kept is larger than all that came after it."""
    heard = Heard()
    heard.since(["a"])
    for date in range(DATES_MAX + 5, 0, -1):
        heard.hear(date)
    assert heard.since(["a"]) == DATES_MAX
    heard.forget()
    assert heard.since(["a"]) is None
