"""Parked records and notes in the memory of this process."""

from collections.abc import Sequence
from threading import Lock

from handler.core.ports.ledger import Parked


class MemoryParked:
    """`ParkedRecords` and `Notes` that any number of threads may share."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parked: dict[tuple[int, str], Parked] = {}
        self._notes: dict[tuple[int, str], str] = {}

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record; the first one of an id stays."""
        with self._lock:
            self._parked.setdefault((app, parked.id), parked)

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""
        with self._lock:
            ids = sorted(parked_id for owner, parked_id in self._parked if owner == app and parked_id > after)
            return [self._parked[app, parked_id] for parked_id in ids[:limit]]

    def count(self, app: int) -> int:
        with self._lock:
            return sum(owner == app for owner, _ in self._parked)

    def unpark(self, app: int, parked_id: str) -> bool:
        with self._lock:
            return self._parked.pop((app, parked_id), None) is not None

    def note(self, app: int, name: str, text: str) -> None:
        with self._lock:
            self._notes[app, name] = text

    def noted(self, app: int, name: str) -> str | None:
        with self._lock:
            return self._notes.get((app, name))

    def close(self) -> None:
        """Nothing to close: what is in memory stays."""
