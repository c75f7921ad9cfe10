"""What workers do to one group of a ledger, alone or against each other."""

from collections.abc import Sequence

from msgspec.structs import replace

from handler.core.model.outcome import Record
from handler.core.model.row import Group
from handler.core.ports.ledger import Ledger
from tests.contract.samples import (
    GENERATION,
    GROUP,
    RECEIPT_KEY,
    WEIGHT,
    attempt,
    entry,
    idle_row,
    record,
    settlement,
    there,
)


def increment(ledger: Ledger, times: int) -> None:
    """Raise the base of the row by one, again and again, each time by compare-and-swap."""
    for _ in range(times):
        done = False
        while not done:
            row = there(ledger.load(GROUP))
            done = ledger.swap(GROUP, row.changed(base=(row.base or 0) + 1), {})


def append(ledger: Ledger, names: Sequence[str]) -> None:
    """Append operations to the row's queue one by one, as acceptance does, creating the row if there is none."""
    for name in names:
        done = False
        while not done:
            row = ledger.load(GROUP) or replace(idle_row(), version=0)
            done = ledger.swap(GROUP, row.changed(queue=(*row.queue, entry(name))), {})


def begin(ledger: Ledger, name: str) -> bool:
    """Try to open an attempt; whether that held."""
    return ledger.begin(GROUP, attempt(entry(name), name=name), RECEIPT_KEY, GENERATION) is not None


def settle(ledger: Ledger, value: int) -> bool:
    """Try to settle the attempt called "attempt" with an answer of one's own; whether that held."""
    mine = replace(settlement(attempt(entry())), records={"operation": record(value=value)})
    return ledger.settle(GROUP, mine)


def update(ledger: Ledger, group: Group, number: int) -> None:
    """Begin and settle one operation, as a request does whom nobody disturbs."""
    run = attempt(entry(str(number)), name=f"attempt {number}")
    row = there(ledger.begin(group, run, RECEIPT_KEY, GENERATION))
    assert ledger.settle(group, settlement(run, row.base or 0))


def base_after(updates: int) -> int:
    """Where the receipt of the sample row stands after that many updates."""
    return (idle_row().base or 0) + updates * WEIGHT


def records_after(updates: int) -> dict[str, Record]:
    """What that many updates, numbered from 0, have written."""
    return {str(number): record(str(number)) for number in range(updates)}
