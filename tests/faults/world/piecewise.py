"""A ledger in memory that changes rows piece by piece, as stores without whole-row transactions do.

It keeps a row in parts (`ledgers.row_parts`), and it settles in two steps, records and marks first: a worker that
dies between them leaves an answer on record of an attempt that is still open. What is known by its position is accepted
in three: the row is seen, the marks are read, and the row is written if it is still what was seen (R13).
"""

from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from handler.core.errors import AnswerLost
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Row, Settlement
from handler.core.model.row_size import check_room, row_text
from handler.core.ports.ledger import Look
from handler.core.ports.system import Clock
from handler.core.state.transitions import appended
from handler.core.state.watermarks import are_new, partitions_of, sorted_out, watermarks_of
from handler.ledgers import row_parts
from handler.ledgers.row_parts import Parts
from tests.sandbox.memory_ledger import MemoryLedger, Snapshot


class PiecewiseLedger(MemoryLedger):
    """`between` happens between two steps of a settlement, or of an acceptance."""

    def __init__(self, clock: Clock, between: Callable[[], None]) -> None:
        super().__init__(clock)
        self._between = between
        self._parts: dict[Group, Parts] = {}
        self._joined: dict[Group, tuple[Parts, Row]] = {}

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """The fast path of R1: the attempt beside the body."""
        row = self._row(group)
        if row is None or not row.is_idle(receipt_key, generation, attempt.mode, pace) or not row_parts.is_calm(row):
            return None
        if self._found(group, [entry.id for entry in attempt.entries]):
            return None
        watermarks = self._watermarks_after(group, row, attempt.entries)
        if watermarks is None or not are_new(attempt.entries, row, watermarks):
            return None
        stored, text = self._parts[group], row_parts.begun_text(attempt)
        self._parts[group] = replace(
            stored, version=stored.version + 1, open=attempt.id, begun=text, called_ms=pace.now_ms if pace else 0
        )
        return self._row(group)

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path of R1: a longer tail."""
        row, records = self._row(group), self._found(group, [entry.id for entry in entries])
        if row is None:
            return None
        watermarks = self._watermarks_after(group, row, entries)
        if watermarks is None:
            return None
        found = sorted_out(entries, row, records, watermarks)
        if found.fresh:
            check_room(appended(row, found.fresh), bytes_max)
            stored = self._parts[group]
            tail = (*stored.tail, *row_parts.entry_texts(found.fresh))
            self._parts[group] = replace(stored, version=stored.version + 1, tail=tail)
        return Look(self._row(group), records, found.passed, found.within)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5: the records, and then the base; where others were quicker the answer is theirs."""
        if settlement.applied_to(self._row(group)) is None:
            return False
        generation, known = self._generation, self._found(group, tuple(settlement.records))
        others = {name for name, record in known.items() if record != settlement.records[name]}
        self._put_records(group, {name: record for name, record in settlement.records.items() if name not in known})
        self._raise_watermarks(group, watermarks_of(settlement.attempt.entries))
        self._between()
        if self._generation is not generation:
            # Nothing of what was under way reaches a copy that is put back.
            raise AnswerLost("the ledger was put back meanwhile")
        if settlement.applied_to(self._row(group)) is None:
            return False
        stored = self._parts[group]
        keys = stored.keys if settlement.keys is None else settlement.keys
        self._parts[group] = replace(
            stored, version=stored.version + 1, base=settlement.new_base, open=None, begun=None, keys=keys
        )
        return not others

    def snapshot(self) -> Snapshot:
        """What the ledger holds now, each row written anew."""
        rows = {group: row_text(row_parts.join(stored)) for group, stored in self._parts.items()}
        return Snapshot(rows, dict(self._records), dict(self._windows), dict(self._watermarks))

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        rows = {group: super(PiecewiseLedger, self)._row(group) for group in snapshot.rows}
        self._parts = {group: row_parts.split(row) for group, row in rows.items() if row is not None}

    def _watermarks_after(self, group: Group, row: Row, entries: Sequence[Entry]) -> Watermarks | None:
        """The marks of these, read after the row; None where that is not the stored one any more."""
        partitions, generation = partitions_of(entries), self._generation
        if not partitions:
            return NO_WATERMARKS
        self._between()
        watermarks = self._reached(group, partitions)
        self._between()
        now = self._row(group)
        is_same = now is not None and now.version == row.version and self._generation is generation
        return watermarks if is_same else None

    def _groups(self) -> Collection[Group]:
        return self._parts

    def _row(self, group: Group) -> Row | None:
        stored = self._parts.get(group)
        if stored is None:
            return None
        known = self._joined.get(group)
        if known is None or known[0] is not stored:
            known = self._joined[group] = stored, row_parts.join(stored)
        return known[1]

    def _drop(self, group: Group) -> None:
        del self._parts[group]

    def _put(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> None:
        """The first answer stays: whoever died between the two steps of a settlement has left one behind."""
        self._raise_watermarks(group, watermarks)
        self._parts[group] = row_parts.split(row)
        known = self._found(group, tuple(records))
        self._put_records(group, {name: record for name, record in records.items() if name not in known})
