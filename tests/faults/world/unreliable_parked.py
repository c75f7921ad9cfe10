"""A ledger and its parked records behind a network: both lie in the same store."""

from collections.abc import Iterator, Sequence

from handler.core.ports.ledger import Ledger, Parked, ParkedAndNotes, ParkedLabel
from tests.faults.world.unreliable import LedgerFaults, UnreliableLedger
from tests.faults.world.world import World


class UnreliableStore(UnreliableLedger):
    """A `Ledger`, `ParkedRecords` and `Notes`, which are out of reach together."""

    def __init__(self, world: World, ledger: Ledger, kept: ParkedAndNotes, faults: LedgerFaults | None = None) -> None:
        super().__init__(world, ledger, faults)
        self._kept = kept

    def park(self, app: int, parked: Parked) -> None:
        self._write(f"parks {parked.id}", lambda: self._kept.park(app, parked))

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        return self._read("lists the parked", lambda: self._kept.page(app, limit, after))

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        return iter(self._read("counts the parked", lambda: tuple(self._kept.labels(app))))

    def unpark(self, app: int, parked_id: str) -> bool:
        return self._write(f"drops {parked_id}", lambda: self._kept.unpark(app, parked_id))

    def expires(self) -> bool | None:
        return self._read("asks for the expiry", self._kept.expires)

    def note(self, app: int, name: str, text: str) -> None:
        self._write("notes a fact", lambda: self._kept.note(app, name, text))

    def noted(self, app: int, name: str) -> str | None:
        return self._read("reads a fact", lambda: self._kept.noted(app, name))
