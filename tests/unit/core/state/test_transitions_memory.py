"""What a row keeps in mind of past attempts, and when it may forget (R6, R11)."""

import pytest

from handler.core.model.operation import Mode
from handler.core.model.outcome import Rejected
from handler.core.model.row import Attempt, Remembered, Row
from handler.core.state.transitions import answered, forgotten, not_landed, refused
from tests.unit.core.samples import BOUND_S, NOW, attempt, entry, row

A = entry("a")
DAY_S = 86_400.0
DEATH = NOW + 12


def bound_of(_: Attempt) -> float:
    """How long after its time an attempt is presumed dead."""
    return BOUND_S


def memory(refusals: str) -> tuple[Remembered, ...]:
    """One past attempt for each letter: `x` for an expired one, `s` for an expired Set, `r` for a refused one."""
    modes = {"s": Mode.SET}
    return tuple(
        Remembered(attempt(name=f"{number}{letter}", mode=modes.get(letter, Mode.INCREASE)), refused=letter == "r")
        for number, letter in enumerate(refusals)
    )


def kept(row: Row) -> str:
    return " ".join(past.attempt.id for past in row.remembered)


def test_a_ninth_takes_the_place_of_the_oldest() -> None:
    """No number of losses freezes a group: what was owed is owed, and goes out again."""
    after = not_landed(row(attempt(A), remembered=memory("xxxxxxxx"))).row
    assert kept(after) == "1x 2x 3x 4x 5x 6x 7x attempt"
    assert (after.frozen, after.attempt, after.queue) == (None, None, (A,))


@pytest.mark.parametrize(
    ("full", "gone"), [("xxrxxrxx", "2r"), ("rxxxxxxr", "0r"), ("xrxsxsxx", "3s"), ("ssssssss", "0s")]
)
def test_an_expired_set_gives_way_first_and_then_a_refused_attempt(full: str, gone: str) -> None:
    """A Set is recognised by nothing if it lands late, a refused one is the likeliest to be dead; the oldest first."""
    before = row(attempt(A), remembered=memory(full))
    left = " ".join(past.attempt.id for past in before.remembered if past.attempt.id != gone)
    for after in (not_landed(before).row, refused(before).row, answered(before, Rejected(10004, ""), NOW).row):
        assert (kept(after), after.frozen) == (f"{left} attempt", None)


@pytest.mark.parametrize(
    ("known_after", "names"),
    [
        (None, "0x 1r"),
        (NOW, "0x 1r"),
        (DEATH - 1, "0x 1r"),
        (DEATH, "0x"),
        (DEATH + 86_399, "0x"),
        (DEATH + 86_400, ""),
    ],
)
def test_a_refused_attempt_is_forgotten_at_its_death_and_an_expired_one_a_day_later(
    known_after: int | None, names: str
) -> None:
    """Given a receipt seen at its base after that moment of the API's clock."""
    assert kept(forgotten(row(remembered=memory("xr")), known_after, bound_of, DAY_S)) == names
