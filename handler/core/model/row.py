"""The durable state of one group, and of one finished operation: what a ledger keeps.

A row expires only with its group (R11) and changes only by compare-and-swap on its version; a record expires its window
after it was settled, and counts as present for as long as it physically exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from handler.core.model.lift import LIFT, open_between
from handler.core.model.operation import Counters, Mode, Operation, Origin, Position
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.placed import Part


class Group(NamedTuple):
    """A chat group of one app: rows and records are keyed by both."""

    app: int
    id: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted operation that is owed. `alone` keeps it out of any merged call (R6).

    One with a `position` is known again by that: the watermark of its partition is all the record that is kept (R13).
    Its `counters` are what the `parts` of a stretch of records come to, the last of them there; of earlier versions it
    may be one record. `origin` is what a source's record is parked with (R6). `accepted_at` is in the API's seconds.
    """

    id: str
    fingerprint: str
    mode: Mode
    counters: Counters
    window_s: float
    alone: bool = False
    position: Position | None = None
    origin: Origin | None = None
    accepted_at: int = 0
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, operation: Operation, teller: str = "", accepted_at: int = 0) -> Entry:
        """Take from an operation what its group's row needs; `teller` is the visit that tells its source (R6)."""
        return cls(
            id=operation.id,
            fingerprint=operation.fingerprint,
            mode=operation.mode,
            counters=operation.counters,
            window_s=operation.window_s,
            origin=replace(operation.origin, teller=teller) if operation.origin and teller else operation.origin,
            accepted_at=accepted_at,
        )

    @property
    def first(self) -> str:
        """The sequence number of the first record that it stands for; empty where it is known by its key."""
        return min([part.first for part in self.parts], default=self.position.sequence if self.position else "")

    @property
    def records(self) -> int:
        """How many operations were asked for by what it stands for."""
        return sum([part.times for part in self.parts]) or 1


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call to the API, sent at most once under its `id` (R3).

    `weight` is what it adds to the receipt, in [2^19, 2^20), or that much above `LIFT`, or, for a Set below zero, above
    what zero is away. `signed_at` is in whole seconds of the API's clock. `base` is the receipt's value when it was
    opened. `correction` is the payload of an attempt that pays a debt and carries no operations. `settled` names the
    operations that another landing has settled meanwhile.
    """

    id: str
    weight: int
    mode: Mode
    entries: tuple[Entry, ...]
    signed_at: int
    life_s: int
    base: int = 0
    correction: Counters = ()
    settled: frozenset[str] = frozenset()

    @property
    def is_lift(self) -> bool:
        """Whether it moves the receipt alone, to make room for a Decrease (R2)."""
        return self.mode is Mode.INCREASE and self.weight >= LIFT

    @property
    def owed(self) -> tuple[Entry, ...]:
        """The operations that still wait for this attempt's fate."""
        if not self.settled:
            return self.entries
        return tuple(entry for entry in self.entries if entry.id not in self.settled)

    def shift(self, base: int) -> int:
        """How far the receipt lies from `base` once this attempt has landed: a Set writes it, the others move it."""
        return self.base + self.weight - base if self.mode is Mode.SET else self.mode.sign * self.weight


class Remembered(msgspec.Struct, frozen=True):
    """A past attempt that may still be seen to land: expired unseen, or `refused` by a reply that may have lied.

    `attempt` keeps the operations that are still owed; those settled meanwhile are folded into their net Values, so
    that memory costs no more than the group has keys.
    """

    attempt: Attempt
    refused: bool = False
    folded: Counters = ()
    for_good: bool = False
    """The refusal was of the content, so that the same again would be refused again."""

    def without(self, owed: Collection[str]) -> Remembered:
        """Fold every operation that is not `owed` any more."""
        settled = [entry for entry in self.attempt.entries if entry.id not in owed]
        if not settled:
            return self
        sums = dict(self.folded)
        for key, value in (pair for entry in settled for pair in entry.counters):
            sums[key] = sums.get(key, 0) + value
        kept = tuple(entry for entry in self.attempt.entries if entry.id in owed)
        # Operations that another landing has settled meanwhile are among those that are folded.
        attempt = replace(self.attempt, entries=kept, settled=frozenset())
        return replace(self, attempt=attempt, folded=tuple(sums.items()))


class Note(msgspec.Struct, frozen=True):
    """A rejection that the operation's source does not know of: it is parked, and then the note is struck (R6).

    `code` is the vendor's, `at` in seconds since 1970.
    """

    entry: Entry
    code: int
    at: float


class Pause(msgspec.Struct, frozen=True):
    """An operator's order to accept everything and to send nothing: since when, in the API's seconds, and why."""

    since: int
    reason: str


class Trouble(msgspec.Struct, frozen=True):
    """The last call to a group that was refused or proved nothing, and when, in the API's seconds."""

    what: str
    at: int


Debt = tuple[tuple[str, int], ...]
OldWatermarks = tuple[tuple[str, str], ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Everything owed to one group. `base` is the last receipt value known, None before first use (R9).

    `first_seen_at` is the API's time at which an unexplained receipt was first seen, or a row of an older generation
    while `first_seen_generation` was the current one. `last_checked_at` is the time of the last look for late landings.
    `debt` is what landed in excess, per key, signed: it is owed back. `watermarks` are positions accepted when rows
    held the last one of each partition themselves; they become records of their own (`watermarks`). `keys` have had
    landings since the second beside each, or are `GONE` alone. `notes` are rejections that have yet to be parked.
    `frozen_at` is the API's time of the freeze, 0 where an earlier version froze it. `called_ms` is when the last call
    with operations was opened, where calls keep a pace (R16).
    """

    version: int
    generation: int
    receipt_key: str
    base: int | None = None
    attempt: Attempt | None = None
    queue: tuple[Entry, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    debt: Debt = ()
    frozen: str | None = None
    first_seen_at: int | None = None
    last_checked_at: int = 0
    first_seen_generation: int = 0
    watermarks: OldWatermarks = ()
    keys: Counters = ()
    notes: tuple[Note, ...] = ()
    frozen_at: int = 0
    paused: Pause | None = None
    trouble: Trouble | None = None
    called_ms: int = 0

    @property
    def owed(self) -> tuple[Entry, ...]:
        """Every operation accepted and not settled."""
        return (self.attempt.owed if self.attempt else ()) + self.queue

    @property
    def remembered_shifts(self) -> tuple[int, ...]:
        """How far each remembered attempt would move the receipt."""
        return tuple(past.attempt.shift(self.base or 0) for past in self.remembered)

    @property
    def has_work(self) -> bool:
        """Whether something is owed that takes a call to the API."""
        return bool(self.attempt or self.queue or self.debt)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is owed to anyone, and nothing has to be parked."""
        return not (self.has_work or self.notes)

    @property
    def is_held(self) -> bool:
        """Whether only an operator moves the group on: it is frozen or paused."""
        return self.frozen is not None or self.paused is not None

    @property
    def is_unfinished(self) -> bool:
        """Whether the sweep has something to do here. A held group waits for an operator, its notes do not."""
        return bool(self.notes) or not (self.is_held or (self.is_settled and not self.remembered))

    @property
    def since(self) -> int:
        """The API's time since which the group is frozen, or else paused, or owes its oldest operation; 0: unknown."""
        if self.frozen is not None:
            return self.frozen_at
        began = [entry.accepted_at for entry in self.owed if entry.accepted_at]
        began += [self.paused.since] if self.paused else []
        return min(began, default=self.attempt.signed_at if self.attempt else 0)

    def entry(self, operation_id: str) -> Entry | None:
        """The owed operation of that id."""
        return next((entry for entry in self.owed if entry.id == operation_id), None)

    def is_idle(self, receipt_key: str, generation: int, mode: Mode, pace: Pace | None = None) -> bool:
        """Every condition of the fast path (R1, R2) for an attempt of this Mode, the record's absence excepted."""
        least, most = open_between(receipt_key, mode)
        return (
            self.attempt is None
            and not self.queue
            and not self.remembered
            and not self.debt
            and not self.watermarks
            and not self.notes
            and not self.is_held
            and self.base is not None
            and least <= self.base <= most
            and self.receipt_key == receipt_key
            and self.generation == generation
            and (pace is None or not pace.left_s(self.called_ms))
        )

    def changed(self, **changes: object) -> Row:
        """The next version with `changes`: every write raises the version, and folds what memory need not spell out."""
        row = replace(self, version=self.version + 1, **changes)
        if not row.remembered:
            return row
        owed = {entry.id for entry in row.owed}
        return replace(row, remembered=tuple(past.without(owed) for past in row.remembered))

    def opened(self, attempt: Attempt, queue: tuple[Entry, ...] = (), pace: Pace | None = None) -> Row:
        """The next version with an attempt open, standing on the base of this moment (R2)."""
        # What we owe ourselves, and a lift, are no calls that the others keep their distance from (R16).
        called_ms = self.called_ms if not attempt.entries else pace.now_ms if pace else 0
        return self.changed(attempt=replace(attempt, base=self.base or 0), queue=queue, called_ms=called_ms)


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that landed and nothing else happened: the partial update of R5.

    It holds only while `attempt` is the row's open one and its base is `base`; the queue stays as it is. `records` are
    those that are kept, and the positions of the attempt's operations raise the watermarks of their partitions (R13).
    Where operations on new keys have landed, `keys` are those that the row knows from now on.
    """

    attempt: Attempt
    base: int
    new_base: int
    records: Records = {}
    keys: Counters | None = None

    def applied_to(self, row: Row | None) -> Row | None:
        """The row after the settlement, or None where the conditions do not hold."""
        if row is None or row.attempt is None or row.attempt.id != self.attempt.id or row.base != self.base:
            return None
        keys = row.keys if self.keys is None else self.keys
        return row.changed(attempt=None, base=self.new_base, keys=keys)


# Versions of a new row begin below this: what was prepared for a row that was deleted since fits no other.
FIRST_VERSION_BITS = 48


def first_row(entries: Iterable[Entry], receipt_key: str, generation: int, version: int = 1) -> Row:
    """The row of a group never seen before: it owes `entries`, and its base is not known yet (R9)."""
    return Row(version=version, generation=generation, receipt_key=receipt_key, queue=tuple(entries))
