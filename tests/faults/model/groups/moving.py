"""How rows are moved in the world of one group: by the function's own rules, and by compare-and-swap."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from handler.core.model.lift import LIFT, needs_lift, set_above
from handler.core.model.operation import KEYS_PER_GROUP, NO_WATERMARKS, Mode, Position, Watermarks
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Attempt, Entry, Row
from handler.core.state.losses import REMEMBERED_MAX, opens_at, remembering
from handler.core.state.merge import correction_of, next_run
from handler.core.state.receipts import WEIGHT_MIN, choose_weight
from handler.core.state.watermarks import watermarks_of
from tests.faults.model.checker import replaced
from tests.faults.model.groups.group import (
    FORGET_TICKS,
    HIGH,
    KEY,
    OTHER_KEY,
    RECEIPT_KEY,
    WEIGHT_RATIO,
    WEIGHT_UNIT,
    At,
    Faults,
    Is,
    Reply,
    Rules,
    Shelf,
    State,
    Worker,
    entry,
)

Moves = Iterator[tuple[str, State]]


@dataclass
class Moving:
    """One group, and the `deliveries` to it by the operation that each brings, whose mode is in `modes`."""

    deliveries: tuple[int, ...]
    modes: tuple[Mode, ...]
    faults: Faults
    bad: frozenset[int] = frozenset()
    """Operations that the API may refuse whenever a call carries them."""
    apart: bool = False
    """Whether each Set is of another counter than the deltas."""
    positions: tuple[tuple[str, int], ...] = ()
    """Shard and number of each operation, where they come from a stream: no record tells that one was accepted."""
    base: int = HIGH
    """The receipt of a group that the ledger knows."""
    floor: bool = False
    """Whether the API lets no receipt go below zero, and cuts it off there. Weights are as large as real ones then."""
    memory: int = REMEMBERED_MAX
    """How many past attempts are kept in mind."""
    forget_ticks: int = FORGET_TICKS
    rules: Rules = field(default_factory=Rules)
    shelf: Shelf = field(default_factory=Shelf, init=False)

    def entry(self, operation: int) -> Entry:
        mode = self.modes[operation]
        key = OTHER_KEY if self.apart and mode is Mode.SET else KEY
        return replace(entry(operation, mode, key), position=self.position(operation))

    def position(self, operation: int) -> Position | None:
        if not self.positions:
            return None
        shard, number = self.positions[operation]
        return Position(shard if self.rules.shards_are_told_apart else "", str(number))

    def watermarks(self, state: State) -> Watermarks:
        """How far each shard has been settled: what has a record in other worlds has raised its mark in this one."""
        if not self.rules.positions_are_marked:
            return NO_WATERMARKS
        return watermarks_of(self.entry(operation) for operation, known in enumerate(state.records) if known)

    def _mode_next(self, row: Row) -> Mode:
        return correction_of(row.debt, KEYS_PER_GROUP)[0] if row.debt else row.queue[0].mode

    def _open_next(self, state: State, number: int, row: Row) -> State:
        """R2: a payment, or the next run; or a lift before either."""
        if self._is_lifted(row):
            return self._open(state, number, row, (), row.queue, Mode.INCREASE)
        if row.debt:
            mode, correction = correction_of(row.debt, KEYS_PER_GROUP)
            return self._open(state, number, row, (), row.queue, mode, correction)
        run = next_run(row.queue, {}, KEYS_PER_GROUP)
        return self._open(state, number, row, run, row.queue[len(run) :])

    def _may_open(self, state: State, row: Row) -> bool:
        """R11: after losses in a row the interval is one tick, two, four: the bound is a tick."""
        return not self.rules.losses_are_spaced or opens_at(row, lambda _: 1.0) <= state.clock

    def _bounded(self, row: Row) -> Row:
        """R11: the newest takes the place of another where memory is full."""
        if len(row.remembered) <= self.memory:
            return row
        *older, newest = row.remembered
        kept = remembering(older, newest, self.memory) if self.rules.memory_keeps_the_newest else tuple(older)
        return replace(row, remembered=kept)

    def _is_lifted(self, row: Row) -> bool:
        if not self.rules.lifts_by_the_margin and (row.base or 0) >= 2 * WEIGHT_MIN:
            return False
        return self.rules.lifts and needs_lift(RECEIPT_KEY, row.base or 0, self._mode_next(row))

    def _weight(self, state: State, row: Row, attempt: Attempt) -> int:
        """As the function draws it, or far from all others."""
        above = set_above(row.base or 0, attempt.mode) if attempt.entries or attempt.correction else LIFT
        if self.floor:
            return choose_weight(row.remembered_shifts, random.Random(state.made), above)
        return above + WEIGHT_UNIT * (WEIGHT_RATIO**state.made if self.rules.weights_differ else 1)

    def _open(
        self,
        state: State,
        number: int,
        row: Row,
        entries: tuple[Entry, ...],
        queue: tuple[Entry, ...],
        mode: Mode | None = None,
        correction: tuple[tuple[str, int], ...] = (),
    ) -> State:
        attempt = Attempt(
            id=str(state.made),
            weight=0,
            mode=mode or entries[0].mode,
            entries=entries,
            signed_at=state.clock,
            life_s=0,
            correction=correction,
        )
        attempt = replace(attempt, weight=self._weight(state, row, attempt))
        opened = row.opened(attempt, queue)
        after = self._put(state._replace(made=state.made + 1), number, opened)
        request = self.shelf.attempt(opened.attempt or attempt)
        sender = Worker(At.SEND, state.made, Reply.UNSENT, request, None, fresh=True)
        return with_worker(after, number, sender)

    def _put(self, state: State, number: int, row: Row, records: Mapping[str, Record] | None = None) -> State:
        """A worker writes the row, with its records."""
        return with_worker(self._written(state, row, records or {}), number, Worker(At.LOOP))

    def _written(self, state: State, row: Row, records: Mapping[str, Record]) -> State:
        """The row is written; what others have in hand is out of date, or at least not the newest."""
        before = self.shelf.rows[state.row]
        given_up = _remembered(before) - _remembered(row)
        state = state._replace(unknown=state.unknown | (given_up & state.late))
        workers = tuple(_outdated(worker, before, row) for worker in state.workers)
        return state._replace(row=self.shelf.row(row), records=with_records(state.records, records), workers=workers)

    def _heard(self, before: State, after: State, number: int, what: str) -> Moves:
        """A write, and the same where its answer is lost."""
        yield what, after
        if self.faults.unheard and before.faults and after.row != before.row:
            worker = after.workers[number]
            doubtful = Worker(At.LOOP, worker.mine, worker.reply, worker.asked) if worker.mine >= 0 else worker
            own = before.workers[number]
            if worker.mine < 0 and own.reply:
                doubtful = Worker(At.LOOP, own.mine, own.reply)
            yield f"{what}, unheard", with_worker(after, number, doubtful)._replace(faults=before.faults - 1)


def with_worker(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=replaced(state.workers, number, worker))


def _remembered(row: Row | None) -> set[int]:
    return {int(past.attempt.id) for past in row.remembered} if row else set()


def _outdated(worker: Worker, before: Row | None, after: Row) -> Worker:
    if worker.at not in {At.JUDGE, At.WAIT, At.SEND}:
        return worker
    same = before is not None and before.attempt == after.attempt and before.base == after.base
    if worker.at is At.JUDGE and not same:
        return Worker(At.LOOP, worker.mine, worker.reply)
    return worker._replace(fresh=False)


def with_records(known: tuple[int, ...], records: Mapping[str, Record]) -> tuple[int, ...]:
    """The records with these beside them; the first answer of an operation stays."""
    told = {
        int(name): Is.APPLIED if isinstance(record.answer, Applied) else Is.REJECTED for name, record in records.items()
    }
    return tuple(old or told.get(number, Is.UNKNOWN) for number, old in enumerate(known))
