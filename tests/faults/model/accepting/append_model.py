"""A complete model of acceptance on a store without atomic checks of several items: every order of every step.

A store such as DynamoDB cannot see a record and append to a row in one step. The ledger reads the row, then the record,
and appends under the condition that no settlement has come in between and that the operation is not owed at that
moment; or it opens an attempt at once, if the row is idle and of the version that it has read. The model takes every
interleaving of the steps of some deliveries with crashes, timeouts, losses and expiries, as many as there may be, and
looks for an operation that counts twice, that is on record and never landed, or that cannot be finished any more.

One group. `receipt` is counted from the row's base: 1 once the open attempt has landed. What a worker knows of the row
is kept as whether it is still so, which keeps the model finite.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
FALSE_COMPLETED = "FALSE COMPLETED"
TWO_LANDINGS = "TWO LANDINGS IN ONE RECEIPT"
UNFINISHED = "UNFINISHED"

Flags = tuple[int, ...]
Worker = tuple[str, Flags, Flags]
"""What a worker does next, what it knows, and the operations whose records it still has to write.

start    reads the row                           probes   has seen an attempt, reads the receipt
read     has read the row, reads the record      revives  has seen no landing of a dead attempt, opens anew
strange  has found no record, accepts            sends    has opened an attempt, sends it
helps    finds it owed, looks at the attempt     sent     waits for the reply
done     has its answer                          settles  knows of a landing, writes records, then the row

Of `read` and `strange` the knowledge is (no settlement since, no write at all since, owed then, idle then), of `probes`
whether the attempt was dead, of `settles` whether the attempt is still the open one. All others know an attempt that is
the open one: as soon as it is not, all that they can do is to begin anew.
"""

START: Worker = ("start", (), ())
DONE: Worker = ("done", (), ())
HELPS: Worker = ("helps", (), ())
OWED: Flags = (0, 0, 1, 0)
KNOWS_ROW = frozenset({"read", "strange"})
KNOWS_ATTEMPT = frozenset({"probes", "revives", "sends", "sent"})


class State(NamedTuple):
    """Records and landings per operation, the row (attempt open, what it carries, queue), the call and the workers."""

    recorded: Flags
    is_open: int
    carried: Flags
    queue: Flags
    is_dead: int
    in_flight: int
    reply: int
    receipt: int
    landed: Flags
    workers: tuple[Worker, ...]


@dataclass(frozen=True)
class Rules:
    """What the ledger does; each of these left out is a mutant that the model has to find out."""

    append_wants_no_settlement: bool = True
    append_wants_not_owed: bool = True
    beginning_wants_same_version: bool = True
    record_after_row: bool = True
    records_before_row: bool = True
    settlement_ends_the_epoch: bool = True


@dataclass(frozen=True)
class Appending:
    """A world in which each delivery asks for the operation of its number."""

    deliveries: tuple[int, ...]
    rules: Rules = field(default_factory=Rules)

    @property
    def _none(self) -> Flags:
        return (0,) * (max(self.deliveries) + 1)

    def initial(self) -> State:
        none = self._none
        return State(none, 0, none, none, 0, 0, 0, 0, none, (START,) * len(self.deliveries))

    def broken(self, state: State) -> Iterator[str]:
        if max(state.landed) > 1:
            yield DOUBLE
        if any(recorded and not landed for recorded, landed in zip(state.recorded, state.landed, strict=True)):
            yield FALSE_COMPLETED
        if state.receipt > 1:
            yield TWO_LANDINGS

    def broken_at_end(self, state: State) -> Iterator[str]:
        if not all(state.recorded) or set(state.landed) != {1}:
            yield UNFINISHED

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        if any(self.broken(state)):
            # A world that is wrong may go on for ever.
            return
        for label, follows in self._steps(state):
            yield label, self._canonical(follows)

    def _canonical(self, state: State) -> State:
        """Deliveries of one operation may change places."""
        workers = list(state.workers)
        for operation in set(self.deliveries):
            places = [place for place, other in enumerate(self.deliveries) if other == operation]
            for place, worker in zip(places, sorted(workers[place] for place in places), strict=True):
                workers[place] = worker
        return state._replace(workers=tuple(workers))

    def _steps(self, state: State) -> Iterator[tuple[str, State]]:
        for place, worker in enumerate(state.workers):
            if worker[0] == "done":
                continue
            name = f"{place + 1}/{'ABCD'[self.deliveries[place]]}"
            for label, follows in self._work(state, place, worker):
                yield f"{name} {label}", follows
            if worker[0] != "start":
                yield f"{name} crashes", self._gone(state, place)
        yield from self._network(state)

    def _network(self, state: State) -> Iterator[tuple[str, State]]:
        if state.in_flight:
            landed = tuple(count + more for count, more in zip(state.landed, state.carried, strict=True))
            heard = any(worker[0] == "sent" for worker in state.workers)
            receipt = state.receipt + 1
            yield "LANDS", state._replace(in_flight=0, receipt=receipt, landed=landed, reply=receipt if heard else 0)
            yield "IS LOST", state._replace(in_flight=0)
        if state.is_open and not state.is_dead:
            yield "EXPIRES", state._replace(is_dead=1, in_flight=0)

    def _gone(self, state: State, place: int) -> State:
        """The delivery comes again; a reply to the worker is lost with it."""
        reply = 0 if state.workers[place][0] == "sent" else state.reply
        return _with(state._replace(reply=reply), place, START)

    def _work(self, state: State, place: int, worker: Worker) -> Iterator[tuple[str, State]]:
        phase, knowledge, left = worker
        operation = self.deliveries[place]
        if phase in {"start", "read", "strange"}:
            yield from self._accept(state, place, phase, knowledge, operation)
        elif phase == "helps":
            yield self._help(state, place, operation)
        elif phase == "probes":
            yield self._probe(state, place, was_dead=knowledge[0])
        elif phase == "revives":
            run = tuple(int(a or b) for a, b in zip(state.carried, state.queue, strict=True))
            yield "opens anew", self._opened(state, place, run)
        elif phase == "sends" and state.is_dead:
            yield "sends too late", _with(state, place, START)
        elif phase == "sends":
            yield "sends", _with(state._replace(in_flight=1), place, ("sent", (), ()))
        elif phase == "sent":
            if state.reply:
                yield self._land(state._replace(reply=0), place, "gets the reply")
            yield "waits in vain", self._gone(state, place)
        else:
            yield self._settle(state, place, knowledge, left)

    def _accept(
        self, state: State, place: int, phase: str, knowledge: Flags, operation: int
    ) -> Iterator[tuple[str, State]]:
        on_record = state.recorded[operation]
        if phase == "start" and self.rules.record_after_row:
            yield "reads the row", _with(state, place, ("read", _seen(state, operation), ()))
        elif phase == "start":
            yield "reads the record", _with(state, place, DONE if on_record else ("read", (), ()))
        elif phase == "read" and not self.rules.record_after_row:
            yield "reads the row", _with(state, place, ("strange", _seen(state, operation), ()))
        elif phase == "read":
            yield "reads the record", _with(state, place, DONE if on_record else ("strange", knowledge, ()))
        elif knowledge[2]:
            yield "helps", _with(state, place, HELPS)
        elif knowledge[3]:
            yield self._begin(state, place, knowledge, operation)
        else:
            yield self._append(state, place, knowledge, operation)

    def _begin(self, state: State, place: int, knowledge: Flags, operation: int) -> tuple[str, State]:
        same = knowledge[1] if self.rules.beginning_wants_same_version else 1
        if same and _is_idle(state):
            return "begins", self._opened(state, place, _set(self._none, operation))
        return "fails to begin", _with(state, place, self._seen_again(state, knowledge, operation))

    def _append(self, state: State, place: int, knowledge: Flags, operation: int) -> tuple[str, State]:
        rules = self.rules
        same = knowledge[0] or not rules.append_wants_no_settlement
        free = not _owes(state, operation) or not rules.append_wants_not_owed
        if same and free:
            grown = state._replace(queue=_set(state.queue, operation))
            return "appends", _with(_moved(grown), place, HELPS)
        return "fails to append", _with(state, place, self._seen_again(state, knowledge, operation))

    def _seen_again(self, state: State, knowledge: Flags, operation: int) -> Worker:
        """A write that is refused shows the row as it is. Unless something was settled, the record need not be read."""
        return ("strange" if knowledge[0] else "read", _seen(state, operation), ())

    def _help(self, state: State, place: int, operation: int) -> tuple[str, State]:
        if not _owes(state, operation):
            return "finds it owed no more", _with(state, place, START)
        if not state.is_open:
            return "opens", self._opened(state, place, state.queue)
        return "sees the attempt", _with(state, place, ("probes", (state.is_dead,), ()))

    def _probe(self, state: State, place: int, *, was_dead: int) -> tuple[str, State]:
        if state.receipt:
            return self._land(state, place, "finds it landed")
        if was_dead:
            return "finds it dead", _with(state, place, ("revives", (), ()))
        return "has to wait", _with(state, place, HELPS)

    def _opened(self, state: State, place: int, run: Flags) -> State:
        opened = state._replace(is_open=1, carried=run, queue=self._none, is_dead=0, in_flight=0, reply=0)
        return _with(_moved(opened, attempt=True), place, ("sends", (), ()))

    def _land(self, state: State, place: int, label: str) -> tuple[str, State]:
        carried = tuple(operation for operation, carried in enumerate(state.carried) if carried)
        if self.rules.records_before_row:
            return label, _with(state, place, ("settles", (1,), carried))
        return f"{label}, closes the attempt first", _with(self._closed(state), place, ("settles", (0,), carried))

    def _settle(self, state: State, place: int, knowledge: Flags, left: Flags) -> tuple[str, State]:
        if left:
            recorded = state._replace(recorded=_set(state.recorded, left[0]))
            return "writes a record", _with(recorded, place, ("settles", knowledge, left[1:]))
        if knowledge[0]:
            return "closes the attempt", _with(self._closed(state), place, START)
        return "finds it closed", _with(state, place, START)

    def _closed(self, state: State) -> State:
        closed = state._replace(is_open=0, carried=self._none, is_dead=0, reply=0, receipt=state.receipt - 1)
        return _moved(closed, attempt=True, settled=self.rules.settlement_ends_the_epoch)


def _moved(state: State, *, attempt: bool = False, settled: bool = False) -> State:
    """The row was written, so that what workers know of it is of an older version, and perhaps of an older epoch."""

    def aged(worker: Worker) -> Worker:
        phase, knowledge, left = worker
        if phase in KNOWS_ROW and knowledge and not knowledge[2]:
            return phase, (0 if settled else knowledge[0], 0, *knowledge[2:]), left
        if attempt and phase in KNOWS_ATTEMPT:
            return START
        return (phase, (0,), left) if attempt and phase == "settles" else worker

    return state._replace(workers=tuple(map(aged, state.workers)))


def _seen(state: State, operation: int) -> Flags:
    """What is known of the row at this moment; and will matter: the version, of an idle one only."""
    idle = _is_idle(state)
    return OWED if _owes(state, operation) else (1, idle, 0, idle)


def _with(state: State, place: int, worker: Worker) -> State:
    return state._replace(workers=replaced(state.workers, place, worker))


def _set(flags: Flags, place: int) -> Flags:
    return replaced(flags, place, 1)


def _owes(state: State, operation: int) -> int:
    return int((state.is_open and state.carried[operation]) or state.queue[operation])


def _is_idle(state: State) -> int:
    return int(not state.is_open and not any(state.queue))
