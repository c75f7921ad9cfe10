"""What follows from a landing: answers, the new base, and what is owed back (R5, R7)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Remembered, Row
from handler.core.state.transitions import Change, landed, not_landed
from tests.unit.core.samples import BASE, NOW, WINDOW_S, attempt, entry, row, seen

A, B, C = entry("a", like=5), entry("b", like=7, share=2), entry("c", like=1)
PAST = attempt(A, name="past", weight=700_001)
VALUE = BASE + 1


def land(row: Row, *names: str, times: int = 1, later: bool = False, **values: int) -> Change:
    """What follows where these attempts landed and the API shows these counters."""
    return landed(row, VALUE, dict.fromkeys(names, times), seen(later=later, **values))


def answers(change: Change) -> dict[str, Applied]:
    """The answers of the operations that a landing settled."""
    found = {name: record.answer for name, record in change.records.items()}
    return {name: answer for name, answer in found.items() if isinstance(answer, Applied)}


def test_a_plain_landing_settles_every_operation_of_the_attempt() -> None:
    """Each with the values after its own share; the queue waits on, the row stands on the value seen."""
    before = row(attempt(A, B), (C,))
    change = land(before, "attempt", like=112, share=2)
    assert answers(change) == {"a": Applied((("like", 105),)), "b": Applied((("like", 112), ("share", 2)))}
    known = (("like", int(NOW + 1.5)), ("share", int(NOW + 1.5)))
    assert change.row == replace(before, version=before.version + 1, attempt=None, base=VALUE, keys=known)


def test_a_record_keeps_the_content_and_its_window() -> None:
    [record] = land(row(attempt(A)), "attempt", like=5).records.values()
    assert record == Record("v1:a", Applied((("like", 5),)), NOW + 1.5, WINDOW_S)


def test_values_seen_beside_the_receipt_are_told_as_seen_then() -> None:
    change = land(row(attempt(A, B)), "attempt", later=True, like=112, share=2, _receipt=9)
    assert answers(change) == {
        "a": Applied((("like", 112),), observed_later=True),
        "b": Applied((("like", 112), ("share", 2)), observed_later=True),
    }


def test_what_another_landing_settled_is_owed_back_when_the_attempt_lands_too() -> None:
    """It counted twice; the others of the attempt counted once and are answered."""
    between = land(row(attempt(A, B), remembered=(Remembered(PAST),)), "past", later=True, like=5).row
    change = land(between, "attempt", like=17, share=2)
    assert answers(change) == {"b": Applied((("like", 17), ("share", 2)))}
    assert change.row.debt == (("like", 5),)


def test_several_late_landings_settle_what_the_open_attempt_carries() -> None:
    """One after the other: none of them undoes what the ones before it have settled."""
    memory = (Remembered(PAST), Remembered(attempt(B, name="next")))
    between = land(row(attempt(A, B, C), remembered=memory), "past", later=True, like=5).row
    after = land(between, "next", later=True, like=12, share=2).row
    assert after.owed == (C,)


def test_what_another_landing_settled_is_forgotten_when_the_attempt_does_not_land() -> None:
    between = land(row(attempt(A, B), (C,), (Remembered(PAST),)), "past", later=True, like=5).row
    after = not_landed(between).row
    assert (after.queue, after.debt) == ((B, C), ())


@pytest.mark.parametrize(
    ("mode", "times", "debt"),
    [
        (Mode.INCREASE, 1, {"like": 5, "share": -2}),
        (Mode.INCREASE, 3, {"like": 15, "share": -6}),
        (Mode.DECREASE, 1, {"like": -5, "share": 2}),
        (Mode.DECREASE, 2, {"like": -10, "share": 4}),
    ],
)
def test_a_landing_of_settled_operations_is_owed_back(mode: Mode, times: int, debt: Mapping[str, int]) -> None:
    """With the sign of what landed, as often as it landed; nobody gets a second answer."""
    settled = Remembered(attempt(entry("a", mode, like=5, share=-2), name="past"))
    change = land(row(remembered=(settled,)), "past", times=times, later=True)
    assert dict(change.row.debt) == debt
    assert (change.records, change.row.remembered) == ({}, ())


@pytest.mark.parametrize("times", [2, 3, 8])
def test_copies_beyond_the_first_are_owed_back(times: int) -> None:
    """One application was wanted, of the open attempt or of a remembered one that is still owed."""
    opened = land(row(attempt(A)), "attempt", times=times, like=5 * times)
    waiting = land(row(queue=(A,), remembered=(Remembered(PAST),)), "past", times=times, later=True, like=5 * times)
    for change in (opened, waiting):
        assert list(change.records) == ["a"]
        assert change.row.debt == (("like", 5 * (times - 1)),)


def test_a_landing_that_is_half_owed_settles_one_half_and_owes_back_the_other() -> None:
    """Operations of one attempt may have gone different ways since."""
    memory = (Remembered(attempt(A, B, name="past")),)
    change = land(row(queue=(B,), remembered=memory).changed(), "past", later=True, like=17, share=2)
    assert (list(change.records), change.row.queue, change.row.debt) == (["b"], (), (("like", 5),))


def test_what_landed_on_top_of_a_set_is_owed_back() -> None:
    """A receipt that shows both has seen the Set first: what came before it would be overwritten."""
    writing = attempt(entry("a", Mode.SET, like=100))
    past = Remembered(attempt(entry("z", like=5), name="past", weight=700_001))
    change = land(row(writing, remembered=(past,), debt=(("like", 3),)), "attempt", "past", later=True, like=105)
    assert (change.row.debt, list(change.records)) == ((("like", 5),), ["a"])


@pytest.mark.parametrize("value", [0, -600_000, 2**53])
def test_the_row_stands_on_the_value_seen(value: int) -> None:
    assert landed(row(attempt(A)), value, {"attempt": 1}, seen(like=5)).row.base == value
