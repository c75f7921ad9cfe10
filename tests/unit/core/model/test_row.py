"""The row of a group: what it owes, when it is idle, and what a settlement asks of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Entry, Note, Remembered, Row, Settlement, first_row
from tests.unit.core.samples import BASE, attempt, entry, row

A, B, C = entry("a"), entry("b", share=2), entry("c")


def test_an_entry_is_what_the_row_needs_of_an_operation() -> None:
    """Its caller and key are in the id, its group is the row's."""
    operation = Operation(
        group_id="G", mode=Mode.DECREASE, counters=(("like", 5),), caller="caller", key="key", window_s=60.0
    )
    assert Entry.of(operation) == Entry(
        id=operation.id,
        fingerprint=operation.fingerprint,
        mode=Mode.DECREASE,
        counters=(("like", 5),),
        window_s=60.0,
        alone=False,
    )


def test_a_first_row_owes_its_operations_and_knows_no_base() -> None:
    first = first_row([A, B], "_receipt", 3)
    assert (first.version, first.generation, first.receipt_key, first.base) == (1, 3, "_receipt", None)
    assert first.owed == (A, B)


def test_a_row_owes_what_its_attempt_and_its_queue_hold() -> None:
    carried = replace(attempt(A, B), settled=frozenset({"a"}))
    assert carried.owed == (B,)
    assert row(carried, (C,)).owed == (B, C)
    assert row(queue=(C,)).owed == (C,)


def test_an_owed_operation_is_found_by_its_id() -> None:
    """A settled one, or one that is only remembered, is not owed."""
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


def test_remembered_attempts_move_the_receipt_each_in_its_way() -> None:
    """What a new weight has to differ from."""
    past = tuple(Remembered(attempt(mode=mode)) for mode in (Mode.INCREASE, Mode.DECREASE, Mode.SET))
    assert replace(row(remembered=past), base=BASE + 10).remembered_shifts == (600_000, -600_000, 599_990)


def test_every_change_is_the_next_version() -> None:
    """Opening an attempt included, which stands on the base of that moment."""
    before = row(queue=(A, B))
    opened = before.opened(attempt(A, base=0), (B,))
    assert opened.version == before.version + 1
    assert (opened.attempt, opened.queue) == (attempt(A, base=BASE), (B,))
    assert opened.changed().version == before.version + 2


def test_a_settled_row_may_still_be_unfinished() -> None:
    """The sweep comes back for remembered attempts, and leaves a frozen group to an operator."""
    idle, watched = row(), row(remembered=(Remembered(attempt()),))
    assert (idle.is_settled, idle.is_unfinished) == (True, False)
    assert (watched.is_settled, watched.is_unfinished) == (True, True)
    assert not watched.changed(frozen="why").is_unfinished


@pytest.mark.parametrize(
    "busy", [row(attempt(A)), row(queue=(A,)), row(debt=(("like", 1),))], ids=["open", "queue", "debt"]
)
def test_what_is_owed_to_anyone_is_unfinished(busy: Row) -> None:
    assert (busy.is_settled, busy.is_unfinished) == (False, True)


def test_a_row_with_a_note_is_unfinished_even_where_it_is_frozen() -> None:
    """What has to be parked needs no operator."""
    noted = row().changed(notes=(Note(A, 10010, 1.0),))
    assert (noted.is_settled, noted.is_unfinished, noted.has_work) == (False, True, False)
    assert noted.changed(frozen="why").is_unfinished
    assert not noted.is_idle("_receipt", 1, Mode.INCREASE)


def test_an_idle_row_takes_the_fast_path() -> None:
    assert row().is_idle("_receipt", 1, Mode.INCREASE)


@pytest.mark.parametrize(
    ("mode", "least", "most"),
    [
        (Mode.INCREASE, 2**32 - 2**48, 2**62 + 2**61),
        (Mode.DECREASE, 2**32, 2**62 + 2**61),
        (Mode.SET, 0, 2**62 + 2**61),
    ],
)
def test_the_fast_path_is_closed_where_the_receipt_has_to_be_moved_first(mode: Mode, least: int, most: int) -> None:
    """Or where nothing may be opened at all; without receipts it does not matter (R2)."""
    allowed = {base: replace(row(), base=base).is_idle("_receipt", 1, mode) for base in (least, most)}
    assert allowed == {least: True, most: True}
    for base in (least - 1, most + 1):
        assert not replace(row(), base=base).is_idle("_receipt", 1, mode)
        assert replace(row(), base=base, receipt_key="").is_idle("", 1, mode)


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": attempt(A)},
        {"queue": (A,)},
        {"remembered": (Remembered(attempt()),)},
        {"remembered": (Remembered(attempt(), refused=True),)},
        {"debt": (("like", 1),)},
        {"frozen": "why"},
        {"base": None},
        {"receipt_key": "_other"},
        {"receipt_key": ""},
        {"generation": 2},
        {"generation": 0},
    ],
    ids=str,
)
def test_any_history_closes_the_fast_path(change: dict[str, object]) -> None:
    assert not row().changed(**change).is_idle("_receipt", 1, Mode.INCREASE)


def test_a_settlement_clears_the_attempt_and_nothing_else() -> None:
    """The queue stays, so the row stays unfinished while it is not empty."""
    before = row(attempt(A), (C,))
    after = Settlement(attempt=attempt(), base=BASE, new_base=BASE + 600_000).applied_to(before)
    assert after == replace(before, version=before.version + 1, attempt=None, base=BASE + 600_000)
    assert after.is_unfinished


def test_a_settlement_takes_what_was_accepted_meanwhile_as_it_is() -> None:
    grown = row(attempt(A)).changed(queue=(B,)).changed(queue=(B, C))
    after = Settlement(attempt=attempt(), base=BASE, new_base=BASE + 1).applied_to(grown)
    assert after is not None
    assert (after.version, after.queue) == (grown.version + 1, (B, C))


@pytest.mark.parametrize(
    "stored",
    [None, row(), row(attempt(A, name="other")), replace(row(attempt(A)), base=BASE + 1)],
    ids=["no row", "nothing open", "another attempt", "another base"],
)
def test_a_settlement_of_anything_else_does_not_hold(stored: Row | None) -> None:
    assert Settlement(attempt=attempt(), base=BASE, new_base=BASE + 600_000).applied_to(stored) is None


def test_a_record_expires_its_window_after_it_was_settled() -> None:
    assert Record("v1:a", Applied(()), 1_000.0, 60.0).expires_at == 1_060.0


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
