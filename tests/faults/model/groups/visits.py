"""What a worker does next in the world of one group, step by step (R1-R3)."""

from dataclasses import dataclass

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Row, first_row
from handler.core.state import transitions
from handler.core.state.watermarks import are_new
from tests.faults.model.groups.group import RECEIPT_KEY, At, Reply, State, Worker
from tests.faults.model.groups.judging import Judging, begins
from tests.faults.model.groups.moving import Moves, with_worker

SWEEP = -1


@dataclass
class Visits(Judging):
    """The workers, one for each delivery, and last a sweep that finishes what they leave."""

    def steps(self, state: State, number: int, worker: Worker) -> Moves:
        operation = self.deliveries[number] if number < len(self.deliveries) else SWEEP
        row = self.shelf.rows[state.row]
        if worker.at is At.DONE:
            if operation == SWEEP and self._has_work_for_the_sweep(state, row):
                yield "begins", with_worker(state, number, Worker(At.LOOP))
        elif worker.at is At.START:
            if self._is_delivered(state, operation):
                yield self._accept(state, number, row, operation)
        elif worker.at is At.LOOP and row:
            yield from self._look(state, number, row, operation)
        elif worker.at is At.SEND:
            yield self._send(state, number, worker)
        elif worker.at is At.JUDGE and row:
            yield from self._judge(state, number, row)
        elif worker.at is At.REJECT and row:
            yield self._reject_late(state, number, row)

    def _has_work_for_the_sweep(self, state: State, row: Row | None) -> bool:
        return row is not None and row.is_unfinished and all(one.at is At.DONE for one in state.workers)

    def _is_delivered(self, state: State, operation: int) -> bool:
        """A stream delivers a record once all before it have been accepted."""
        return not self.positions or all(earlier in state.order for earlier in range(operation))

    def _accept(self, state: State, number: int, row: Row | None, operation: int) -> tuple[str, State]:
        """R1 in one step: what lies between its steps is a world of its own."""
        new = self.entry(operation)
        if state.records[operation] and new.position is None:
            return "is answered from the record", with_worker(state, number, Worker(At.DONE))
        if row is not None and row.entry(new.id):
            return "helps", with_worker(state, number, Worker(At.LOOP))
        if not are_new([new], row, self.watermarks(state)):
            return "was accepted before", with_worker(state, number, Worker(At.DONE))
        order = state.order if operation in state.order else (*state.order, operation)
        state = state._replace(order=order)
        if row is None:
            return "makes the row", self._put(state, number, first_row([new], RECEIPT_KEY, state.generation))
        mode = new.mode if self.rules.begins_by_the_margin else Mode.INCREASE
        idle = row if self.rules.beginnings_ask_for_the_pause else replace(row, paused=None)
        if idle.is_idle(RECEIPT_KEY, state.generation, mode):
            return "begins", self._open(state, number, row, (new,), ())
        return "appends", self._put(state, number, transitions.appended(row, [new]))

    def _look(self, state: State, number: int, row: Row, operation: int) -> Moves:
        """Read the row, and do or ask what it wants next; nothing can come between that matters."""
        worker = state.workers[number]
        own = row.attempt is not None and int(row.attempt.id) == worker.mine
        if not own and worker.mine >= 0 and (worker.reply is not Reply.CONTENT or self.rules.rejects_only_its_own):
            worker = Worker(At.LOOP)
            state = with_worker(state, number, worker)
        done = row.is_settled if operation == SWEEP else row.entry(str(operation)) is None and not row.debt
        if row.paused and self.rules.pauses_are_obeyed and not row.frozen:
            yield self._stop(state, number, row)
        elif row.frozen or (done and not (operation == SWEEP and row.remembered)):
            yield "is done", with_worker(state, number, Worker(At.DONE))
        elif worker.reply is Reply.UNSENT:
            yield "finds its own attempt", with_worker(state, number, worker._replace(at=At.SEND))
        elif worker.reply is Reply.NONE and row.generation < state.generation and self.rules.copies_are_verified:
            yield from self._verify(state, number, row)
        elif row.attempt or row.base is None or not (row.queue or row.debt):
            yield from self._establish(state, number, row) if begins(row) else self._ask(state, number)
        elif not self._may_open(state, row):
            return
        elif self._mode_next(row) is Mode.SET and row.remembered and self.rules.set_reads_first:
            yield from self._ask(state, number)
        else:
            yield from self._heard(state, self._open_next(state, number, row), number, "opens")

    def _stop(self, state: State, number: int, row: Row) -> tuple[str, State]:
        """R15: what is not on its way stays here; an attempt that was not sent goes back into the queue."""
        if state.workers[number].reply is Reply.UNSENT:
            back = self._put(state, number, transitions.returned(row))
            return "takes its attempt back", with_worker(back, number, Worker(At.DONE))
        return "leaves a paused group", with_worker(state, number, Worker(At.DONE))

    def _send(self, state: State, number: int, worker: Worker) -> tuple[str, State]:
        """R3: the signature is of the time in the row."""
        row = self.shelf.rows[state.row]
        attempt = self.shelf.attempts[worker.asked]
        late = state.clock > attempt.signed_at
        if late and self.rules.late_send_refused:
            after = Worker(At.LOOP, worker.mine, Reply.PASSING)
            return "sends too late and is refused", with_worker(state, number, after)
        still = row is not None and row.attempt is not None and row.attempt.id == attempt.id
        waiting = Worker(At.WAIT, worker.mine, Reply.NONE, state.clock, None, worker.fresh and still)
        flights = tuple(sorted((*state.flights, worker.asked)))
        return "sends", with_worker(state._replace(flights=flights), number, waiting)
