"""A ledger in the memory of this process, for simulations: it keeps text as the real ones do, and can go back in time.

Rows and records are stored encoded, so that nobody shares with it the objects that it was given, and it passes the same
contract. Where millions of worlds are played it keeps the objects themselves, which are frozen: that is quicker.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias

from msgspec.structs import replace

from handler.core.errors import LaterVersion
from handler.core.model.codec import ROW_BYTES, decode_row
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Record, Records, decode_record, encode_record
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.model.row_size import bytes_at_most, check_room, row_text, storable
from handler.core.ports.ledger import Generation, Look
from handler.core.ports.remains import Remain
from handler.core.ports.schedules import AnySchedule, Claim, Hold, Lent, Stand
from handler.core.ports.system import Clock
from handler.core.state.transitions import appended
from handler.core.state.watermarks import WATERMARK_S, are_new, partitions_of, sorted_out, watermarks_of

# Each write forgets this many expired records more than it adds.
FORGOTTEN_PER_WRITE = 4

INFINITY = float("inf")

RecordName: TypeAlias = tuple[Group, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a ledger held at one moment: rows, records and marks, each with the time until it stays, and windows."""

    rows: Mapping[Group, str | Row]
    records: Mapping[RecordName, tuple[float, str | Record]]
    windows: Mapping[int, str] = field(default_factory=dict)
    watermarks: Mapping[RecordName, tuple[float, str]] = field(default_factory=dict)


class MemoryLedger:
    """A `Ledger` that any number of threads may share.

    The first answer of an operation wins, as in every ledger; `conflicts` names the records that somebody tried to
    replace with another answer, which a correct program never does.
    """

    timeout_s = 1.0
    generation_cache_s = 300.0

    def __init__(self, clock: Clock, *, keeps_objects: bool = False, row_bytes: int = ROW_BYTES) -> None:
        self._clock = clock
        self._keeps_objects = keeps_objects
        self._row_bytes = row_bytes
        self._lock = Lock()
        self._rows: dict[Group, str | Row] = {}
        self._decoded: dict[Group, tuple[str, Row]] = {}
        self._records: dict[RecordName, tuple[float, str | Record]] = {}
        self._none_expires_before = INFINITY
        self._watermarks: dict[RecordName, tuple[float, str]] = {}
        self._generation = Generation(1, 0)
        self._stands: dict[tuple[int, AnySchedule], Stand] = {}
        self._windows: dict[int, str] = {}
        self.conflicts: list[RecordName] = []
        self.deleted: list[tuple[float, Row]] = []

    def load(self, group: Group) -> Row | None:
        with self._lock:
            return self._row(group)

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        with self._lock:
            return self._found(group, ids)

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        with self._lock:
            return self._reached(group, partitions)

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        with self._lock:
            return Look(self._row(group), self._found(group, ids))

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        with self._lock:
            row = self._row(group)
            if row is None or not row.is_idle(receipt_key, generation, attempt.mode, pace):
                return None
            if self._found(group, [entry.id for entry in attempt.entries]):
                return None
            if not are_new(attempt.entries, row, self._reached(group, partitions_of(attempt.entries))):
                return None
            row = storable(row.opened(attempt, pace=pace), self._row_bytes)
            self._put(group, row, {})
            return row

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        with self._lock:
            row, records = self._row(group), self._found(group, [entry.id for entry in entries])
            if row is None:
                return None
            found = sorted_out(entries, row, records, self._reached(group, partitions_of(entries)))
            if found.fresh:
                row = storable(appended(row, found.fresh), self._row_bytes)
                check_room(row, bytes_max)
                self._put(group, row, {})
            return Look(row, records, found.passed, found.within)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Compare-and-swap of the row, its records and marks with it."""
        with self._lock:
            stored = self._row(group)
            if (stored.version if stored else 0) != row.version - 1:
                return False
            self._put(group, row, records, watermarks)
            return True

    def create(self, group: Group, row: Row) -> bool:
        with self._lock:
            if self._row(group) or self._found(group, [entry.id for entry in row.queue]):
                return False
            if not are_new(row.queue, None, self._reached(group, partitions_of(row.queue))):
                return False
            self._put(group, row, {})
            return True

    def refuse(self, group: Group, records: Records) -> bool:
        """Write rejections of a group without a row."""
        with self._lock:
            if self._row(group) or self._found(group, tuple(records)):
                return False
            self._put_records(group, records)
            return True

    def delete(self, group: Group, version: int) -> bool:
        with self._lock:
            row = self._row(group)
            if row is None or row.version != version:
                return False
            self._drop(group)
            self.deleted.append((self._clock.now(), row))
            return True

    def remains(self, group: Group) -> "MemoryRemains":
        return MemoryRemains(self, group)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        with self._lock:
            row = settlement.applied_to(self._row(group))
            if row is None:
                return False
            row = storable(row, self._row_bytes)
            self._put(group, row, settlement.records, watermarks_of(settlement.attempt.entries))
            return True

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of unfinished groups in the order of their code points."""
        with self._lock:
            return self._names(app, after, lambda row: row.is_unfinished)[:limit]

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of held groups in the order of their code points."""
        with self._lock:
            return self._names(app, after, lambda row: row.is_held)[:limit]

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        with self._lock:
            found: dict[str, Row] = {}
            for group_id in ids:
                with suppress(LaterVersion):
                    row = self._row(Group(app, group_id))
                    if row is not None:
                        found[group_id] = row
            return found

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups that know the key, in the order of their code points."""
        with self._lock:
            return self._names(app, after, lambda row: dict(row.keys).get(key, by + 1) <= by)[:limit]

    def generation(self) -> Generation:
        """The first, until it is raised: memory itself is never restored from a copy of which nobody knows."""
        return self._generation

    def raise_generation(self) -> Generation:
        with self._lock:
            self._generation = Generation(self._generation.number + 1, paused=self._generation.paused)
            return self._generation

    def generation_now(self) -> Generation:
        return self.generation()

    def pause(self, pause: Pause | None) -> Generation:
        with self._lock:
            self._generation = replace(self._generation, paused=pause)
            return self._generation

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp its start, unless it is another one by now."""
        with self._lock:
            now = self._generation
            if (now.number, now.started) == (known.number, known.started):
                self._generation = replace(now, started=started)
            return self._generation

    def windows(self, app: int) -> str | None:
        return self._windows.get(app)

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        with self._lock:
            if self._windows.get(app) != instead_of:
                return False
            self._windows[app] = text
            return True

    def has_rows(self, app: int) -> bool:
        with self._lock:
            return any(group.app == app for group in self._groups())

    def lease(self, claim: Claim) -> Lent:
        """Take calls of a schedule, which goes by the ledger's clock."""
        with self._lock:
            stand = self._stands.get((claim.app, claim.schedule), Stand())
            self._stands[claim.app, claim.schedule], lent = stand.lent(claim, self._clock.now())
            return lent

    def hold(self, hold: Hold) -> None:
        """Lend nothing for so long by the ledger's clock."""
        with self._lock:
            stand = self._stands.get((hold.app, hold.schedule), Stand())
            self._stands[hold.app, hold.schedule] = Stand(stand.free_at, self._clock.now() + hold.seconds)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(dict(self._rows), dict(self._records), dict(self._windows), dict(self._watermarks))

    def restore(self, snapshot: Snapshot) -> None:
        """Hold again what it held then, and nothing else."""
        with self._lock:
            self._rows, self._records = dict(snapshot.rows), dict(snapshot.records)
            self._windows, self._watermarks = dict(snapshot.windows), dict(snapshot.watermarks)
            self._none_expires_before = 0.0

    def close(self) -> None:
        """Nothing to close: what is in memory stays."""

    def _groups(self) -> Collection[Group]:
        """All groups that have a row."""
        return self._rows

    def _names(self, app: int, after: str, wanted: Callable[[Row], bool]) -> list[str]:
        """Of an app's groups those that are wanted, in order; so is one that cannot be read, for others to see."""

        def is_wanted(group: Group) -> bool:
            try:
                row = self._row(group)
            except LaterVersion:
                return True
            return row is not None and wanted(row)

        return sorted(
            group.id for group in self._groups() if group.app == app and group.id > after and is_wanted(group)
        )

    def _row(self, group: Group) -> Row | None:
        stored = self._rows.get(group)
        if not isinstance(stored, str):
            return stored
        decoded = self._decoded.get(group)
        if decoded is None or decoded[0] is not stored:
            decoded = self._decoded[group] = stored, decode_row(stored)
        return decoded[1]

    def _drop(self, group: Group) -> None:
        del self._rows[group]

    def _found(self, group: Group, ids: Sequence[str]) -> Records:
        found: dict[str, Record] = {}
        for operation_id in ids if self._records else ():
            stored = self._records.get((group, operation_id))
            if stored is not None:
                found[operation_id] = _record(stored[1])
        return found

    def _reached(self, group: Group, partitions: Collection[str]) -> Watermarks:
        return {
            partition: self._watermarks[group, partition][1]
            for partition in partitions
            if (group, partition) in self._watermarks
        }

    def _put(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> None:
        self._raise_watermarks(group, watermarks)
        is_small = self._keeps_objects and bytes_at_most(row) <= self._row_bytes
        text = "" if is_small else row_text(row, self._row_bytes)
        self._rows[group] = row if self._keeps_objects else text
        if records or self._records:
            self._put_records(group, records)

    def _raise_watermarks(self, group: Group, watermarks: Watermarks) -> None:
        if not watermarks:
            return
        now = self._clock.now()
        self._watermarks = {name: mark for name, mark in self._watermarks.items() if mark[0] > now}
        for partition, last in watermarks.items():
            if last > self._reached(group, [partition]).get(partition, ""):
                self._watermarks[group, partition] = now + WATERMARK_S, last

    def _put_records(self, group: Group, records: Records) -> None:
        for operation_id, record in records.items():
            new = record.expires_at, record if self._keeps_objects else encode_record(record)
            if self._records.setdefault((group, operation_id), new) != new:
                self.conflicts.append((group, operation_id))
            self._none_expires_before = min(self._none_expires_before, record.expires_at)
        self._forget(len(records) + FORGOTTEN_PER_WRITE)

    def _forget(self, limit: int) -> None:
        now = self._clock.now()
        if now < self._none_expires_before:
            return
        expired = [name for name, (expires_at, _) in self._records.items() if expires_at <= now]
        for name in expired[:limit]:
            del self._records[name]
        self._none_expires_before = min((expires_at for expires_at, _ in self._records.values()), default=INFINITY)


class MemoryRemains:
    """Records and marks of one group."""

    def __init__(self, ledger: MemoryLedger, group: Group) -> None:
        self._ledger = ledger
        self._group = group

    def listed(self) -> Iterator[Remain]:
        with self._ledger._lock:  # noqa: SLF001  # it is a part of the ledger
            found = [
                Remain(name, end, is_watermark)
                for is_watermark, of_kind in self._kinds()
                for (group, name), (end, _) in of_kind.items()
                if group == self._group
            ]
        return iter(found)

    def forget(self, remains: Sequence[Remain]) -> int:
        with self._ledger._lock:  # noqa: SLF001
            kinds = dict(self._kinds())
            gone = [one for one in remains if self._end(kinds[one.is_watermark], one) == one.expires_at]
            for one in gone:
                del kinds[one.is_watermark][self._group, one.name]
            return len(gone)

    def _end(self, of_kind: "Mapping[RecordName, tuple[float, object]]", remain: Remain) -> float | None:
        return of_kind.get((self._group, remain.name), (None, None))[0]

    def _kinds(self) -> "tuple[tuple[bool, dict[RecordName, tuple[float, Any]]], ...]":
        return (False, self._ledger._records), (True, self._ledger._watermarks)  # noqa: SLF001


def _record(stored: str | Record) -> Record:
    return decode_record(stored) if isinstance(stored, str) else stored
