"""How an attempt that did not land is closed, and what becomes of its operations (R1, R6, R7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Applied, Record, Rejected, Unknown
from handler.core.model.row import Entry, Remembered, Row
from handler.core.state.transitions import (
    answered,
    appended,
    frozen,
    landed,
    not_landed,
    record_of,
    refused,
    rejected_from_queue,
    returned,
)
from tests.unit.core.samples import BASE, NOW, WINDOW_S, attempt, entry, row, seen

A, B, C = entry("a"), entry("b"), entry("c")
GONE = Rejected(10010, "no such group")
OPEN = row(attempt(A, B), (C,))
HALF_SETTLED = row(replace(attempt(A, B), settled=frozenset({"a"})), (C,))

TRANSITIONS: dict[str, Callable[[Row], Row]] = {
    "landed": lambda row: landed(row, BASE + 1, {"attempt": 1}, seen(like=10)).row,
    "not landed": lambda row: not_landed(row).row,
    "refused": lambda row: refused(row, split=False).row,
    "refused and split": lambda row: refused(row, split=True).row,
    "answered": lambda row: answered(row, GONE, NOW).row,
    "returned": returned,
    "rejected from the queue": lambda row: rejected_from_queue(row, GONE, NOW).row,
    "frozen": lambda row: frozen(row, "why"),
    "appended": lambda row: appended(row, [entry("d")]),
    "opened": lambda row: row.opened(attempt(A)),
    "full": lambda row: not_landed(replace(row, remembered=(Remembered(attempt(name="past")),) * 8)).row,
}


@pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
def test_every_transition_is_one_version(transition: Callable[[Row], Row]) -> None:
    assert transition(OPEN).version == OPEN.version + 1


def test_a_dead_attempt_is_remembered_and_its_operations_go_first_again() -> None:
    after = not_landed(OPEN).row
    assert (after.attempt, after.queue) == (None, (A, B, C))
    assert after.remembered == (Remembered(attempt(A, B)),)


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


def test_a_rejected_operation_is_answered_for_good() -> None:
    change = answered(row(attempt(A), (C,)), GONE, NOW)
    assert change.records == {"a": Record("v1:a", GONE, NOW, WINDOW_S)}
    assert (change.row.attempt, change.row.queue, change.row.base) == (None, (C,), BASE)
    assert [past.refused for past in change.row.remembered] == [True]


def test_an_unknown_outcome_answers_all_that_the_attempt_owed() -> None:
    lost = Unknown("the reply was lost")
    change = answered(replace(HALF_SETTLED, receipt_key=""), lost, NOW)
    assert change.records == {"b": record_of(B, lost, NOW)}
    assert (change.row.remembered, change.row.queue) == ((), (C,))


def test_an_attempt_that_never_left_leaves_no_trace() -> None:
    after = returned(OPEN)
    assert after == replace(OPEN, version=OPEN.version + 1, attempt=None, queue=(A, B, C))
    assert returned(HALF_SETTLED).queue == (B, C)


def test_a_frozen_group_keeps_all_that_it_owes() -> None:
    assert frozen(OPEN, "why") == replace(OPEN, version=OPEN.version + 1, frozen="why")


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


def test_a_record_says_what_the_operation_was_and_when_it_was_settled() -> None:
    assert record_of(A, Applied(()), NOW).expires_at == NOW + WINDOW_S
