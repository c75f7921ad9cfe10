"""The embedded ledger: rows and records in one SQLite file, shared safely by any number of threads and processes.

It suits one machine. On a function's own disk it lasts no longer than the instance. Needs SQLite 3.24 or newer.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext

from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records, encode_record
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.model.row_size import check_room, row_text, storable
from handler.core.ports.ledger import Generation, Look
from handler.core.ports.schedules import NOTHING, Claim, Hold, Lent
from handler.core.ports.system import Clock, Timed
from handler.core.state.transitions import appended
from handler.core.state.watermarks import are_new, partitions_of, sorted_out, watermarks_of
from handler.ledgers.sqlite import indexes
from handler.ledgers.sqlite import schema as statements
from handler.ledgers.sqlite.file import SqliteFile
from handler.ledgers.sqlite.metadata import (
    generation_in,
    hold_schedule,
    raise_watermarks,
    reached,
    replace_windows,
    stand_of,
    windows_of,
    write_pause,
    write_stand,
)
from handler.ledgers.sqlite.parked import SqliteParked
from handler.ledgers.sqlite.remains import SqliteRemains
from handler.ledgers.sqlite.rows import records_in, row_in, rows_in

# A commit waits for one sync of the disk, some milliseconds on most: a second is what a call usually takes at most.
USUAL_TIMEOUT_S = 1.0

# The exception: writers queue for the file, and SQLite's queue is unfair. Eight writers without pause kept one of them
# waiting for some seconds; the default of 5 s would fail it.
BUSY_TIMEOUT_S = 30.0

# The queue ends this long before the platform ends the invocation: the caller is owed an answer.
REPLY_S = 1.5

# Each write forgets this many expired records more than it adds: a backlog shrinks, and no write pays for all of it.
FORGOTTEN_PER_WRITE = 4

SYNCHRONOUS = ("full", "normal")

# A generation is raised by an operator, once in a blue moon; until this has passed, instances may not know.
GENERATION_CACHE_S = 300.0


class SqliteLedger:
    """A `Ledger` in the file at `path`, in a folder that exists; nothing is opened before the first call.

    `synchronous` is "full", or "normal": the file stays whole, but a loss of power may take the last commits with it,
    and with them what callers were told. `deadline` tells when the invocation that is going on ends, a moment of the
    monotonic clock: no wait for the file is longer than that allows. `factory` makes the connections, so that a test
    can have one that fails. `timed` measures each transaction.
    """

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        synchronous: str = "full",
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        deadline: Callable[[], float] = lambda: math.inf,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        timed: Timed = nullcontext,
    ) -> None:
        def wait_s() -> float:
            return max(0.0, min(busy_timeout_s, deadline() - REPLY_S - clock.monotonic()))

        if synchronous not in SYNCHRONOUS:
            raise ValueError(f"synchronous is one of {', '.join(SYNCHRONOUS)}")
        self.timeout_s = USUAL_TIMEOUT_S
        self.generation_cache_s = GENERATION_CACHE_S
        self._clock = clock
        self._file = SqliteFile(
            path, statements.LEDGER, synchronous=synchronous, wait_s=wait_s, factory=factory, timed=timed
        )

    def parked(self) -> SqliteParked:
        """Parked records and notes in the same file; they need no closing of their own."""
        return SqliteParked(self._file, self._clock)

    def load(self, group: Group) -> Row | None:
        """The row, as last committed."""
        return self._file.read(lambda connection: row_in(connection, group))

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """The records that are still in the file."""
        return self._file.read(lambda connection: records_in(connection, group, ids))

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        """The watermarks that are still in the file; it is a write, because an older file has no table of them yet."""
        return self._file.write(lambda connection: reached(connection, group, partitions))

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        """Row and records, in one read transaction."""
        return self._file.read(lambda connection: Look(row_in(connection, group), records_in(connection, group, ids)))

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """The fast path of R1, in one write transaction."""

        def opened(connection: sqlite3.Connection) -> Row | None:
            row = row_in(connection, group)
            if row is None or not row.is_idle(receipt_key, generation, attempt.mode, pace):
                return None
            if records_in(connection, group, [entry.id for entry in attempt.entries]):
                return None
            if not are_new(attempt.entries, row, reached(connection, group, partitions_of(attempt.entries))):
                return None
            row = storable(row.opened(attempt, pace=pace))
            self._put(connection, group, row, {})
            return row

        return self._file.write(opened)

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path of R1, in one write transaction."""

        def lengthened(connection: sqlite3.Connection) -> Look | None:
            look = Look(row_in(connection, group), records_in(connection, group, [entry.id for entry in entries]))
            if look.row is None:
                return None
            watermarks = reached(connection, group, partitions_of(entries))
            found = sorted_out(entries, look.row, look.records, watermarks)
            row = look.row
            if found.fresh:
                row = storable(appended(row, found.fresh))
                check_room(row, bytes_max)
                self._put(connection, group, row, {})
            return Look(row, look.records, found.passed, found.within)

        return self._file.write(lengthened)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Compare-and-swap of the row, its records and watermarks with it, in one write transaction."""

        def swapped(connection: sqlite3.Connection) -> bool:
            stored: tuple[int] | None = connection.execute(statements.READ_VERSION, (group.app, group.id)).fetchone()
            if (stored[0] if stored else 0) != row.version - 1:
                return False
            self._put(connection, group, row, records)
            raise_watermarks(connection, group, watermarks, self._clock.now())
            return True

        return self._file.write(swapped)

    def create(self, group: Group, row: Row) -> bool:
        """Write a first row, in one write transaction."""

        def created(connection: sqlite3.Connection) -> bool:
            if row_in(connection, group) or records_in(connection, group, [entry.id for entry in row.queue]):
                return False
            if not are_new(row.queue, None, reached(connection, group, partitions_of(row.queue))):
                return False
            self._put(connection, group, row, {})
            return True

        return self._file.write(created)

    def refuse(self, group: Group, records: Records) -> bool:
        """Write rejections of a group without a row, in one write transaction."""

        def refused(connection: sqlite3.Connection) -> bool:
            if row_in(connection, group) or records_in(connection, group, tuple(records)):
                return False
            self._put_records(connection, group, records)
            return True

        return self._file.write(refused)

    def delete(self, group: Group, version: int) -> bool:
        """Delete a row, in one write transaction."""
        key = (group.app, group.id, version)
        return self._file.write(lambda connection: connection.execute(statements.DELETE_ROW, key).rowcount) > 0

    def remains(self, group: Group) -> SqliteRemains:
        """Records and marks of the group."""
        return SqliteRemains(self._file, group)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5, in one write transaction."""

        def settled(connection: sqlite3.Connection) -> bool:
            row = settlement.applied_to(row_in(connection, group))
            if row is None:
                return False
            self._put(connection, group, storable(row), settlement.records)
            raise_watermarks(connection, group, watermarks_of(settlement.attempt.entries), self._clock.now())
            return True

        return self._file.write(settled)

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of unfinished groups in the order of their code points."""
        return self._file.read(lambda connection: indexes.unfinished(connection, app, limit, after))

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of held groups in the order of their code points."""
        return self._file.read(lambda connection: indexes.held(connection, app, limit, after))

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        """The rows of these groups, in one read transaction."""
        return self._file.read(lambda connection: rows_in(connection, app, ids))

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups that know the key, in the order of their code points, read from the rows themselves."""
        return self._file.read(lambda connection: indexes.groups_with_key(connection, app, key, by, limit, after))

    def generation(self) -> Generation:
        """The generation in the file; a new file is of the first."""
        return self._file.read(generation_in)

    generation_now = generation  # which is read strongly

    def raise_generation(self) -> Generation:
        """Begin a new one, in one write transaction."""
        return self._with_generation(lambda connection: connection.execute(statements.RAISE_GENERATION))

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp its start, in one write transaction."""
        values = started, known.number, known.started
        return self._with_generation(lambda connection: connection.execute(statements.START_GENERATION, values))

    def pause(self, pause: Pause | None) -> Generation:
        """Begin or end a pause, in one write transaction."""
        return self._with_generation(lambda connection: write_pause(connection, pause))

    def _with_generation(self, change: Callable[[sqlite3.Connection], object]) -> Generation:
        def changed(connection: sqlite3.Connection) -> Generation:
            change(connection)
            return generation_in(connection)

        return self._file.write(changed)

    def windows(self, app: int) -> str | None:
        """The notes of windows, one of the notes in the file."""
        return self._file.read(lambda connection: windows_of(connection, app))

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        """Replace the notes of windows, in one write transaction."""
        return self._file.write(lambda connection: replace_windows(connection, app, text, instead_of))

    def has_rows(self, app: int) -> bool:
        """Whether any group of the app has a row."""
        return self._file.read(lambda connection: indexes.has_rows(connection, app))

    def lease(self, claim: Claim) -> Lent:
        """Take calls of a schedule, which goes by this machine's clock, in one write transaction."""

        def leased(connection: sqlite3.Connection) -> Lent | None:
            stand, now = stand_of(connection, claim.app, claim.schedule)
            after, lent = stand.lent(claim, now)
            if lent.wait_s is None:
                return None
            write_stand(connection, claim.app, claim.schedule, after)
            return lent

        return self._file.write(leased) or NOTHING

    def hold(self, hold: Hold) -> None:
        """Lend nothing for so long by this machine's clock, in one write transaction."""
        self._file.write(lambda connection: hold_schedule(connection, hold))

    def close(self) -> None:
        """Close the file once the calls under way have ended; another call opens it again."""
        self._file.close()

    def _put(self, connection: sqlite3.Connection, group: Group, row: Row, records: Records) -> None:
        listed = statements.UNFINISHED * row.is_unfinished + statements.HELD * row.is_held
        connection.execute(statements.WRITE_ROW, (group.app, group.id, row.version, listed, row_text(row)))
        self._put_records(connection, group, records)

    def _put_records(self, connection: sqlite3.Connection, group: Group, records: Records) -> None:
        connection.executemany(
            statements.WRITE_RECORD,
            [
                (group.app, group.id, operation_id, record.expires_at, encode_record(record))
                for operation_id, record in records.items()
            ],
        )
        connection.execute(statements.FORGET, (self._clock.now(), len(records) + FORGOTTEN_PER_WRITE))
