"""What follows from a landing: answers, the new base, and what is owed back (R5, R7)."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied
from handler.core.model.row import Remembered, Row
from handler.core.state.transitions import Change, landed
from tests.unit.core.samples import BASE, NOW, attempt, entry, row, seen

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
