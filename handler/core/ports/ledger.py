"""What the core needs of a store, in parts: those who need one part ask for that part, and one class may keep all.

Every method raises LedgerUnavailable when the store cannot be used and nothing was written; those that write raise
AnswerLost when a write may have taken effect without an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.ports.remains import Remains
from handler.core.ports.schedules import Claim, Hold, Lent


class Generation(msgspec.Struct, frozen=True):
    """Which life of the store this is (R10): raised when it is restored or fails over.

    `started` is the API's time, stamped by the first worker that hears a `Date` after it has read of the generation; it
    is 0 until then, because no store knows the API's time. `paused` is an operator's order for every group of the
    store: it stands here because every instance reads this anyway.
    """

    number: int
    started: int = 0
    paused: Pause | None = None


class Look(msgspec.Struct, frozen=True):
    """A row and the records that were asked for, as the store shows them in one answer.

    `passed` are the ids of operations whose position had been passed when they came to be appended. `within` says how
    far a partition has come whose watermark stands amid the records of one of them; then nothing was appended.
    """

    row: Row | None
    records: Records
    passed: frozenset[str] = frozenset()
    within: Watermarks = NO_WATERMARKS


class Parked(msgspec.Struct, frozen=True):
    """A source's record that was refused or could not be read, kept so that it is not lost.

    `id` is made from the source's own identity of the record, so that a redelivery parks it once. `at` is when, in
    seconds since 1970. `payload` is the record's text as it came, cut to what a ledger holds. `expires_at` is when it
    is dropped, in whole seconds; 0 for one that an earlier version parked, which stays.
    """

    id: str
    source: str
    reason: str
    at: float
    payload: str
    expires_at: float = 0.0


class ParkedLabel(msgspec.Struct, frozen=True):
    """Of a parked record what it takes to count it, and to name it."""

    id: str
    source: str
    expires_at: float = 0.0


class GroupLedger(Protocol):
    """One durable row per group and one record per finished operation, or the watermark of its partition (R13).

    A watermark only rises; it is kept for `WATERMARK_S` seconds from its last rise, and is present while it physically
    exists.
    """

    timeout_s: float
    """How long one call usually takes at most, in seconds: no send begins without two of them in hand (R3)."""

    def load(self, group: Group) -> Row | None:
        """The row, read strongly."""
        ...

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """The records that exist, read strongly, expired ones included while they physically exist."""
        ...

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        """The watermarks that exist, read strongly. What accepts by them has read its row before (R13)."""
        ...

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        """Row and records at once, each read strongly, in no order: nothing may be accepted on the strength of it."""
        ...

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """The fast path of R1: accept and open the attempt's operations in one atomic step.

        Only if no record of theirs exists, nothing that they stand for has been passed, and `Row.is_idle(receipt_key,
        generation, attempt.mode, pace)`; None where that does not hold. The row is then `Row.opened` at this pace.
        """
        ...

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path of R1 for a row that exists: append what is neither on record, owed nor passed to its queue.

        The row as it is afterwards, and the records of those operations that have one; None where there is no row, or
        others moved it too often. Nothing is appended where one of them has been passed in part (`Look.within`).
        Raises RowFull for a row that would be longer than `bytes_max`.
        """
        ...

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Write `row` with records and watermarks, atomically, if the stored version is the one before.

        Version 1 is written only if there is no row. Where one write cannot hold all of them, watermarks and the
        records of landings may be there before the row (R5). A watermark that stands as high or higher stays.
        """
        ...

    def create(self, group: Group, row: Row) -> bool:
        """Write the first row of a group, in one step, if it has no row and its queue no record or watermark.

        So nothing that was refused while there was no row is counted afterwards (R14).
        """
        ...

    def refuse(self, group: Group, records: Records) -> bool:
        """Write rejections of a group without a row, in one step: only if there is no row and none of the records."""
        ...

    def delete(self, group: Group, version: int) -> bool:
        """Delete the row of a group, if it is still of this version; records and watermarks stay."""
        ...

    def remains(self, group: Group) -> Remains:
        """What is kept of a group beside its row."""
        ...

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5: records and watermarks before or with the row, the queue untouched.

        False if it does not hold, or if other answers are already on record.
        """
        ...


class SweepIndex(Protocol):
    """Which groups there are: the unfinished ones for the sweep, and those that know a counter key for a tick."""

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups whose row is unfinished, in order of id, those after `after`, at most `limit`."""
        ...

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups whose row has known `key` since `by` or before (`Row.keys`), in order of id, after `after`.

        At most `limit`, and none only where there are no more.
        """
        ...


class HeldIndex(Protocol):
    """What an operator looks over: the groups that only an operator moves on, and many rows at once."""

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups that are frozen or paused (`Row.is_held`), in order of id, after `after`, at most `limit`.

        A group that an earlier version froze is listed once its row has been written again.
        """
        ...

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        """The rows of these groups that exist, by id, each read strongly, in as few round trips as the store allows.

        A row of a later version, which this one cannot read, is left out: visits to it report what is wrong.
        """
        ...


class Epoch(Protocol):
    """Which life of the store this is (R10)."""

    generation_cache_s: float
    """How long an instance may go on with the generation that it has read, in seconds."""

    def generation(self) -> Generation:
        """The store's current generation."""
        ...

    def raise_generation(self) -> Generation:
        """Begin a new generation, not started yet: the store is a copy that may lack what happened since (R10)."""
        ...

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp the generation's start, if it is still the one `known`; the generation as it is afterwards."""
        ...


class Pausing(Protocol):
    """The pause of every group of the store."""

    def generation_now(self) -> Generation:
        """The generation as the store has it, read strongly: another instance may just have paused, or resumed."""
        ...

    def pause(self, pause: Pause | None) -> Generation:
        """Begin a pause in place of any other, or end it; the generation as it is afterwards."""
        ...


class WindowNotes(Protocol):
    """By which windows the app's records were written."""

    def windows(self, app: int) -> str | None:
        """The notes of the windows by which the app's records were written, if there are any, read strongly."""
        ...

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        """Keep notes of windows in place of those that were read, of none for None; False where others are kept."""
        ...

    def has_rows(self, app: int) -> bool:
        """Whether any group of the app has a row; a store may tell of another app's, too.

        Asked once in the life of a ledger: when no window is noted.
        """
        ...


class RateLedger(Protocol):
    """The app's schedules of calls, which all instances share (R14)."""

    def lease(self, claim: Claim) -> Lent:
        """Take the next calls of an app's schedule, which all instances share (R14)."""
        ...

    def hold(self, hold: Hold) -> None:
        """Lend nothing of a schedule for a while, to no instance."""
        ...


class Ledger(GroupLedger, SweepIndex, HeldIndex, Epoch, Pausing, WindowNotes, RateLedger, Protocol):
    """All that a store keeps for the protocol."""


class ParkedRecords(Protocol):
    """Records of sources that cannot be executed, kept for operators: our dead letters. All belong to one app.

    One whose time has come counts as kept while it physically exists.
    """

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record; one that is kept already stays as it is, unless its time has come."""
        ...

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """At most `limit` kept records in order of id, those after `after`."""
        ...

    def labels(self, app: int) -> Iterator[ParkedLabel]:
        """The labels of all kept records; the last moments may be missing.

        A store that does not drop by itself those whose time has come drops them here: each sweep asks for it.
        """
        ...

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record; False if there is none."""
        ...

    def expires(self) -> bool | None:
        """Whether the store drops records and answers whose time has come; None where it does not tell."""
        ...


class Notes(Protocol):
    """Facts learned about an app, each a text under a name."""

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact under a name, in place of an older one."""
        ...

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""
        ...


class ParkedAndNotes(ParkedRecords, Notes, Protocol):
    """Both, as stores keep them: beside the ledger."""
