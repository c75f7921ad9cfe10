"""How an attempt that did not land is closed, and what becomes of its operations (R1, R6, R7)."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Rejected
from handler.core.model.row import Entry, Row
from handler.core.state.transitions import (
    answered,
    not_landed,
    refused,
    returned,
)
from tests.unit.core.samples import NOW, attempt, entry, row

A, B, C = entry("a"), entry("b"), entry("c")
GONE = Rejected(10010, "no such group")
OPEN = row(attempt(A, B), (C,))
HALF_SETTLED = row(replace(attempt(A, B), settled=frozenset({"a"})), (C,))


@pytest.mark.parametrize(
    ("before", "split", "queue"),
    [
        (OPEN, True, (replace(A, alone=True), replace(B, alone=True), C)),
        (HALF_SETTLED, True, (replace(B, alone=True), C)),
        (OPEN, False, (A, B, C)),
        (HALF_SETTLED, False, (B, C)),
    ],
    ids=["split", "split but for what was settled", "a passing refusal", "a passing one of half a run"],
)
def test_a_refused_attempt_is_remembered_and_its_run_may_be_split(
    before: Row, queue: tuple[Entry, ...], *, split: bool
) -> None:
    after = refused(before, split=split).row
    assert (after.attempt, after.queue) == (None, queue)
    [past] = after.remembered
    assert (past.attempt.id, past.attempt.weight, past.refused) == ("attempt", 600_000, True)


@pytest.mark.parametrize(
    "close",
    [
        lambda row: not_landed(row).row,
        returned,
        lambda row: refused(row, split=True).row,
        lambda row: answered(row, GONE, NOW).row,
    ],
    ids=["not landed", "returned", "refused", "answered"],
)
def test_only_an_open_attempt_can_be_closed(close: Callable[[Row], Row]) -> None:
    """Anything else is a mistake in the program, and no state to store."""
    with pytest.raises(ValueError, match="no attempt is open"):
        close(row(queue=(A,)))
