"""What goes out together in one call, and each operation's share of what comes back."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.model.operation import INT64_MAX, INT64_MIN, Counters, Mode
from handler.core.model.row import Attempt, Debt, Entry
from handler.core.state.merge import correction_of, next_run, payload_of, shares, with_excess
from tests.unit.core.samples import attempt, entry

KEYS = st.sampled_from(["like", "share", "play"])
SMALL = st.integers(-1000, 1000)
COUNTERS = st.dictionaries(KEYS, SMALL, min_size=1).map(lambda counters: tuple(counters.items()))
DELTAS = st.sampled_from([Mode.INCREASE, Mode.DECREASE])


def names(queue: list[Entry], known: Mapping[str, int] | None = None, limit: int = 19) -> str:
    return "".join(entry.id for entry in next_run(queue, known or {}, limit))


def entries(contents: list[Counters], mode: Mode) -> list[Entry]:
    return [
        Entry(id=str(number), fingerprint="v1", mode=mode, counters=counters, window_s=60.0)
        for number, counters in enumerate(contents)
    ]


def test_a_run_has_at_most_as_many_keys_as_a_call() -> None:
    queue = [entry("a", k1=1, k2=1), entry("b", k2=1, k3=1), entry("c", k1=1), entry("d", k4=1)]
    assert [names(queue, limit=limit) for limit in (1, 2, 3, 4)] == ["a", "a", "abc", "abcd"]


@pytest.mark.parametrize(
    ("mode", "first", "second", "known", "run"),
    [
        (Mode.INCREASE, INT64_MAX, 0, 0, "ab"),
        (Mode.INCREASE, INT64_MAX, 1, 0, "a"),
        (Mode.INCREASE, INT64_MAX, 1, -10, "a"),
        (Mode.INCREASE, INT64_MIN, -1, 0, "a"),
        (Mode.INCREASE, INT64_MIN, -1, 10, "a"),
        (Mode.INCREASE, 5, 5, INT64_MAX - 10, "ab"),
        (Mode.INCREASE, 5, 5, INT64_MAX - 9, "a"),
        (Mode.INCREASE, -5, -5, INT64_MIN + 9, "a"),
        (Mode.DECREASE, 5, 5, INT64_MIN + 10, "ab"),
        (Mode.DECREASE, 5, 5, INT64_MIN + 9, "a"),
        (Mode.DECREASE, -5, -5, INT64_MAX - 9, "a"),
        (Mode.DECREASE, INT64_MIN, 0, 0, "a"),
        (Mode.SET, INT64_MAX, INT64_MAX, INT64_MAX, "ab"),
    ],
)
def test_sums_stay_in_64_bits(mode: Mode, first: int, second: int, known: int, run: str) -> None:
    """Alone, and added to the value last seen; a Set adds nothing."""
    assert names([entry("a", mode, like=first), entry("b", mode, like=second)], {"like": known}) == run


def test_nothing_goes_with_an_operation_that_leaves_64_bits_by_itself() -> None:
    """The vendor would refuse its company as well, even on other keys."""
    queue = [entry("a", like=5), entry("b", share=1)]
    assert names(queue, {"like": INT64_MAX - 4}) == "a"
    assert names(queue, {"like": INT64_MAX - 5}) == "ab"


@pytest.mark.parametrize(("alone", "runs"), [("a", "a"), ("b", "a"), ("c", "ab")])
def test_an_operation_that_was_refused_in_company_goes_alone(alone: str, runs: str) -> None:
    assert names([entry(name, alone=name == alone) for name in "abc"]) == runs


@pytest.mark.parametrize(
    ("call", "payload"),
    [
        *[
            (
                attempt(entry("a", mode, like=5, share=-1), entry("b", mode, like=2), entry("c", mode, play=0)),
                {"like": 7, "share": -1, "play": 0},
            )
            for mode in (Mode.INCREASE, Mode.DECREASE)
        ],
        (attempt(entry("a", Mode.SET, like=5, share=1), entry("b", Mode.SET, like=2)), {"like": 2, "share": 1}),
        (replace(attempt(entry("a"), entry("b")), settled=frozenset({"a"})), {"like": 10}),
        (attempt(correction=(("like", 3), ("share", 4))), {"like": 3, "share": 4}),
    ],
    ids=["sums of Increases", "sums of Decreases", "the last Set of each key", "what was settled too", "a correction"],
)
def test_a_payload_is_what_was_sent_in_the_direction_of_its_mode(call: Attempt, payload: dict[str, int]) -> None:
    assert payload_of(call) == payload


@given(st.dictionaries(KEYS, SMALL), st.lists(COUNTERS, min_size=1, max_size=6), DELTAS)
def test_shares_are_what_one_call_each_would_have_shown(
    before: dict[str, int], contents: list[Counters], mode: Mode
) -> None:
    """The reply to a merged call gives each operation the values that its own call would have, own keys, own order."""
    values, expected = dict(before), []
    for counters in contents:
        for key, value in counters:
            values[key] = values.get(key, 0) + (value if mode is Mode.INCREASE else -value)
        expected.append(tuple((key, values[key]) for key, _ in counters))
    assert list(reversed(shares(attempt(*entries(contents, mode)), values).values())) == expected


@given(st.lists(st.tuples(COUNTERS, DELTAS, st.integers(1, 8)), max_size=5))
def test_payments_balance_any_debt_with_positive_values_in_the_opposite_mode(
    excesses: list[tuple[Counters, Mode, int]],
) -> None:
    """Payment after payment, each as an excess of its own, until nothing is owed."""
    debt: Debt = ()
    for counters, mode, times in excesses:
        debt = with_excess(debt, mode, counters, times)
    payments = 0
    while debt and payments < 4:
        mode, payment = correction_of(debt, 2)
        assert 1 <= len(payment) <= 2
        assert all(0 < value <= INT64_MAX and mode.sign * dict(debt)[key] < 0 for key, value in payment)
        debt = with_excess(debt, mode, payment, 1)
        payments += 1
    assert debt == ()


def test_a_debt_beyond_64_bits_is_paid_in_parts() -> None:
    debt = with_excess((), Mode.DECREASE, (("like", INT64_MIN),), 1)
    mode, payment = correction_of(debt, 19)
    assert (mode, payment) == (Mode.DECREASE, (("like", INT64_MAX),))
    assert with_excess(debt, mode, payment, 1) == (("like", 1),)
