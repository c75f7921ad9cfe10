"""A complete model of acceptance on a store without atomic checks of several items: every order of every step.

A store such as DynamoDB cannot see a record and append to a row in one step. The ledger reads the row, then the record,
and appends under the condition that no settlement has come in between and that the operation is not owed at that
moment; or it opens an attempt at once, if the row is idle and of the version that it has read. The model takes every
interleaving of the steps of some deliveries with crashes, timeouts, losses and expiries, as many as there may be, and
looks for an operation that counts twice, that is on record and never landed, or that cannot be finished any more.

One group. `receipt` is counted from the row's base: 1 once the open attempt has landed. What a worker knows of the row
is kept as whether it is still so, which keeps the model finite. `python -m tests.faults.append_model` tries all worlds.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Beyond this a world is too large to be looked at whole.
STATES_MAX = 3_000_000

Flags = tuple[int, ...]
Worker = tuple[str, Flags, Flags]
"""What a worker does next, what it knows, and the operations whose records it still has to write.

start    begin with reading the row             read     has read the row, next the record
strange  has found no record, next accepts      helps    the operation is owed, next looks at the attempt
probes   has seen an attempt, next the receipt  judges   has read the receipt
sends    has opened an attempt                  sent     waits for the reply
told     has the reply                          settles  writes records, then the row
done     has its answer

Of `read` and `strange` the knowledge is (no settlement since, no write at all since, owed then, idle then); of the others
(the attempt is still the open one, ...).
"""

START: Worker = ("start", (), ())
DONE: Worker = ("done", (), ())
HELPS: Worker = ("helps", (), ())
KNOWS_ROW = frozenset({"read", "strange"})
KNOWS_ATTEMPT = frozenset({"probes", "judges", "sends", "sent", "told", "settles"})


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


@dataclass(frozen=True, slots=True)
class Rules:
    """What the ledger does; each of these left out is a mutant that the model has to find out."""

    append_wants_no_settlement: bool = True
    append_wants_not_owed: bool = True
    beginning_wants_same_version: bool = True
    record_after_row: bool = True
    records_before_row: bool = True
    settlement_ends_the_epoch: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """How many states a world has, and what is wrong in some of them, with the steps that lead there."""

    states: int
    faults: dict[str, list[str]]


def explore(deliveries: Sequence[int], operations: int, rules: Rules | None = None) -> Result:
    """Look at every state of a world in which each delivery asks for the operation of its number."""
    world = _World(deliveries, operations, rules or Rules())
    states, index = [world.first], {world.first: 0}
    origin: list[tuple[int, str]] = [(-1, "")]
    before: list[list[int]] = [[]]
    faults: dict[str, int] = {}
    ends: list[int] = []
    waiting = deque([0])
    while waiting:
        place = waiting.popleft()
        steps = list(world.steps(states[place]))
        if not steps:
            ends.append(place)
            if not world.is_right_end(states[place]):
                faults.setdefault("wrong end", place)
        for label, follows in steps:
            state = world.canonical(follows)
            known = index.get(state)
            if known is None:
                if len(states) >= STATES_MAX:
                    raise RuntimeError("the world has too many states to be looked at whole")
                known = index[state] = len(states)
                states.append(state)
                origin.append((place, label))
                before.append([])
                waiting.append(known)
                for fault in _faults_in(state):
                    faults.setdefault(fault, known)
            before[known].append(place)
    if (trap := _trap(before, ends)) is not None:
        faults["no way out"] = trap
    return Result(len(states), {fault: _path(origin, place) for fault, place in faults.items()})


def _faults_in(state: State) -> Iterator[str]:
    if max(state.landed) > 1:
        yield "counted twice"
    if any(recorded and not landed for recorded, landed in zip(state.recorded, state.landed, strict=True)):
        yield "on record and never landed"
    if state.receipt > 1:
        yield "two landings in one receipt"


def _trap(before: list[list[int]], ends: list[int]) -> int | None:
    """A state from which no end can be reached."""
    reaches = bytearray(len(before))
    waiting = list(ends)
    for place in ends:
        reaches[place] = 1
    while waiting:
        for earlier in before[waiting.pop()]:
            if not reaches[earlier]:
                reaches[earlier] = 1
                waiting.append(earlier)
    return None if all(reaches) else reaches.index(0)


def _path(origin: list[tuple[int, str]], place: int) -> list[str]:
    labels: list[str] = []
    while place > 0:
        place, label = origin[place]
        labels.append(label)
    return labels[::-1]


class _World:
    def __init__(self, deliveries: Sequence[int], operations: int, rules: Rules) -> None:
        self._deliveries = tuple(deliveries)
        self._rules = rules
        self._none = (0,) * operations
        self._twins = [
            [place for place, other in enumerate(deliveries) if other == operation] for operation in set(deliveries)
        ]
        none = self._none
        self.first = State(none, 0, none, none, 0, 0, 0, 0, none, (START,) * len(deliveries))

    def is_right_end(self, state: State) -> bool:
        return all(state.recorded) and all(count == 1 for count in state.landed)

    def canonical(self, state: State) -> State:
        """Deliveries of one operation are alike."""
        workers = list(state.workers)
        for places in self._twins:
            for place, worker in zip(places, sorted(workers[place] for place in places), strict=True):
                workers[place] = worker
        return state._replace(workers=tuple(workers))

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Everything that can happen next."""
        for place, worker in enumerate(state.workers):
            if worker[0] == "done":
                continue
            name = f"{place + 1}/{'ABCD'[self._deliveries[place]]}"
            for label, follows in self._work(state, place, worker):
                yield f"{name} {label}", follows
            if worker[0] != "start":
                yield f"{name} crashes", self._gone(state, place)
        yield from self._network(state)

    def _network(self, state: State) -> Iterator[tuple[str, State]]:
        if state.in_flight:
            landed = tuple(count + more for count, more in zip(state.landed, state.carried, strict=True))
            heard = any(worker[0] == "sent" and worker[1][0] for worker in state.workers)
            receipt = state.receipt + 1
            yield "LANDS", state._replace(in_flight=0, receipt=receipt, landed=landed, reply=receipt if heard else 0)
            yield "IS LOST", state._replace(in_flight=0)
        if state.is_open and not state.is_dead:
            yield "EXPIRES", state._replace(is_dead=1, in_flight=0)

    def _gone(self, state: State, place: int) -> State:
        """The delivery comes again; a reply to the worker is lost with it."""
        phase, knowledge, _ = state.workers[place]
        reply = 0 if phase == "sent" and knowledge[0] else state.reply
        return _with(state._replace(reply=reply), place, START)

    def _work(self, state: State, place: int, worker: Worker) -> Iterator[tuple[str, State]]:
        phase, knowledge, left = worker
        operation = self._deliveries[place]
        if phase in {"start", "read", "strange"}:
            yield from self._accept(state, place, phase, knowledge, operation)
        elif phase == "helps":
            yield self._help(state, place, operation)
        elif phase == "probes":
            yield "reads the receipt", _with(state, place, ("judges", (*knowledge, state.receipt), ()))
        elif phase == "judges":
            yield self._judge(state, place, knowledge)
        elif phase == "sends":
            # A signature that is past its life is refused, and so is that of an attempt that was given up.
            alive = knowledge[0] and not state.is_dead
            if alive:
                yield "sends", _with(state._replace(in_flight=1), place, ("sent", (1,), ()))
            else:
                yield "sends too late", _with(state, place, START)
        elif phase == "sent":
            if knowledge[0] and state.reply:
                told: Worker = ("told", (1, state.reply), ())
                yield "gets the reply", _with(state._replace(reply=0), place, told)
            yield "waits in vain", self._gone(state, place)
        elif phase == "told":
            yield self._land(state, place) if knowledge[0] else ("finds the row moved on", _with(state, place, START))
        else:
            yield self._settle(state, place, knowledge, left)

    def _accept(
        self, state: State, place: int, phase: str, knowledge: Flags, operation: int
    ) -> Iterator[tuple[str, State]]:
        owed, idle = _owes(state, operation), _is_idle(state)
        on_record = state.recorded[operation]
        if phase == "start" and self._rules.record_after_row:
            yield "reads the row", _with(state, place, ("read", (1, 1, owed, idle), ()))
        elif phase == "start":
            yield "reads the record", _with(state, place, DONE if on_record else ("read", (1, 1, 0, 0), ()))
        elif phase == "read" and not self._rules.record_after_row:
            yield "reads the row", _with(state, place, ("strange", (1, 1, owed, idle), ()))
        elif phase == "read":
            yield "reads the record", _with(state, place, DONE if on_record else ("strange", knowledge, ()))
        elif knowledge[2]:
            yield "helps", _with(state, place, HELPS)
        elif knowledge[3]:
            yield self._begin(state, place, knowledge, operation)
        else:
            yield self._append(state, place, knowledge, operation)

    def _begin(self, state: State, place: int, knowledge: Flags, operation: int) -> tuple[str, State]:
        same = knowledge[1] if self._rules.beginning_wants_same_version else 1
        if same and _is_idle(state):
            return "begins", self._opened(state, place, _set(self._none, operation))
        return "fails to begin", _with(state, place, self._seen_again(state, knowledge, operation))

    def _append(self, state: State, place: int, knowledge: Flags, operation: int) -> tuple[str, State]:
        rules = self._rules
        same = knowledge[0] or not rules.append_wants_no_settlement
        free = not _owes(state, operation) or not rules.append_wants_not_owed
        if same and free:
            grown = state._replace(queue=_set(state.queue, operation))
            return "appends", _with(_moved(grown), place, HELPS)
        return "fails to append", _with(state, place, self._seen_again(state, knowledge, operation))

    def _seen_again(self, state: State, knowledge: Flags, operation: int) -> Worker:
        """A write that is refused shows the row as it is. Unless something was settled, the record need not be read."""
        seen = (1, 1, _owes(state, operation), _is_idle(state))
        return ("strange" if knowledge[0] else "read", seen, ())

    def _help(self, state: State, place: int, operation: int) -> tuple[str, State]:
        if not _owes(state, operation):
            return "finds it owed no more", _with(state, place, START)
        if not state.is_open:
            return "opens", self._opened(state, place, state.queue)
        return "sees the attempt", _with(state, place, ("probes", (1, state.is_dead), ()))

    def _judge(self, state: State, place: int, knowledge: Flags) -> tuple[str, State]:
        current, was_dead, receipt = knowledge
        if not current:
            return "finds the row moved on", _with(state, place, START)
        if receipt:
            return self._land(state, place)
        if was_dead:
            run = tuple(int(a or b) for a, b in zip(state.carried, state.queue, strict=True))
            return "opens anew", self._opened(state, place, run)
        return "waits", _with(state, place, HELPS)

    def _opened(self, state: State, place: int, run: Flags) -> State:
        opened = state._replace(is_open=1, carried=run, queue=self._none, is_dead=0, in_flight=0, reply=0)
        return _with(_moved(opened, attempt=True), place, ("sends", (1,), ()))

    def _land(self, state: State, place: int) -> tuple[str, State]:
        carried = tuple(operation for operation, carried in enumerate(state.carried) if carried)
        if self._rules.records_before_row:
            return "finds it landed", _with(state, place, ("settles", (1,), carried))
        return "closes the attempt first", _with(self._closed(state), place, ("settles", (0,), carried))

    def _settle(self, state: State, place: int, knowledge: Flags, left: Flags) -> tuple[str, State]:
        if left:
            recorded = state._replace(recorded=_set(state.recorded, left[0]))
            return "writes a record", _with(recorded, place, ("settles", knowledge, left[1:]))
        if knowledge[0]:
            return "closes the attempt", _with(self._closed(state), place, START)
        return "finds it closed", _with(state, place, START)

    def _closed(self, state: State) -> State:
        closed = state._replace(is_open=0, carried=self._none, is_dead=0, reply=0, receipt=state.receipt - 1)
        return _moved(closed, attempt=True, settled=self._rules.settlement_ends_the_epoch)


def _moved(state: State, *, attempt: bool = False, settled: bool = False) -> State:
    """The row was written, so that what workers know of it is of an older version, and perhaps of an older epoch."""

    def aged(worker: Worker) -> Worker:
        phase, knowledge, left = worker
        if phase in KNOWS_ROW:
            return phase, (0 if settled else knowledge[0], 0, *knowledge[2:]), left
        if attempt and phase in KNOWS_ATTEMPT:
            return phase, (0, *knowledge[1:]), left
        return worker

    return state._replace(workers=tuple(map(aged, state.workers)))


def _with(state: State, place: int, worker: Worker) -> State:
    return state._replace(workers=(*state.workers[:place], worker, *state.workers[place + 1 :]))


def _set(flags: Flags, place: int) -> Flags:
    return (*flags[:place], 1, *flags[place + 1 :])


def _owes(state: State, operation: int) -> int:
    return int((state.is_open and state.carried[operation]) or state.queue[operation])


def _is_idle(state: State) -> int:
    return int(not state.is_open and not any(state.queue))


WORLDS = (((0, 0), 1), ((0, 0, 1), 2), ((0, 1, 2), 3), ((0, 0, 1, 1), 2))

if __name__ == "__main__":
    for asked, count in WORLDS:
        result = explore(asked, count)
        print(f"deliveries {asked}: {result.states} states, faults: {result.faults or 'none'}")
        if result.faults:
            sys.exit(1)
