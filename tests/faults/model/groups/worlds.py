"""The world around the workers of one group: the network, the API, its clock, and what must hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Pause, Row
from handler.core.state.merge import payload_of
from tests.faults.model.groups import group
from tests.faults.model.groups.group import KEY, RECEIPT_KEY, At, Is, Reply, State, Worker
from tests.faults.model.groups.moving import Moves, with_worker
from tests.faults.model.groups.visits import Visits

# What somebody else's write adds to the receipt: no sum of weights.
FOREIGN = 7


@dataclass
class GroupWorld(Visits):
    """`begun`: the ledger knows the group; else `history` says that its receipt is there, and a request under way."""

    begun: bool = True
    history: bool = False

    def initial(self) -> State:
        row = Row(version=0, generation=1, receipt_key=RECEIPT_KEY, base=self.base) if self.begun else None
        count = max(self.deliveries) + 1
        workers = (*(Worker() for _ in self.deliveries), Worker(At.DONE))
        state = State(
            self.shelf.row(row),
            self.base if self.begun else 0 if self.history else None,
            *(workers, (0,) * count, (0,) * count),
            faults=self.faults.budget,
        )
        if not self.history:
            return state
        old = Attempt(
            id="0",
            weight=group.WEIGHT_UNIT,
            mode=Mode.INCREASE,
            entries=(),
            signed_at=0,
            life_s=0,
            correction=((group.OTHER_KEY, 1),),
        )
        return state._replace(made=1, flights=(self.shelf.attempt(old),))

    def moves(self, state: State) -> Moves:
        for what, after in self._all_moves(state):
            yield what, self._ordered(after)

    def _all_moves(self, state: State) -> Moves:
        for number, worker in enumerate(state.workers):
            name = f"W{number + 1}/{'ABCDEF'[self.deliveries[number]]}" if number < len(self.deliveries) else "sweep"
            for what, after in self.steps(state, number, worker):
                yield f"{name} {what}", after
            holds = worker.at in {At.SEND, At.REJECT} or worker.reply is not Reply.NONE
            if self.faults.crash and state.faults and holds:
                after = with_worker(state, number, Worker() if number < len(self.deliveries) else Worker(At.DONE))
                yield f"{name} CRASHES", after._replace(faults=state.faults - 1)
        for request in dict.fromkeys(state.flights):
            yield from self._on_its_way(state, request)
        yield from self._time_and_fate(state)

    def _on_its_way(self, state: State, request: int) -> Moves:
        attempt, faults = self.shelf.attempts[request], self.faults
        sender = _waiting(state, attempt)
        left = list(state.flights)
        left.remove(request)
        gone = state._replace(flights=tuple(left))
        less = state.faults - 1
        is_late = state.clock > attempt.signed_at
        if sender is None:
            if not is_late or (faults.late and state.faults and not self._hides(state)):
                after = self._landed(gone, attempt)._replace(faults=less if is_late else state.faults)
                yield f"{attempt.id} LANDS{' LATE' if is_late else ''}", after
                if faults.copied and state.faults:
                    yield f"{attempt.id} LANDS TWICE", self._landed(after, attempt)._replace(faults=less)
                    repeated = after._replace(flights=state.flights, unknown=state.unknown | {int(attempt.id)})
                    yield f"{attempt.id} LANDS AND IS REPEATED", repeated._replace(faults=less)
            yield f"{attempt.id} IS LOST", gone
            return
        yield from self._heard_of(state, gone, attempt, sender)
        if state.faults:
            yield from self._gone_astray(state, gone, attempt, sender)

    def _heard_of(self, state: State, gone: State, attempt: Attempt, sender: int) -> Moves:
        """The API does what it is asked, or refuses, and its reply is heard."""
        no_lift = attempt.is_lift and any(self.modes[number] is Mode.DECREASE for number in self.bad)
        if no_lift or any(int(entry.id) in self.bad for entry in attempt.entries):
            yield f"{attempt.id} IS REFUSED", self._refused_with(gone, sender, Reply.CONTENT)
        after = self._landed(gone, attempt)
        told = state.workers[sender]._replace(at=At.JUDGE, value=after.receipt)
        told = told if self._is_open(state, attempt) else Worker(At.LOOP)
        yield f"{attempt.id} LANDS", with_worker(after, sender, told)

    def _gone_astray(self, state: State, gone: State, attempt: Attempt, sender: int) -> Moves:
        """The request is lost or late, refused without need, or carried out and told to be refused."""
        faults, less, unclear = self.faults, state.faults - 1, Worker(At.LOOP)
        if faults.lost:
            yield f"{attempt.id} IS LOST", with_worker(gone, sender, unclear)._replace(faults=less)
        if faults.delayed:
            yield f"{attempt.id} IS DELAYED", with_worker(state, sender, unclear)._replace(faults=less)
        if faults.passing:
            passing = self._refused_with(gone, sender, Reply.PASSING)
            yield f"{attempt.id} IS REFUSED IN PASSING", passing._replace(faults=less)
        if faults.lies:
            for reply in (Reply.CONTENT, Reply.PASSING):
                lied = self._refused_with(self._landed(gone, attempt), sender, reply)
                yield f"{attempt.id} LANDS AND IS TOLD REFUSED ({reply.name})", lied._replace(faults=less)

    def _refused_with(self, state: State, sender: int, reply: Reply) -> State:
        """A definite refusal, to be confirmed by a read; or, with that rule left out, believed at once."""
        worker = state.workers[sender]
        state = with_worker(state, sender, Worker(At.LOOP, worker.mine, reply))
        row = self.shelf.rows[state.row]
        if self.rules.refusals_are_confirmed or row is None or row.attempt is None:
            return state
        return self._confirmed(state, sender, row, row.attempt) if int(row.attempt.id) == worker.mine else state

    def _landed(self, state: State, attempt: Attempt) -> State:
        payload = payload_of(attempt)
        landed = tuple(
            times + any(int(entry.id) == number for entry in attempt.entries)
            for number, times in enumerate(state.landed)
        )
        unknown = state.unknown
        overwrites = attempt.mode is Mode.SET and state.clock > attempt.signed_at
        if (
            overwrites
            or self._is_dropped(state, attempt)
            or (self.faults.restore and not self._is_known(state, attempt))
        ):
            unknown |= {int(attempt.id)}
        late = state.late | {int(attempt.id)} if state.clock > attempt.signed_at else state.late
        receipt = (state.receipt or 0) + attempt.mode.sign * attempt.weight
        value = state.value + attempt.mode.sign * payload.get(KEY, 0)
        if attempt.mode is Mode.SET:
            receipt, value = attempt.base + attempt.weight, payload.get(KEY, value)
        receipt = max(receipt, 0) if self.floor else receipt
        return state._replace(landed=landed, receipt=receipt, value=value, unknown=unknown, late=late)

    def _is_dropped(self, state: State, attempt: Attempt) -> bool:
        """Whether memory has given this attempt up for newer ones, as many as it holds."""
        row = self.shelf.rows[state.row]
        newer = range(int(attempt.id) + 1, state.made)
        past = [number for number in newer if not (row and row.attempt and int(row.attempt.id) == number)]
        return len(past) >= self.memory and not _knows(row, attempt)

    def _is_known(self, state: State, attempt: Attempt) -> bool:
        """Whether the ledger can know this attempt: the one that is, and the copy that may be put back."""
        rows = [self.shelf.rows[state.row]] + ([self.shelf.rows[state.copy[0]]] if state.copy else [])
        return all(_knows(row, attempt) for row in rows)

    def _hides(self, state: State) -> bool:
        """Whether a Set of another counter is under way or about to be: it would overwrite what the receipt tells.

        What lands late between the look before such a Set and its own landing stays, and nothing shows it any more.
        """
        row = self.shelf.rows[state.row]
        if not self.apart or row is None:
            return False
        if row.attempt is not None:
            return row.attempt.mode is Mode.SET
        looked = any(worker.at is At.JUDGE for worker in state.workers)
        return looked and bool(row.queue) and self._mode_next(row) is Mode.SET

    def _is_open(self, state: State, attempt: Attempt) -> bool:
        row = self.shelf.rows[state.row]
        return row is not None and row.attempt is not None and row.attempt.id == attempt.id

    def _time_and_fate(self, state: State) -> Moves:
        """The clock, a ledger that is put back, and somebody else."""
        row = self.shelf.rows[state.row]
        if row is not None and self._wants_time(state, row):
            yield "TIME PASSES", self._ticked(state)
        elif row and row.attempt and row.attempt.signed_at == state.clock and self.faults.early and state.faults:
            yield "TIME PASSES TOO SOON", self._ticked(state)._replace(faults=state.faults - 1)
        if self.faults.restore and state.copy is None and state.started < 0:
            yield "A COPY IS MADE", state._replace(copy=(state.row, state.records))
        if state.copy is not None:
            yield "THE COPY IS PUT BACK", self._put_back(state)
        if self.faults.pause and row is not None and not row.frozen:
            yield from self._paused(state, row)
        if self.faults.foreign and state.faults:
            moved = state._replace(receipt=(state.receipt or 0) + FOREIGN, faults=state.faults - 1)
            yield "SOMEBODY WRITES THE RECEIPT", moved._replace(unknown=state.unknown | {-1})

    def _paused(self, state: State, row: Row) -> Moves:
        """R15: an operator's writes of the row, which come between any two of the workers'."""
        if state.paused_at < 0:
            after = self._written(state, row.changed(paused=Pause(since=0, reason="a trial")), {})
            yield "AN OPERATOR PAUSES", after._replace(paused_at=state.made)
        elif row.paused is not None and self.rules.pauses_end:
            yield "AN OPERATOR RESUMES", self._written(state, row.changed(paused=None), {})

    def _wants_time(self, state: State, row: Row) -> bool:
        """Whether somebody waits for time to pass, and nobody is about to make it unnecessary."""
        if row.first_seen_at is not None and state.clock <= row.first_seen_at:
            return True
        if row.attempt is None and row.base is None and state.clock <= state.started:
            return True
        if row.attempt is not None:
            mine = int(row.attempt.id)
            busy = any(worker.mine == mine and worker.at is not At.DONE for worker in state.workers)
            return row.attempt.signed_at == state.clock and not busy
        if not row.is_settled and row.base is not None and not self._may_open(state, row):
            return True
        if not (row.is_settled and row.remembered and all(one.at is At.DONE for one in state.workers[:-1])):
            return False
        last = max(past.attempt.signed_at + (0 if past.refused else self.forget_ticks) for past in row.remembered)
        return state.clock <= last

    def _ticked(self, state: State) -> State:
        """What was signed in an earlier tick is dead; with late landings one more tick is not the end."""
        grace = self.forget_ticks if self.faults.late else 0
        times = {request: self.shelf.attempts[request].signed_at for request in state.flights}
        after = state._replace(
            clock=state.clock + 1,
            flights=tuple(request for request in state.flights if times[request] + grace > state.clock),
        )
        for number, worker in enumerate(state.workers):
            if worker.at is At.WAIT:
                after = with_worker(after, number, Worker(At.LOOP))
        return after

    def _put_back(self, state: State) -> State:
        """The ledger is as it was; every instance is a new one, and every caller asks again."""
        assert state.copy is not None
        row, records = state.copy
        workers = (*(Worker() for _ in self.deliveries), Worker(At.DONE))
        return state._replace(
            row=row, records=records, workers=workers, copy=None, generation=state.generation + 1, started=state.clock
        )

    def broken(self, state: State) -> Iterator[str]:
        row = self.shelf.rows[state.row]
        faults = self.faults
        for number, times in enumerate(state.landed):
            told = state.records[number]
            if times > 1 and not (faults.late or faults.copied or faults.lies):
                yield group.DOUBLE
            if told is Is.APPLIED and not times:
                yield group.FALSE_COMPLETED
            if told is Is.REJECTED and times:
                yield group.FALSE_REJECTED
            if told is Is.REJECTED and number not in self.bad:
                yield group.INNOCENT
            if number in state.order and not told and state.started < 0 and not (row and row.entry(str(number))):
                yield group.LOST
        if row and row.frozen and not state.unknown:
            yield group.FROZEN
        if state.made > group.ATTEMPTS_MAX:
            yield group.ENDLESS
        if row and row.attempt:
            yield from _opened_wrongly(state, row, row.attempt)

    def broken_at_end(self, state: State) -> Iterator[str]:
        """Frozen for a reason, or everything settled and counted once."""
        row = self.shelf.rows[state.row]
        if row is not None and row.frozen:
            return
        if row is None or not row.is_settled or 0 in state.records:
            yield group.UNFINISHED
        if state.value != self._due(state):
            # What a request did that came again, or somebody else, is told by the receipt to whoever looks next.
            told = state.unknown and row is not None and row.base != state.receipt
            if not told:
                yield group.WRONG_VALUE

    def _due(self, state: State) -> int:
        """The counter, had every applied operation counted once in the order of acceptance."""
        value = 0
        for number in state.order:
            if state.records[number] is Is.APPLIED:
                [(key, amount)] = self.entry(number).counters
                if key != KEY:
                    continue
                value = amount if self.modes[number] is Mode.SET else value + self.modes[number].sign * amount
        return value

    def _ordered(self, state: State) -> State:
        for first in range(len(self.deliveries) - 1):
            second, workers = first + 1, state.workers
            if self.deliveries[first] == self.deliveries[second] and _place(workers[second]) < _place(workers[first]):
                state = with_worker(with_worker(state, first, workers[second]), second, workers[first])
        return state


def _place(worker: Worker) -> tuple[int, ...]:
    return (*worker[:4], worker.value is not None, worker.value or 0, worker.fresh)


def _opened_wrongly(state: State, row: Row, attempt: Attempt) -> Iterator[str]:
    """Whether the open attempt has followed lost ones sooner than the doubled ticks allow, or come in a pause."""
    lost = [past.attempt.signed_at for past in row.remembered if not past.refused and past.attempt.base == row.base]
    if attempt.base == row.base and lost and attempt.signed_at - lost[-1] < 2 ** (len(lost) - 1):
        yield group.HURRIED
    if row.paused and int(attempt.id) >= state.paused_at:
        yield group.IN_A_PAUSE


def _knows(row: Row | None, attempt: Attempt) -> bool:
    if row is None:
        return False
    known = [past.attempt for past in row.remembered] + ([row.attempt] if row.attempt else [])
    return any(one.id == attempt.id for one in known)


def _waiting(state: State, attempt: Attempt) -> int | None:
    for number, worker in enumerate(state.workers):
        if worker.at is At.WAIT and worker.mine == int(attempt.id):
            return number
    return None
