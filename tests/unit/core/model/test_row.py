"""The row of a group: what it owes, when it is idle, and what a settlement asks of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Remembered
from tests.unit.core.samples import BASE, attempt, entry, row

A, B, C = entry("a"), entry("b", share=2), entry("c")


def test_a_row_owes_what_its_attempt_and_its_queue_hold() -> None:
    carried = replace(attempt(A, B), settled=frozenset({"a"}))
    assert carried.owed == (B,)
    assert row(carried, (C,)).owed == (B, C)
    assert row(queue=(C,)).owed == (C,)


def test_an_owed_operation_is_found_by_its_id() -> None:
    waiting = row(replace(attempt(A, B), settled=frozenset({"a"})), (C,), (Remembered(attempt(entry("d"))),))
    assert [waiting.entry(name) for name in "abcd"] == [None, B, C, None]


@pytest.mark.parametrize(
    ("mode", "base", "shift"),
    [
        (Mode.INCREASE, BASE, 600_000),
        (Mode.INCREASE, BASE + 9, 600_000),
        (Mode.DECREASE, BASE, -600_000),
        (Mode.DECREASE, BASE - 9, -600_000),
        (Mode.SET, BASE, 600_000),
        (Mode.SET, BASE + 9, 599_991),
        (Mode.SET, BASE - 9, 600_009),
    ],
)
def test_an_attempt_moves_the_receipt_by_its_sign(mode: Mode, base: int, shift: int) -> None:
    """A Set writes the base of its opening plus its weight, wherever the receipt is meanwhile."""
    assert attempt(mode=mode).shift(base) == shift
    assert replace(row(remembered=(Remembered(attempt(mode=mode)),)), base=base).remembered_shifts == (shift,)


def test_every_change_is_the_next_version() -> None:
    before = row(queue=(A, B))
    opened = before.opened(attempt(A, base=0), (B,))
    assert opened.version == before.version + 1
    assert (opened.attempt, opened.queue) == (attempt(A, base=BASE), (B,))
    assert opened.changed().version == before.version + 2


def test_memory_folds_what_is_settled_into_net_values() -> None:
    """It keeps the operations that are still owed, and costs no more than the group has keys for the rest."""
    past = Remembered(attempt(A, B, C), folded=(("like", 100),))
    kept = past.without({"b"})
    assert kept.attempt.entries == (B,)
    assert dict(kept.folded) == {"like": 110}
    assert past.without({"a", "b", "c"}) is past


def test_every_change_folds_what_is_owed_no_more() -> None:
    """Operations of the queue and of the open attempt stay spelt out in memory."""
    before = row(attempt(A), (B,), (Remembered(attempt(A, B, C, name="past")),))
    [kept] = before.changed().remembered
    assert (kept.attempt.entries, kept.folded) == ((A, B), (("like", 5),))
