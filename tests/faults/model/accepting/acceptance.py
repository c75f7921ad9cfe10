"""Acceptance and settlement against a store that does one thing at a time (R1-R6), with unlimited faults.

Some deliveries of a few operations of one group meet one store. A worker may die between any two steps and is then
delivered again; requests are lost or land at any moment of their signature's life; replies and the store's answers get
lost; signatures expire early. The receipt is told relative to the row's base, and what a worker holds is told by
whether it is still true, so the world is finite whatever happens how often.
"""

from dataclasses import dataclass, field
from functools import cached_property

from tests.faults.model.accepting.store import (
    DOUBLE,
    FALSE_COMPLETED,
    FALSE_REFUSAL,
    FOLLOWS,
    LOST,
    RESTART,
    UNFINISHED,
    At,
    Moves,
    Rules,
    State,
    Way,
    Worker,
    touched,
    unheard,
    with_worker,
)


@dataclass(frozen=True)
class Acceptance:
    """`deliveries` names the operation of each worker; `in_parts` writes records one by one before the row."""

    deliveries: tuple[int, ...]
    way: Way
    in_parts: bool = False
    begins: bool = True
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        return State(landed=(0,) * (max(self.deliveries) + 1), workers=tuple(RESTART for _ in self.deliveries))

    def broken(self, state: State) -> list[str]:
        found = [DOUBLE] if max(state.landed) > 1 else []
        owed = state.carried | state.queue
        for operation, times in enumerate(state.landed):
            bit = 1 << operation
            if state.records & bit and not times:
                found.append(FALSE_COMPLETED)
            if state.accepted & bit and not (owed | state.records) & bit:
                found.append(LOST)
        if any(worker.at is At.LIED for worker in state.workers):
            found.append(FALSE_REFUSAL)
        return found

    def broken_at_end(self, state: State) -> list[str]:
        whole = (1 << len(state.landed)) - 1
        return [] if state.records == whole and set(state.landed) == {1} else [UNFINISHED]

    def moves(self, state: State) -> Moves:
        """Every step of every worker, and everything that the network and the clock may do."""
        for number, worker in enumerate(state.workers):
            if worker.at is At.DONE or worker.at is At.LIED:
                continue
            bit = 1 << self.deliveries[number]
            name = f"W{number + 1}/{'ABC'[self.deliveries[number]]}"
            for what, after in self._step(state, number, worker, bit):
                yield f"{name} {what}", self._ordered(after)
            if worker.at is not At.START:
                yield f"{name} CRASHES", self._ordered(with_worker(unheard(state, worker), number, RESTART))
        if state.wire:
            heard = any(worker.at is At.WAIT and worker.current for worker in state.workers)
            landed = tuple(times + (state.carried >> i & 1) for i, times in enumerate(state.landed))
            yield "LANDS", state._replace(wire=False, moved=state.moved + 1, reply=heard, landed=landed)
            yield "IS LOST", state._replace(wire=False)
        if state.open and not state.dead:
            yield "EXPIRES", state._replace(dead=True, wire=False)

    def _step(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        match worker.at:
            case At.START | At.SEEN | At.ABSENT:
                return self._accept(state, number, worker, bit)
            case At.LOOP | At.OPEN | At.SEND:
                return self._drive(state, number, worker, bit)
            case _:
                return self._judge(state, number, worker)

    def _accept(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        row_is_next = (worker.at is At.START) is self.rules.record_after_row
        if worker.at is At.START and self.way is Way.STEP and not worker.doubt:
            yield from self._in_one_step(state, number, worker, bit)
        elif worker.at is At.ABSENT:
            yield from self._take_on(state, number, worker, bit)
        elif row_is_next and (state.carried | state.queue) & bit:
            yield "is owed already", with_worker(state, number, Worker(At.LOOP, current=worker.current, own=worker.own))
        elif row_is_next:
            seen = worker._replace(at=FOLLOWS[worker.at], fresh=True, same_epoch=True)
            yield "reads the row", with_worker(state, number, seen)
        else:
            after = Worker(At.DONE) if state.records & bit else worker._replace(at=FOLLOWS[worker.at])
            yield "looks for the record", with_worker(state, number, after)
        if worker.doubt or worker.wrote:
            told = At.START if worker.doubt else At.LIED
            yield "cannot reach the store and says so", with_worker(state, number, Worker(told))

    def _in_one_step(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        rules = self.rules
        known = bool(state.records & bit)
        owed = bool((state.carried | state.queue) & bit)
        idle = not (rules.begin_checks_attempt and state.open) and not (rules.begin_checks_queue and state.queue)
        if self.begins and idle and not (rules.begin_checks_record and known):
            yield from self._begun(state, number, worker, bit)
        if known:
            yield "finds the record", with_worker(state, number, Worker(At.DONE))
        elif owed and rules.append_checks_owed:
            yield "is owed already", with_worker(state, number, Worker(At.LOOP))
        else:
            yield from self._appended(state, number, worker, bit)

    def _take_on(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        """With row and record read: begin, or append, under the conditions of the store."""
        rules = self.rules
        owed = bool((state.carried | state.queue) & bit)
        idle = not (rules.begin_checks_attempt and state.open) and not (rules.begin_checks_queue and state.queue)
        unmoved = worker.fresh or not rules.begin_checks_version
        if self.begins and idle and unmoved and not worker.doubt:
            yield from self._begun(state, number, worker, bit)
        if self.way is Way.EPOCH and not worker.doubt:
            holds = (worker.same_epoch or not rules.append_checks_epoch) and not (owed and rules.append_checks_owed)
        else:
            holds = worker.fresh or not rules.append_checks_version
        if holds:
            yield from self._appended(state, number, worker, bit)
        else:
            again = worker._replace(at=At.START, fresh=False, same_epoch=False)
            yield "cannot append: the row has moved", with_worker(state, number, again)

    def _begun(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        after = touched(state, attempt=True, epoch=False)._replace(
            open=True, carried=bit, dead=False, wire=False, reply=False, accepted=state.accepted | bit
        )
        yield "begins", with_worker(after, number, Worker(At.SEND, current=True, own=True))
        yield "begins, unheard", with_worker(after, number, self._in_doubt(own=True))

    def _appended(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        is_swap = self.way is Way.SWAP or worker.doubt
        after = touched(state, attempt=False, epoch=is_swap)._replace(
            queue=state.queue | bit, accepted=state.accepted | bit
        )
        yield "appends", with_worker(after, number, Worker(At.LOOP))
        yield "appends, unheard", with_worker(after, number, self._in_doubt(own=False))
        yield "tries to append, unheard", with_worker(state, number, Worker(At.START, doubt=True))

    def _in_doubt(self, *, own: bool) -> Worker:
        return Worker(At.START, current=own, own=own, doubt=self.rules.doubt_is_remembered, wrote=True)

    def _drive(self, state: State, number: int, worker: Worker, bit: int) -> Moves:
        rules = self.rules
        if worker.at is At.LOOP:
            yield self._looked(state, number, worker, bit)
        elif worker.at is At.OPEN:
            if worker.fresh or not rules.opening_checks_version:
                # Without the check a worker writes what it has seen, which was its own operation at least.
                run = state.queue if worker.fresh else bit
                after = touched(state, attempt=True, epoch=True)._replace(
                    open=True, carried=run, queue=state.queue & ~run, dead=False, wire=False, reply=False
                )
                yield "opens", with_worker(after, number, Worker(At.SEND, current=True, own=True))
                yield "opens, unheard", with_worker(after, number, Worker(At.LOOP, current=True, own=True))
            else:
                yield "cannot open: the row has moved", with_worker(state, number, Worker(At.LOOP))
        elif worker.current and not state.dead:
            yield "sends", with_worker(state._replace(wire=True), number, Worker(At.WAIT, current=True))
            yield "cannot connect", self._taken_back(state, number)
        elif rules.late_send_refused:
            refused = Worker(At.LOOP, current=worker.current, dead=worker.current)
            yield "sends too late and is refused", with_worker(state, number, refused)
        else:
            landed = tuple(times + (bit >> i & 1) for i, times in enumerate(state.landed))
            after = state._replace(moved=state.moved + 1, landed=landed)
            yield "sends too late and LANDS", with_worker(after, number, Worker(At.LOOP))

    def _looked(self, state: State, number: int, worker: Worker, bit: int) -> tuple[str, State]:
        if not (state.carried | state.queue) & bit:
            after = Worker(At.DONE) if state.records & bit else RESTART
            return "finds its operation gone from the row", with_worker(state, number, after)
        if not state.open:
            return "finds a queue", with_worker(state, number, Worker(At.OPEN, fresh=True))
        if (worker.own and worker.current) or not self.rules.sends_only_own:
            return "finds its own attempt", with_worker(state, number, Worker(At.SEND, current=True, own=True))
        return "finds an attempt", with_worker(
            state, number, Worker(At.ASK, fresh=True, current=True, dead=worker.dead)
        )

    def _judge(self, state: State, number: int, worker: Worker) -> Moves:
        if worker.at is At.WAIT:
            rest = unheard(state, worker)
            if worker.current and state.reply:
                told = Worker(At.JUDGE, current=True, moved=True)
                yield "hears that it has landed", with_worker(rest, number, told)
            yield "hears nothing", with_worker(rest, number, Worker(At.LOOP))
        elif worker.at is At.ASK:
            known = worker._replace(at=At.ASKED, dead=worker.dead or state.dead)
            yield "asks for the receipt", with_worker(state, number, known)
        elif worker.at is At.ASKED:
            yield (
                "is shown the receipt",
                with_worker(state, number, worker._replace(at=At.JUDGE, moved=state.moved > 0)),
            )
        elif worker.at is At.SETTLE:
            yield from self._settled(state, number, worker)
        elif worker.moved and (worker.current or not self.rules.settle_checks_attempt):
            left = state.carried if self.in_parts and self.rules.records_first else 0
            yield "concludes: landed", with_worker(state, number, worker._replace(at=At.SETTLE, left=left))
        elif worker.fresh and not worker.moved and (worker.dead or (state.dead and not self.rules.read_after_expiry)):
            yield "concludes: not landed", self._taken_back(state, number)
        else:
            yield (
                "concludes nothing",
                with_worker(state, number, Worker(At.LOOP, current=worker.current, dead=worker.dead)),
            )

    def _taken_back(self, state: State, number: int) -> State:
        """R6: the attempt is over, and what it carried is owed again."""
        after = touched(state, attempt=True, epoch=True)._replace(
            open=False, carried=0, queue=state.queue | state.carried, dead=False, wire=False, reply=False
        )
        return with_worker(after, number, Worker(At.LOOP))

    def _settled(self, state: State, number: int, worker: Worker) -> Moves:
        rules = self.rules
        if not worker.current and rules.settle_checks_attempt:
            yield "cannot settle: another attempt", with_worker(state, number, Worker(At.LOOP))
        elif worker.left:
            record = worker.left & -worker.left
            after = state._replace(records=state.records | record)
            yield "writes a record", with_worker(after, number, worker._replace(left=worker.left ^ record))
        else:
            missing = not rules.records_first
            after = touched(state, attempt=True, epoch=rules.settling_raises_epoch)._replace(
                records=state.records if missing else state.records | state.carried,
                open=False,
                carried=0,
                queue=state.queue if rules.settle_leaves_queue else 0,
                dead=False,
                reply=False,
                moved=max(state.moved - 1, 0),
            )
            follows = Worker(At.LOOP)
            yield "settles", with_worker(after, number, follows)
            yield "settles, unheard", with_worker(after, number, follows)

    def _ordered(self, state: State) -> State:
        for first, second in self._alike:
            if state.workers[second] < state.workers[first]:
                workers = list(state.workers)
                workers[first], workers[second] = workers[second], workers[first]
                state = state._replace(workers=tuple(workers))
        return state

    @cached_property
    def _alike(self) -> tuple[tuple[int, int], ...]:
        places = range(len(self.deliveries))
        return tuple((i, j) for i in places for j in places[i + 1 :] if self.deliveries[i] == self.deliveries[j])
