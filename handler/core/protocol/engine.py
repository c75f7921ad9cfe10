"""The protocol as its users see it: apply operations of a group, ask after one, finish what is unfinished.

In reading order: `accept` (R1), `drive` (R2, R3), `conclude` (R4, R7), `settle` (R5), `refusal` (R6), `first_use` (R9,
R10), `sweep` (R8, R11). They change rows by the pure functions of `state.transitions`; `state.receipts` says what a
receipt proves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable, OutcomeUnknown
from handler.core.model.operation import Operation, key_limit, operation_id
from handler.core.model.outcome import Frozen, KeyReused, Outcome, Pending, Records, Rejected, Stalled
from handler.core.model.placed import Content, Placed, count_of
from handler.core.model.row import Entry, Group, Row
from handler.core.ports.system import Notice, naming
from handler.core.protocol.accept import Acceptance, accept
from handler.core.protocol.drive import drive
from handler.core.protocol.parking import acknowledge, strike
from handler.core.protocol.refusal import note_landings
from handler.core.protocol.sweep import SideBySide, Swept, one_by_one, sweep
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from handler.core.state.folding import Asked

# What a caller is asked to wait for the outcome of an operation that is owed.
PENDING_RETRY_S = 2.0


class ExactlyOnce:
    """One warm instance's way to the counters of one app."""

    def __init__(self, instance: Instance, app: int) -> None:
        self._instance = instance
        self._app = app

    def apply(self, group_id: str, operations: Sequence[Operation | Placed], budget: TimeBudget) -> list[Outcome]:
        """Accept operations of one group and go on until each has its answer, or budget ends.

        Outcomes are in the order of the operations, one for each record. Of a record that is known by its place no
        answer is kept: it is rejected, or pending and counted. Raises NotAccepted when nothing was accepted, and
        OutcomeUnknown.
        """
        if not operations:
            return []
        visit = Visit(self._instance, Group(self._app, group_id), budget)
        if budget.gives_back:
            visit.teller = f"{self._instance.chance.getrandbits(32):08x}"
        try:
            asked, acceptance = self._accept(visit, operations)
            self._finish(visit, acceptance.row)
        finally:
            visit.turns.end()
        records = self._records(visit)
        note_landings(self._instance, self._app, budget.deadline)
        waiting = self._waiting(visit)
        keyed = [
            (one, self._outcome(visit, one, acceptance, records) or waiting) for one in asked if isinstance(one, Entry)
        ]
        self._report(visit, keyed, acceptance, passed=count_of(operations) - len(keyed) - acceptance.added)
        return _outcomes(asked, [outcome for _, outcome in keyed], _rejected(acceptance.row, records), waiting)

    def accept(self, group_id: str, operations: Sequence[Operation], until: float = -inf) -> list[Operation]:
        """Accept operations of one group, by a turn that comes until then, and leave their calls to others.

        Those whose key came before with other content are not accepted, and given back. Raises as `apply` does.
        """
        now = self._instance.clock.monotonic()
        budget = TimeBudget(until=now, deadline=now, accepts_until=until)
        visit = Visit(self._instance, Group(self._app, group_id), budget)
        try:
            asked, acceptance = self._accept(visit, operations)
        finally:
            visit.turns.end()
        pairs = zip(operations, asked, strict=True)
        return [operation for operation, one in pairs if isinstance(one, Entry) and _is_reused(one, acceptance)]

    def ask(self, group_id: str, caller: str, key: str, budget: TimeBudget) -> Outcome | None:
        """What became of the operation that `caller` named `key`, or None. One that is owed is moved on (R8)."""
        group, wanted = Group(self._app, group_id), operation_id(caller, key)
        row = self._instance.ledger.load(group)
        visit = Visit(self._instance, group, budget, frozenset({wanted}))
        owed = row is not None and row.entry(wanted) is not None
        if owed:
            self._finish(visit, row)
        record = self._instance.ledger.find(group, [wanted]).get(wanted)
        if record is not None:
            return replace(record.answer, replayed=True)
        if not owed:
            return None
        _report_waiting(visit, [wanted])
        return self._waiting(visit)

    def strike(self, group_id: str, place: str) -> None:
        """Strike the note that would park this record of a source: an operator deals with it (R6)."""
        strike(self._instance, Group(self._app, group_id), place)

    def groups_with_key(self, key: str, by: int, limit: int, after: str) -> Sequence[str]:
        """A page of the groups in which an operation on this key had landed by then, in order of id."""
        return self._instance.ledger.groups_with_key(self._app, key, by, limit, after)

    def sweep(self, deadline: float, after: str | None = None, side_by_side: SideBySide = one_by_one) -> Swept:
        """Finish what was accepted and not finished; `deadline` is a moment of the monotonic clock.

        It begins after the group `after`, else where this instance's last sweep had to end. Raises what has kept it
        from listing the groups, once those that it had listed are tended.
        """
        begins_after = self._instance.swept_to.group_id if after is None else after
        swept = sweep(self._instance, self._app, deadline, begins_after, side_by_side)
        self._instance.swept_to.group_id = swept.after or ""
        note_landings(self._instance, self._app, deadline)
        if swept.left or swept.after is not None:
            self._instance.reporter.report(Notice.UNFINISHED, groups=swept.left)
        if swept.failure is not None:
            raise swept.failure
        return swept

    def _accept(
        self, visit: Visit, operations: Sequence[Operation | Placed]
    ) -> tuple[list[Entry | Placed], Acceptance]:
        """Accept operations, and give them back too as a row owes them, in their order."""
        accepted_at, limit = self._instance.api_clock.now(), key_limit(self._instance.rules.receipt_key)
        items = [_item(one, visit.teller, accepted_at) for one in operations]
        asked = Asked.of(_each_once(items), limit, accepted_at)
        acceptance = accept(visit, asked)
        # A key that is known with other content has its answer already.
        known, finished = acceptance.fingerprints, acceptance.finished
        mine = [name for name, entry in asked.keyed.items() if known.get(name) == entry.fingerprint]
        keyed = [name for name in mine if name not in finished]
        visit.wanted = frozenset([*keyed, *asked.owed_by(acceptance.row)])
        # What is known by its position is never told by a reply alone.
        origins = {name: entry.origin for name in keyed if (entry := asked.keyed[name]).origin is not None}
        if acceptance.row is not None and origins:
            acceptance = replace(acceptance, row=acknowledge(visit, acceptance.row, origins))
        return items, acceptance

    def _finish(self, visit: Visit, row: Row | None) -> None:
        """Drive on. The operations are accepted: a ledger that fails now only leaves them to the next worker."""
        if not visit.wanted:
            return
        try:
            drive(visit, row)
        except (LedgerUnavailable, OutcomeUnknown) as error:
            visit.report(Notice.UNFINISHED, groups=1, reason=str(error), **naming(visit.wanted))
        finally:
            visit.turns.end()

    def _records(self, visit: Visit) -> Records:
        """The answers of what the visit waited for: its own, else those that others have written meanwhile."""
        missing = tuple(visit.wanted - visit.answers.keys())
        if not missing:
            return visit.answers
        try:
            return visit.answers | dict(self._instance.ledger.find(visit.group, missing))
        except LedgerUnavailable as error:
            visit.report(Notice.UNFINISHED, groups=1, reason=str(error), **naming(missing))
            return visit.answers

    def _outcome(self, visit: Visit, entry: Entry, acceptance: Acceptance, records: Records) -> Outcome | None:
        """The answer to an operation with a key; None as long as it waits."""
        if _is_reused(entry, acceptance):
            return KeyReused()
        finished = acceptance.finished.get(entry.id)
        if finished is not None:
            return replace(finished.answer, replayed=True)
        record, in_doubt = records.get(entry.id), entry.id in visit.in_doubt
        if record is None and in_doubt:
            # Its source takes an answer for final, and only a note would report this rejection later.
            raise OutcomeUnknown("it may have been refused, and the ledger does not tell")
        # What was refused while this visit came to acknowledge it is no news of this visit's.
        return replace(record.answer, replayed=in_doubt) if record else None

    def _report(
        self, visit: Visit, keyed: Sequence[tuple[Entry, Outcome]], acceptance: Acceptance, passed: int
    ) -> None:
        """Report which operations were known, and which still wait, in a line for all of either kind.

        `passed` records were known by their place, which is all that names them here.
        """
        known = [one.id for one, _ in keyed if _is_finished(one, acceptance)]
        if known or passed:
            visit.report(Notice.REPLAYED, len(known) + passed, **naming(known), records=passed or None)
        waiting = [one.id for one, outcome in keyed if isinstance(outcome, (Pending, Stalled, Frozen))]
        waiting += [] if acceptance.row is None else _left(visit, acceptance.row)
        if waiting:
            _report_waiting(visit, waiting)

    def _waiting(self, visit: Visit) -> Outcome:
        if visit.frozen:
            return Frozen(visit.frozen)
        if visit.stopped and visit.stopped.refusal:
            refusal = visit.stopped.refusal
            return Stalled(refusal.code, refusal.info, max(1.0, self._instance.breaker.retry_after_s()))
        return Pending(PENDING_RETRY_S)


def _report_waiting(visit: Visit, operations: Sequence[str]) -> None:
    refusal = visit.stopped.refusal if visit.stopped else None
    code = refusal.code if refusal else None
    visit.report(Notice.PENDING, len(operations), reason=visit.frozen, code=code, **naming(operations))


def _left(visit: Visit, row: Row) -> list[str]:
    """What was added up of records, and has no answer yet."""
    return [entry.id for entry in row.owed if entry.position and entry.id in visit.wanted - visit.answers.keys()]


def _rejected(row: Row | None, records: Records) -> list[tuple[Entry, Rejected]]:
    """The stretches of records that were refused, as they were owed when they were accepted."""
    owed = [entry for entry in row.owed if entry.position] if row else []
    answers = [(entry, records[entry.id].answer) for entry in owed if entry.id in records]
    return [(entry, answer) for entry, answer in answers if isinstance(answer, Rejected)]


def _item(one: Operation | Placed, teller: str, accepted_at: int) -> Entry | Placed:
    if isinstance(one, Placed):
        return one
    return Placed.of(one) if one.position is not None else Entry.of(one, teller, accepted_at)


def _each_once(items: Sequence[Entry | Placed]) -> list[Entry | Placed]:
    """The same without operations that have come twice together: the first counts."""
    firsts = {item.id: item for item in reversed(items) if isinstance(item, Entry)}
    return [item for item in items if isinstance(item, Placed) or firsts[item.id] is item]


def _outcomes(
    asked: Sequence[Entry | Placed],
    keyed: Sequence[Outcome],
    rejected: Sequence[tuple[Entry, Rejected]],
    waiting: Outcome,
) -> list[Outcome]:
    """The outcomes in order: `keyed` of the operations with a key, and of each record the refusal of its content."""
    outcomes: list[Outcome] = []
    answers = iter(keyed)
    for one in asked:
        if isinstance(one, Entry):
            outcomes.append(next(answers))
        elif rejected:
            partition, each = one.place.partition, zip(one.contents, one.sequences, strict=True)
            outcomes += [_refusal_of(partition, *record, rejected) or waiting for record in each]
        else:
            outcomes += [waiting] * len(one)
    return outcomes


def _refusal_of(
    partition: str, content: Content, sequence: str, rejected: Sequence[tuple[Entry, Rejected]]
) -> Rejected | None:
    """The refusal of a record: that of the stretch, or of the piece, which has its content and its place.

    The pieces of a stretch all keep the position of the whole, so one that was refused does not speak for the others.
    """
    for entry, answer in rejected:
        at = entry.position
        if at is None or at.partition != partition or entry.mode is not content.mode:
            continue
        is_in_part = [part.first <= sequence <= part.last for part in entry.parts if part.counters == content.counters]
        # What an earlier version has accepted is one record.
        if any(is_in_part) or (not entry.parts and sequence == at.sequence):
            return answer
    return None


def _is_finished(entry: Entry, acceptance: Acceptance) -> bool:
    """Whether the operation came before, and has an answer."""
    return entry.id in acceptance.finished and not _is_reused(entry, acceptance)


def _is_reused(entry: Entry, acceptance: Acceptance) -> bool:
    """Whether the operation's key belongs to other content."""
    return acceptance.fingerprints[entry.id] != entry.fingerprint
