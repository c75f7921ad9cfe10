"""Rows are stored whole, and change only by compare-and-swap on their version."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.model.codec import ROW_BYTES, encode_row
from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode
from handler.core.model.row import Attempt, Entry, Remembered, Row
from handler.core.ports.ledger import Generation
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, past_attempt, record
from tests.contract.stores import OpenLedger

FULL_ROW = Row(
    version=1,
    generation=3,
    receipt_key="_quittung 🧾",
    base=-7,
    attempt=Attempt(
        id="a1",
        weight=2**19,
        mode=Mode.SET,
        entries=(
            entry("first"),
            Entry(
                id="second",
                fingerprint="v1:2",
                mode=Mode.SET,
                counters=(("k'\"\\", INT64_MIN), ("ключ", INT64_MAX)),
                window_s=0.5,
                alone=True,
            ),
        ),
        signed_at=1_700_000_000,
        life_s=6,
        base=-7,
        settled=frozenset({"first"}),
    ),
    queue=(entry("third"), replace(entry("fourth"), alone=True)),
    remembered=(
        past_attempt(),
        Remembered(
            Attempt(
                id="a0",
                weight=2**20 - 1,
                mode=Mode.DECREASE,
                entries=(),
                signed_at=1,
                life_s=2,
                correction=(("like", 5),),
            ),
            refused=True,
        ),
    ),
    debt=(("like", 5), ("share", -2)),
    frozen="a reason\nof two lines",
    first_seen_at=1_700_000_001,
    last_checked_at=1_700_000_002,
)

CORRECTING_ROW = replace(
    idle_row(),
    attempt=replace(attempt(), mode=Mode.DECREASE, entries=(), correction=(("like", 5),)),
    debt=(("like", 5),),
)
"""Its attempt pays a debt and carries no operations."""


def row_of_bytes(size: int) -> Row:
    """A row whose text is `size` bytes long."""
    empty = replace(idle_row(), frozen="")
    return replace(empty, frozen="x" * (size - len(encode_row(empty).encode())))


def test_a_new_store_is_of_the_first_generation(ledger: OpenLedger) -> None:
    assert ledger.generation() == Generation(1, 0)


@pytest.mark.parametrize(
    "row",
    [idle_row(), replace(idle_row(), base=None), FULL_ROW, CORRECTING_ROW],
    ids=["idle", "first", "full", "correcting"],
)
def test_a_row_is_loaded_as_it_was_written(ledger: OpenLedger, row: Row) -> None:
    assert ledger.swap(GROUP, row, {})
    assert ledger.load(GROUP) == row


def test_version_1_is_created_only_once(ledger: OpenLedger) -> None:
    """Of two who meet a new group, the second is told to look again."""
    assert ledger.swap(GROUP, idle_row(), {})
    assert not ledger.swap(GROUP, replace(idle_row(), base=2000), {"operation": record()})
    assert ledger.load(GROUP) == idle_row()
    assert ledger.find(GROUP, ["operation"]) == {}


def test_a_row_is_replaced_by_its_next_version(ledger: OpenLedger) -> None:
    row = idle_row()
    for _ in range(3):
        assert ledger.swap(GROUP, row, {})
        row = row.changed(base=(row.base or 0) + 1)
    assert ledger.load(GROUP) == replace(idle_row(), version=3, base=1002)


@pytest.mark.parametrize("version", [1, 2, 4, 5], ids=lambda version: f"version {version}")
def test_any_other_version_is_refused_and_writes_neither_row_nor_records(ledger: OpenLedger, version: int) -> None:
    stored = idle_row().changed(base=2000)
    assert ledger.swap(GROUP, idle_row(), {})
    assert ledger.swap(GROUP, stored, {})
    assert not ledger.swap(GROUP, replace(stored, version=version, base=3000), {"operation": record()})
    assert ledger.load(GROUP) == stored
    assert ledger.find(GROUP, ["operation"]) == {}


def test_a_version_that_follows_no_row_is_refused(ledger: OpenLedger) -> None:
    """A row that somebody knows and the ledger does not is a lost ledger, not a new group."""
    assert not ledger.swap(GROUP, replace(idle_row(), version=2), {"operation": record()})
    assert ledger.load(GROUP) is None
    assert ledger.find(GROUP, ["operation"]) == {}


def test_a_row_at_the_bound_is_stored(ledger: OpenLedger) -> None:
    row = row_of_bytes(ROW_BYTES)
    assert ledger.swap(GROUP, row, {})
    assert ledger.load(GROUP) == row


TOO_LARGE = row_of_bytes(ROW_BYTES + 1).changed()
TOO_MANY = attempt(*(entry(f"operation {number}") for number in range(ROW_BYTES // 50)))


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger: ledger.swap(GROUP, TOO_LARGE, {"operation": record()}),
        lambda ledger: ledger.begin(GROUP, TOO_MANY, RECEIPT_KEY, GENERATION),
    ],
    ids=["swap", "begin"],
)
def test_a_row_over_the_bound_is_never_written(ledger: OpenLedger, write: Callable[[OpenLedger], object]) -> None:
    """That is a mistake in the program; the ledger holds what it held, and goes on."""
    assert ledger.swap(GROUP, idle_row(), {})
    with pytest.raises(ValueError, match="over the bound"):
        write(ledger)
    assert ledger.load(GROUP) == idle_row()
    assert ledger.find(GROUP, ["operation"]) == {}
    assert ledger.swap(GROUP, idle_row().changed(base=5), {})
