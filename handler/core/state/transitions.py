"""How a row moves from one state to the next: pure functions from row to row, in the order of the protocol.

Each returns the row of the next version, together with the records that must be written before or with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from handler.core.model.known_keys import knowing
from handler.core.model.operation import Counters, Mode, Origin, Watermarks
from handler.core.model.outcome import Answer, Applied, Record, Rejected
from handler.core.model.row import Attempt, Debt, Entry, Note, Remembered, Row
from handler.core.state.losses import giving_way, remembering
from handler.core.state.merge import Values, overwritten_by, own_values, shares, with_excess, without_keys
from handler.core.state.parting import joined, noted, pieces_of, rest_of
from handler.core.state.receipts import death
from handler.core.state.watermarks import watermarks_of

# DynamoDB takes 100 items in a transaction, the row among them.
REJECTED_AT_ONCE = 90


class Change(msgspec.Struct, frozen=True):
    """The next row, and the records and watermarks that go with it; `dropped` has given way in a full memory (R11)."""

    row: Row
    records: Mapping[str, Record] = {}
    dropped: Remembered | None = None
    watermarks: Watermarks = {}

    @classmethod
    def of(cls, before: Row, after: Row, records: Mapping[str, Record]) -> Change:
        """What is owed no more because it has its answer now raises the watermarks of its partitions (R13)."""
        return cls(after, records, watermarks=watermarks_of(entry for entry in before.owed if entry.id in records))


class CounterReading(msgspec.Struct, frozen=True):
    """The counters as the API showed them: in the reply to the attempt itself, or `later` beside the receipt."""

    values: Values
    later: bool
    at: float


def record_of(entry: Entry, answer: Answer, at: float) -> Record:
    """The record of a finished operation; its window begins now, when it is settled."""
    return Record(entry.fingerprint, answer, at, entry.window_s)


def is_plain(row: Row, times: Mapping[str, int]) -> bool:
    """Whether the open attempt landed, once, and settling it changes nothing else of the row."""
    attempt = row.attempt
    if attempt is None or times != {attempt.id: 1}:
        return False
    return not (row.remembered or row.debt or attempt.correction or attempt.settled)


def landed(row: Row, value: int, times: Mapping[str, int], seen: CounterReading) -> Change:
    """R5 and R7: settle what landed, owe back what landed in excess, and stand on the value seen.

    Operations of a landed attempt that are still owed are settled, wherever they wait now; the rest becomes debt.
    """
    before, records = row, dict[str, Record]()
    row = replace(row, keys=knowing(row.keys, landed_keys(row, times), seen.at))
    if row.attempt and row.attempt.id in times:
        records |= settled_records(row.attempt, seen)
        row = replace(row, attempt=None, debt=_debt_after(row.debt, row.attempt, times[row.attempt.id]))
    for past in (past for past in row.remembered if past.attempt.id in times):
        owed = {entry.id: entry for entry in row.owed}
        late = {entry.id: owed[entry.id] for entry in past.attempt.entries if entry.id in owed}
        records |= {entry.id: record_of(entry, _seen_by(entry, seen), seen.at) for entry in late.values()}
        debt = with_excess(row.debt, past.attempt.mode, past.folded, times[past.attempt.id])
        debt = _with_excess_of(debt, past.attempt, times[past.attempt.id], late.keys())
        others = tuple(other for other in row.remembered if other is not past)
        row = replace(_without(row, late.keys()), debt=debt, remembered=others)
    return Change.of(before, row.changed(base=value), records)


def landed_keys(row: Row, times: Collection[str]) -> list[str]:
    """The keys of all operations that landed attempts carried, in order; memory keeps those of settled ones folded."""
    attempts = [*([row.attempt] if row.attempt else []), *(past.attempt for past in row.remembered)]
    return [
        key for attempt in attempts if attempt.id in times for entry in attempt.entries for key, _ in entry.counters
    ]


def lacks_values(row: Row, times: Collection[str], seen: CounterReading) -> bool:
    """Whether some operation that these landings settle would be answered without all of its counters."""
    attempts = [*([row.attempt] if row.attempt else []), *(past.attempt for past in row.remembered)]
    carried = {entry.id for attempt in attempts if attempt.id in times for entry in attempt.entries}
    return any(key not in seen.values for entry in row.owed if entry.id in carried for key, _ in entry.counters)


def settled_records(attempt: Attempt, seen: CounterReading) -> dict[str, Record]:
    """What is on record of each operation that the attempt still owed, once it has landed."""
    if seen.later:
        answers = {entry.id: own_values(entry, seen.values) for entry in attempt.owed}
    else:
        answers = shares(attempt, seen.values)
    return {entry.id: record_of(entry, Applied(answers[entry.id], seen.later), seen.at) for entry in attempt.owed}


def _seen_by(entry: Entry, seen: CounterReading) -> Applied:
    return Applied(own_values(entry, seen.values), observed_later=True)


def _debt_after(debt: Debt, attempt: Attempt, times: int) -> Debt:
    """The debt once the open attempt has landed: a Set overwrites what was owed on its keys."""
    if attempt.mode is Mode.SET:
        return without_keys(debt, overwritten_by(attempt.entries))
    return _with_excess_of(debt, attempt, times, {entry.id for entry in attempt.owed})


def _with_excess_of(debt: Debt, attempt: Attempt, times: int, wanted: Collection[str]) -> Debt:
    """Add what landed beyond one application of each `wanted` operation. A correction is itself such an excess."""
    debt = with_excess(debt, attempt.mode, attempt.correction, times)
    for entry in attempt.entries:
        debt = with_excess(debt, attempt.mode, entry.counters, times - (entry.id in wanted))
    return debt


def _without(row: Row, ids: Collection[str]) -> Row:
    """Strike operations off what is owed: from the queue, and from the open attempt, whose payload stays what it is."""
    queue = tuple(entry for entry in row.queue if entry.id not in ids)
    attempt = row.attempt and replace(
        row.attempt, settled=row.attempt.settled | {entry.id for entry in row.attempt.entries if entry.id in ids}
    )
    return replace(row, queue=queue, attempt=attempt)


def answered(row: Row, answer: Answer, at: float, teller: str = "") -> Change:
    """Close the open attempt with one final answer for all that it owed: a rejection, or an unknown outcome (R6).

    A lift answers for the operation that it makes room for, which waits at the head of the queue (R2).
    """
    attempt = _open(row)
    ended, queue = (row.queue[:1], row.queue[1:]) if attempt.is_lift else (attempt.owed, row.queue)
    if ended and isinstance(answer, Rejected):
        # What is left of the same content gets the same answer.
        rest = rest_of(ended[-1], queue)
        ended, queue = ended + rest, queue[len(rest) :]
    records = {entry.id: record_of(entry, answer, at) for entry in ended}
    closed = _closed(row, Remembered(attempt, refused=True), queue)
    after = replace(closed.row, notes=_noted(row, ended, answer, at, teller))
    return replace(Change.of(row, after, records), dropped=closed.dropped)


def _noted(row: Row, entries: Iterable[Entry], answer: Answer, at: float, teller: str) -> tuple[Note, ...]:
    """R6: the rejections that a source has to be told of by parking, but for those that the visit itself will tell."""
    if not isinstance(answer, Rejected):
        return row.notes
    untold = [entry for entry in entries if entry.origin and not (teller and entry.origin.teller == teller)]
    return noted(row.notes, untold, answer.code, at)


def not_landed(row: Row) -> Change:
    """R6: the dead attempt moves to memory; what it still owed goes first again."""
    attempt = _open(row)
    return _closed(row, Remembered(attempt), attempt.owed + row.queue)


def refused(row: Row, *, split: bool = False, for_good: bool = False) -> Change:
    """R6: a definite refusal. `split` sends each operation of the run alone from now on.

    The attempt is remembered as refused, until its signature is dead: a code that lied is then explained, not frozen.
    """
    attempt = _open(row)
    owed = tuple(replace(entry, alone=True) for entry in attempt.owed) if split else attempt.owed
    return _closed(row, Remembered(attempt, refused=True, for_good=for_good), owed + row.queue)


def parted(row: Row) -> Change:
    """R6: a stretch of records is refused for its content; its pieces go out alone, first again.

    Should the refused call be seen to have landed, all of them have, unless one has been joined with another.
    """
    attempt = _open(row)
    [whole] = attempt.owed
    pieces = pieces_of(whole)
    queue = joined(pieces, row.queue)
    carried = replace(attempt, entries=pieces) if queue[: len(pieces)] == pieces else attempt
    return _closed(row, Remembered(carried, refused=True), queue)


def returned(row: Row) -> Row:
    """Take back an attempt that never left: nothing of it can be seen to land, nor has the next call to wait (R16)."""
    attempt = _open(row)
    return row.changed(attempt=None, queue=attempt.owed + row.queue, called_ms=0)


def is_void(row: Row) -> bool:
    """Whether a row says no more than a new one would: where its group is gone, the sweep deletes it (R14)."""
    return row.base in {None, 0} and is_blank(row)


def is_blank(row: Row) -> bool:
    """Whether a row tells of the past alone: where the receipt stood, and which keys have had landings."""
    return row.is_settled and not (row.remembered or row.watermarks or row.is_held)


def rejected_from_queue(row: Row, answer: Answer, at: float, teller: str = "") -> Change:
    """Refuse what waits in a row that never had an attempt: no call can have carried it.

    A rejection is written atomically with the row (R6), so no more at a time than a store's transaction holds.
    """
    ended = row.queue[:REJECTED_AT_ONCE]
    records = {entry.id: record_of(entry, answer, at) for entry in ended}
    notes = _noted(row, ended, answer, at, teller)
    return Change.of(row, row.changed(queue=row.queue[len(ended) :], notes=notes), records)


def frozen(row: Row, reason: str, at: int = 0) -> Row:
    """R7: nothing explains the receipt; from `at` on nothing is resent until an operator has decided."""
    return row.changed(frozen=reason, frozen_at=at, first_seen_at=None)


def forgotten(row: Row, known_after: int | None, bound_of: Callable[[Attempt], float], forget_s: float) -> Row:
    """R11: drop what can no longer be seen to land, given a receipt seen at its base after `known_after`.

    A refused attempt needs no more than its own death, an expired one a day beyond it.
    """
    if known_after is None or not row.remembered:
        return row

    def kept(past: Remembered) -> bool:
        return known_after < death(past.attempt, bound_of(past.attempt)) + (0 if past.refused else forget_s)

    return replace(row, remembered=tuple(past for past in row.remembered if kept(past)))


def _closed(row: Row, past: Remembered, queue: tuple[Entry, ...]) -> Change:
    """Close the open attempt, and remember it in another one's place where memory is full (R11)."""
    closed = row.changed(attempt=None, queue=queue)
    if not row.receipt_key:
        # Only a receipt shows a late landing.
        return Change(closed)
    return Change(replace(closed, remembered=remembering(row.remembered, past)), dropped=giving_way(row.remembered))


def _open(row: Row) -> Attempt:
    if row.attempt is None:
        msg = "no attempt is open"
        raise ValueError(msg)
    return row.attempt


def debt_forgiven(row: Row, counters: Counters) -> Row:
    """Give up a payment: the group that was owed is gone, and its counters with it."""
    return replace(row, debt=without_keys(row.debt, {key for key, _ in counters}))


def appended(row: Row, entries: Iterable[Entry]) -> Row:
    """R1: accept."""
    return row.changed(queue=(*row.queue, *entries))


def acknowledged(row: Row, origins: Mapping[str, Origin], teller: str) -> Row:
    """R6: the sources of these hear of a rejection by a note alone from now on; the same row if that is so already.

    What came over HTTP first gets the origin of the source's record that asks for the same.
    """

    def is_told(entry: Entry) -> bool:
        return entry.id not in origins or (entry.origin is not None and entry.origin.teller in {"", teller})

    if all(map(is_told, row.owed)):
        return row

    def noted(entry: Entry) -> Entry:
        return entry if is_told(entry) else replace(entry, origin=replace(entry.origin or origins[entry.id], teller=""))

    attempt = row.attempt and replace(row.attempt, entries=tuple(map(noted, row.attempt.entries)))
    remembered = tuple(
        replace(past, attempt=replace(past.attempt, entries=tuple(map(noted, past.attempt.entries))))
        for past in row.remembered
    )
    return row.changed(attempt=attempt, queue=tuple(map(noted, row.queue)), remembered=remembered)
