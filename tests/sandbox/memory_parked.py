"""Parked records and notes in the memory of this process."""

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from handler.core.ports.ledger import Parked, ParkedLabel


class MemoryParked:
    """`ParkedRecords` and `Notes` that any number of threads may share."""

    def __init__(self, now: Callable[[], float] = lambda: 1.0) -> None:
        self._now = now
        self._lock = Lock()
        self._parked: dict[tuple[int, str], Parked] = {}
        self._notes: dict[tuple[int, str], str] = {}

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record; the first one of an id stays."""
        with self._lock:
            kept = self._parked.get((app, parked.id))
            if kept is None or self._is_over(kept):
                self._parked[app, parked.id] = parked

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""
        with self._lock:
            ids = sorted(parked_id for owner, parked_id in self._parked if owner == app and parked_id > after)
            return [self._parked[app, parked_id] for parked_id in ids[:limit]]

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        with self._lock:
            over = [key for key, kept in self._parked.items() if self._is_over(kept)]
            for key in over:
                del self._parked[key]
            kept_here = [kept for (owner, _), kept in self._parked.items() if owner == app]
        return (ParkedLabel(kept.id, kept.source, kept.expires_at) for kept in kept_here)

    def _is_over(self, parked: Parked) -> bool:
        return 0 < parked.expires_at <= self._now()

    def unpark(self, app: int, parked_id: str) -> bool:
        with self._lock:
            return self._parked.pop((app, parked_id), None) is not None

    def expires(self) -> bool:
        """What has ended is dropped."""
        return True

    def note(self, app: int, name: str, text: str) -> None:
        with self._lock:
            self._notes[app, name] = text

    def noted(self, app: int, name: str) -> str | None:
        with self._lock:
            return self._notes.get((app, name))

    def close(self) -> None:
        """Nothing to close: what is in memory stays."""
