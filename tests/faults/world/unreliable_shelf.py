"""A ledger with its shelf behind a network: what is parked lies in the same store."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.ports.ledger import Ledger
from handler.core.ports.shelf import Parked, Shelf
from tests.faults.world.unreliable import LedgerFaults, UnreliableLedger
from tests.faults.world.world import World


class UnreliableStore(UnreliableLedger):
    """A `Ledger` and a `Shelf`, which are out of reach together."""

    def __init__(self, world: World, ledger: Ledger, shelf: Shelf, faults: LedgerFaults | None = None) -> None:
        super().__init__(world, ledger, faults)
        self._shelf = shelf

    def park(self, app: int, parked: Parked) -> None:
        self._write(f"parks {parked.id}", lambda: self._shelf.park(app, parked))

    def parked(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        return self._read("lists the parked", lambda: self._shelf.parked(app, limit, after))

    def unpark(self, app: int, parked_id: str) -> bool:
        return self._write(f"drops {parked_id}", lambda: self._shelf.unpark(app, parked_id))

    def note(self, app: int, name: str, text: str) -> None:
        self._write("notes a fact", lambda: self._shelf.note(app, name, text))

    def noted(self, app: int, name: str) -> str | None:
        return self._read("reads a fact", lambda: self._shelf.noted(app, name))
