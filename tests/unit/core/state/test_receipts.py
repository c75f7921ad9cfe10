"""What a receipt value proves: the set of landings that it names, and when nothing may be concluded."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Remembered, Row
from handler.core.state.receipts import (
    COPIES_MAX,
    WEIGHT_MAX,
    WEIGHT_MIN,
    Landed,
    NotLanded,
    ReceiptReading,
    TooEarly,
    Unexplained,
    choose_weight,
    death,
    explain,
    judge,
    subset_sums,
)
from tests.unit.core.samples import BASE, BOUND_S, NOW, attempt, row

UP = attempt(name="up", weight=600_000)
DOWN = attempt(name="down", weight=700_001, mode=Mode.DECREASE)
SET = attempt(name="set", weight=800_003, mode=Mode.SET)
DELTAS = st.sampled_from([Mode.INCREASE, Mode.DECREASE])


def weighed(modes: list[Mode], seed: int) -> list[Attempt]:
    """Attempts as they follow each other, each with a weight chosen beside those that are remembered."""
    source, attempts = random.Random(seed), list[Attempt]()
    for number, mode in enumerate(modes):
        weight = choose_weight([past.shift(BASE) for past in attempts], source)
        attempts.append(attempt(name=str(number), weight=weight, mode=mode))
    return attempts


def history(attempts: list[Attempt]) -> Row:
    """A row that remembers all of these but the last, which is open."""
    return row(attempts[-1], remembered=tuple(Remembered(past) for past in attempts[:-1]))


def moved(by: int) -> ReceiptReading:
    return ReceiptReading(BASE + by, None)


@settings(deadline=None)
@given(
    st.lists(DELTAS, max_size=8),
    st.sampled_from(list(Mode)),
    st.integers(0, 2**32),
    st.sets(st.integers(0, 8), min_size=1),
)
def test_a_value_names_exactly_the_set_that_landed(past: list[Mode], last: Mode, seed: int, chosen: set[int]) -> None:
    """For any subset of up to eight remembered attempts and the open one, in any mixture of signs."""
    attempts = weighed([*past, last], seed)
    subset = [each for number, each in enumerate(attempts) if number in chosen] or attempts
    verdict = judge(history(attempts), moved(sum(each.shift(BASE) for each in subset)), BOUND_S)
    assert verdict == Landed({each.id: 1 for each in subset})


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(list(Mode)), max_size=8), st.sampled_from(list(Mode)), st.integers(0, 2**32))
def test_all_signed_subset_sums_of_chosen_weights_differ(past: list[Mode], last: Mode, seed: int) -> None:
    """The weights of remembered Sets, which explain nothing, are kept apart as well."""
    attempts = weighed([*past, last], seed)
    assert len(subset_sums([each.shift(BASE) for each in attempts])) == 2 ** len(attempts)
    assert all(WEIGHT_MIN <= each.weight < WEIGHT_MAX for each in attempts)


@pytest.mark.parametrize(
    ("drawn", "shifts"),
    [([600_000, 700_000, 550_000], [600_000, 650_000, -700_000]), ([600_000], [600_000]), ([600_000], [-600_000])],
    ids=["what several add up to", "the same", "the same with the other sign"],
)
def test_a_weight_is_drawn_again_until_no_other_could_cancel_or_imitate_it(drawn: list[int], shifts: list[int]) -> None:
    """The same weight with the other sign would move the receipt back to its base."""

    class Source:
        weights = iter([*drawn, 640_000])

        def randrange(self, start: int, stop: int, /) -> int:
            assert (start, stop) == (WEIGHT_MIN, WEIGHT_MAX)
            return next(self.weights)

    assert choose_weight(shifts, Source()) == 640_000


@pytest.mark.parametrize("copies", range(2, COPIES_MAX + 1))
@pytest.mark.parametrize("landed", [UP, DOWN], ids=["up", "down"])
def test_one_attempt_may_land_several_times(landed: Attempt, copies: int) -> None:
    """A request that a proxy repeated moves the receipt by a multiple of its weight."""
    others = [each for each in (UP, DOWN) if each is not landed]
    assert explain(copies * landed.shift(BASE), [*others, landed], BASE) == {landed.id: copies}


def test_more_copies_than_a_proxy_makes_are_not_explained() -> None:
    assert explain((COPIES_MAX + 1) * 600_000, [UP], BASE) is None
    assert explain(-600_000, [UP], BASE) is None
    assert explain(-1_200_000, [UP], BASE) is None


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32))
def test_a_foreign_value_is_unexplained(value: int, seed: int) -> None:
    """Anything that is no sum of what may have landed, nor several copies of one attempt."""
    attempts = weighed([Mode.INCREASE, Mode.DECREASE, Mode.INCREASE], seed)
    shifts = [each.shift(BASE) for each in attempts]
    copies = {count * shift for shift in shifts for count in range(COPIES_MAX + 1)}
    verdict = judge(history(attempts), ReceiptReading(value, None), BOUND_S)
    assert (verdict == Unexplained(value)) == (value - BASE not in subset_sums(shifts) | copies)


def test_a_remembered_set_explains_nothing() -> None:
    """It overwrites rather than adds, so whatever landed before it cannot be told (R7)."""
    assert judge(row(UP, remembered=(Remembered(SET),)), moved(800_003), BOUND_S) == Unexplained(BASE + 800_003)
    assert judge(row(remembered=(Remembered(SET),)), moved(800_003), BOUND_S) == Unexplained(BASE + 800_003)


def test_an_open_set_counts_by_what_it_wrote() -> None:
    """Even where a late landing has moved the base since it was opened."""
    later = replace(row(SET, remembered=(Remembered(DOWN),)), base=BASE + 600_000)
    assert judge(later, ReceiptReading(BASE + 800_003, None), BOUND_S) == Landed({"set": 1})
    assert judge(later, ReceiptReading(BASE + 800_003 - 700_001, None), BOUND_S) == Landed({"set": 1, "down": 1})
    assert judge(later, ReceiptReading(BASE + 600_000 + 800_003, None), BOUND_S) == Unexplained(BASE + 1_400_003)


def test_a_receipt_at_its_base_proves_nothing_until_the_attempt_is_dead() -> None:
    """The extra second is there because both sides count whole ones."""
    assert death(UP, BOUND_S) == NOW + BOUND_S + 1
    for asked_after in (None, NOW, NOW + 11):
        assert judge(row(UP), ReceiptReading(BASE, asked_after), BOUND_S) == TooEarly()
    for asked_after in (NOW + 12, NOW + 13, NOW + 10**6):
        assert judge(row(UP), ReceiptReading(BASE, asked_after), BOUND_S) == NotLanded()


def test_a_bound_of_broken_seconds_is_waited_out() -> None:
    """Dates are whole seconds, so the next whole one counts."""
    assert judge(row(UP), ReceiptReading(BASE, NOW + 3), 2.5) == TooEarly()
    assert judge(row(UP), ReceiptReading(BASE, NOW + 4), 2.5) == NotLanded()


def test_a_row_without_a_base_stands_on_zero() -> None:
    opened = replace(row(attempt(mode=Mode.SET, base=0)), base=None)
    assert judge(opened, ReceiptReading(600_000, NOW), BOUND_S) == Landed({"attempt": 1})
    past = replace(row(remembered=(Remembered(attempt()),)), base=None)
    assert judge(past, ReceiptReading(600_000, NOW), BOUND_S) == Landed({"attempt": 1})
