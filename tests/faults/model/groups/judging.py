"""What a worker concludes from a receipt in the world of one group; the verdict is that of `handler.core`."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Rejected
from handler.core.model.row import Attempt, Row
from handler.core.state import transitions
from handler.core.state.receipts import Landed, ReceiptReading, TooEarly, Unexplained, judge
from tests.faults.model.groups.group import KEY, At, Reply, State, Worker
from tests.faults.model.groups.moving import Moves, Moving, with_records, with_worker

SEEN = transitions.CounterReading({}, later=True, at=0.0)
REFUSED = Rejected(10004, "")
INEXPLICABLE = "nothing explains the receipt"


@dataclass
class Judging(Moving):
    """From a look at the receipt to the next row (R4-R7, R9, R10)."""

    def _ask(self, state: State, number: int) -> Moves:
        """A read tells the receipt as it is, and was asked for when the clock was no later than now."""
        worker = state.workers[number]
        asked = worker._replace(at=At.JUDGE, asked=state.clock, value=state.receipt, fresh=True)
        yield "reads the receipt", with_worker(state, number, asked)
        if worker.reply is Reply.PASSING and self.faults.lies and state.faults:
            row = self.shelf.rows[state.row]
            if row and row.attempt:
                after = self._confirmed(state._replace(faults=state.faults - 1), number, row, row.attempt)
                yield "is refused the READ likewise", after

    def _judge(self, state: State, number: int, row: Row) -> Moves:
        """With a receipt's value in hand, and the row that it was read for."""
        worker = state.workers[number]
        value = worker.value or 0
        if row.generation < state.generation and self.rules.copies_are_verified and not worker.reply:
            yield from self._verified(state, number, row, value)
        elif begins(row):
            after = (
                self._established(state, number, row) if worker.fresh else with_worker(state, number, Worker(At.LOOP))
            )
            yield "notes what it has read", after
        elif row.attempt or value != row.base:
            yield from self._conclude(state, number, row, value)
        elif row.paused and self.rules.pauses_are_obeyed:
            yield "finds the row moved", with_worker(state, number, Worker(At.LOOP))
        elif row.queue or row.debt:
            yield from self._heard(state, self._open_next(state, number, row), number, "opens")
        else:
            asked = worker.asked if self.rules.forgets_after_death else worker.asked + 2
            forgotten = transitions.forgotten(row, asked, lambda _: 0, self.forget_ticks)
            yield "forgets", self._put(state, number, forgotten.changed())

    def _conclude(self, state: State, number: int, row: Row, value: int) -> Moves:
        worker = state.workers[number]
        asked = worker.asked if self.rules.read_after_expiry else state.clock
        if value == row.base and not row.debt:
            row = transitions.forgotten(row, worker.asked, lambda _: 0, self.forget_ticks)
        verdict = judge(row, ReceiptReading(value, asked), 0)
        again = with_worker(state, number, Worker(At.LOOP, worker.mine, worker.reply))
        if isinstance(verdict, Landed):
            after = self._settled(state, number, row, value, verdict.times)
            yield from self._heard(state, after or again, number, "concludes: landed")
        elif not worker.fresh:
            yield "finds the row moved", again
        elif isinstance(verdict, Unexplained):
            adopted = (
                transitions.frozen(row, INEXPLICABLE) if self.rules.unexplained_freezes else row.changed(base=value)
            )
            yield "concludes: inexplicable", self._put(state, number, adopted)
        elif row.attempt is None:
            yield "goes on", again
        elif worker.reply:
            yield from self._heard(state, self._confirmed(state, number, row, row.attempt), number, "takes the refusal")
        elif isinstance(verdict, TooEarly):
            yield "concludes nothing", again
        else:
            yield from self._heard(state, self._put(state, number, self._lapsed(row)), number, "concludes: not landed")

    def _lapsed(self, row: Row) -> Row:
        """R6, R11: what has not landed is remembered, in a memory that is bounded."""
        if len(row.remembered) >= self.memory and not self.rules.losses_never_freeze:
            return transitions.frozen(row, INEXPLICABLE)
        lapsed = transitions.not_landed(row).row
        return (
            self._bounded(lapsed) if self.rules.expired_are_remembered else replace(lapsed, remembered=row.remembered)
        )

    def _settled(self, state: State, number: int, row: Row, value: int, times: Mapping[str, int]) -> State | None:
        """R5 and R7; None where the row has moved, and it is no plain settlement."""
        change = transitions.landed(row, value, times, SEEN)
        plain = transitions.is_plain(row, times)
        if not plain and not state.workers[number].fresh:
            return None
        state = state._replace(late=state.late - {int(name) for name in times})
        after = change.row
        if not plain:
            after = transitions.forgotten(after, state.workers[number].asked, lambda _: 0, self.forget_ticks)
        if not self.rules.excess_is_owed:
            after = replace(after, debt=())
        if not self.rules.lifts_are_no_debt and row.attempt and row.attempt.is_lift and row.attempt.id in times:
            after = replace(after, debt=((KEY, 1),))
        if row.attempt and row.attempt.mode is Mode.SET and not self.rules.set_clears_debt:
            after = replace(after, debt=after.debt or row.debt)
        if not self.rules.owed_are_settled_by_a_late_landing and row.attempt and row.attempt.id not in times:
            return self._put(state, number, replace(row, base=value, remembered=after.remembered))
        return self._put(state, number, after, change.records)

    def _confirmed(self, state: State, number: int, row: Row, attempt: Attempt) -> State:
        """R6: a refusal of this very attempt."""
        reply = state.workers[number].reply
        rules = self.rules
        if reply is Reply.PASSING and rules.passing_is_not_final:
            return self._put(state, number, self._refused(row))
        if attempt.correction or (attempt.is_lift and not self._rejects_the_head(row)):
            return self._put(state, number, self._refused(row, for_good=bool(row.debt)))
        if len(attempt.entries) > 1 and rules.runs_are_split:
            return self._put(state, number, self._refused(row, split=True))
        change = transitions.answered(row, REFUSED, 0.0)
        change = replace(change, row=self._bounded(change.row))
        if not rules.rejection_with_the_row:
            written = state._replace(records=with_records(state.records, change.records))
            return with_worker(written, number, state.workers[number]._replace(at=At.REJECT))
        return self._put(state, number, change.row, change.records)

    def _rejects_the_head(self, row: Row) -> bool:
        """R2: a refused lift is the refusal of the Decrease that it was for, where that comes next."""
        comes_next = not row.debt and bool(row.queue) and row.queue[0].mode is Mode.DECREASE
        return comes_next and self.rules.refused_lifts_reject

    def _refused(self, row: Row, *, split: bool = False, for_good: bool = False) -> Row:
        after = transitions.refused(row, split=split, for_good=for_good).row
        return self._bounded(after) if self.rules.refused_are_remembered else replace(after, remembered=row.remembered)

    def _reject_late(self, state: State, number: int, row: Row) -> tuple[str, State]:
        """The other half of a rejection that was not written at once."""
        worker = state.workers[number]
        if row.attempt is None or int(row.attempt.id) != worker.mine:
            return "finds the row moved", with_worker(state, number, Worker(At.LOOP))
        return "clears the row", self._put(state, number, transitions.answered(row, REFUSED, 0.0).row)

    def _establish(self, state: State, number: int, row: Row) -> Moves:
        """R9: the first read, and the second one when what a history has under way is dead."""
        if row.first_seen_at is None and not self.rules.first_use_reads:
            yield "takes the group for new", self._put(state, number, row.changed(base=0))
        elif row.first_seen_at is None or state.clock > row.first_seen_at or not self.rules.adopts_after_the_wait:
            yield from self._ask(state, number)

    def _established(self, state: State, number: int, row: Row) -> State:
        """What the read says of a group that begins."""
        worker = state.workers[number]
        if worker.value is None and worker.asked <= state.started and self.rules.new_rows_of_a_copy_wait:
            return with_worker(state, number, Worker(At.LOOP))
        if worker.value is None:
            return self._put(state, number, row.changed(base=0, first_seen_at=None))
        if row.first_seen_at is None and state.generation > 1 and self.rules.lost_beginnings_freeze:
            return self._put(state, number, transitions.frozen(row, INEXPLICABLE))
        if row.first_seen_at is None:
            return self._put(state, number, row.changed(first_seen_at=worker.asked))
        return self._put(state, number, row.changed(base=worker.value, first_seen_at=None))

    def _verify(self, state: State, number: int, row: Row) -> Moves:
        """R10: a sight of the row, then a wait, then the receipt."""
        if row.first_seen_at is None or row.first_seen_generation != state.generation:
            sighted = row.changed(first_seen_at=state.clock, first_seen_generation=state.generation)
            yield "sights the row", self._put(state, number, sighted)
        elif state.clock > row.first_seen_at or not self.rules.verifies_after_the_wait:
            yield from self._ask(state, number)

    def _verified(self, state: State, number: int, row: Row, value: int) -> Moves:
        """What the receipt says of a row of an older generation."""
        if not state.workers[number].fresh:
            yield "finds the row moved", with_worker(state, number, Worker(At.LOOP))
        elif row.base is None and row.owed and state.workers[number].value is not None:
            yield "misses the beginning", self._put(state, number, transitions.frozen(row, INEXPLICABLE))
        elif row.base is None or (row.attempt is None and value == row.base):
            verified = row.changed(generation=state.generation, first_seen_at=None)
            yield "verifies the row", self._put(state, number, verified)
        else:
            yield from self._conclude(state, number, row, value)


def begins(row: Row) -> bool:
    """Whether nothing was ever sent on the ground of this row (R9)."""
    return row.base is None and row.attempt is None
