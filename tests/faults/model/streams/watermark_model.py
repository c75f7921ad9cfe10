"""A complete model of watermarks (R13): one place of a stream, its mark beside the row, and every order of every step.

A store without transactions reads the row and then the mark, accepts by compare-and-swap on the row's version, and
raises the mark after the landing and before the row is cleared. Batches come whole, halved, overlapping and again, side
by side, as the source delivers them: none begins before all that stands before it was taken. Workers die between any
two steps. What is accepted of a batch is one entry with its first and last position, as the function does
where records can be added up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
UNFINISHED = "UNFINISHED"

Stretch = tuple[int, int]
"""First and last position."""

NOTHING: Stretch = (0, 0)


class Raised(Enum):
    SETTLING = "after the landing, before the row is cleared"
    BEFORE = "before the row is appended to"
    AFTER = "after the row is appended to"
    LATE = "after the row is cleared"


@dataclass(frozen=True)
class Rules:
    """What holds; each left out, or put otherwise, is a mutant that the model has to find out."""

    raised: Raised = Raised.SETTLING
    row_is_read_first: bool = True
    last_owed_counts: bool = True
    passed_are_left_out: bool = True


class Worker(NamedTuple):
    """What a delivery, or a driver, does next. `fresh`: the row is still the one that it has read."""

    at: str = "starts"
    fresh: bool = False
    passed: int = 0
    entry: Stretch = NOTHING


class State(NamedTuple):
    """The row (entry in the open attempt, whether that has landed, queue), and what was counted of each position."""

    mark: int
    queue: tuple[Stretch, ...]
    carried: Stretch
    has_landed: bool
    counted: tuple[int, ...]
    deliveries: tuple[Worker, ...]
    drivers: tuple[Worker, ...]


Moves = Iterator[tuple[str, State]]
DONE = Worker("done")


@dataclass(frozen=True)
class Watermarks:
    """The batches that are delivered, each as often as it takes, of positions from 1 on; two workers drive the row."""

    batches: Sequence[Stretch]
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        last = max(batch[1] for batch in self.batches)
        return State(0, (), NOTHING, False, (0,) * last, (Worker(),) * len(self.batches), (Worker(),) * 2)

    def broken(self, state: State) -> list[str]:
        return [DOUBLE] if max(state.counted) > 1 else []

    def broken_at_end(self, state: State) -> list[str]:
        return [] if set(state.counted) == {1} else [UNFINISHED]

    def moves(self, state: State) -> Moves:
        for number, worker in enumerate(state.deliveries):
            if worker.at == "starts" and not self._is_delivered(state, number):
                continue
            for what, after in self._accept(state, number, worker):
                yield f"batch {self.batches[number]} {what}", after
            if worker.at not in {"starts", "done"}:
                yield f"batch {self.batches[number]} DIES", _delivery(state, number, Worker())
        for number, worker in enumerate(state.drivers):
            if number and worker == state.drivers[number - 1]:
                continue
            for what, after in self._drive(state, number, worker):
                yield f"driver {number + 1} {what}", _ordered(after)
            if worker.at != "starts":
                yield f"driver {number + 1} DIES", _ordered(_driver(state, number, Worker()))

    def _is_delivered(self, state: State, number: int) -> bool:
        taken = [batch for batch, worker in zip(self.batches, state.deliveries, strict=True) if worker == DONE]
        earlier = range(1, self.batches[number][0])
        return all(any(first <= position <= last for first, last in taken) for position in earlier)

    def _accept(self, state: State, number: int, worker: Worker) -> Moves:
        owed = max(last for _, last in (*state.queue, state.carried)) if self.rules.last_owed_counts else 0
        first = "row" if self.rules.row_is_read_first else "mark"
        if worker.at == "starts":
            seen = Worker("has begun", True, owed if first == "row" else state.mark)
            yield f"reads the {first}", _delivery(state, number, seen)
        elif worker.at == "has begun" and first == "row":
            yield (
                "reads the mark",
                _delivery(state, number, Worker("knows", worker.fresh, max(worker.passed, state.mark))),
            )
        elif worker.at == "has begun":
            yield "reads the row", _delivery(state, number, Worker("knows", True, max(worker.passed, owed)))
        elif worker.at == "knows" and worker.passed >= self.batches[number][1]:
            yield "has been accepted", _delivery(state, number, DONE)
        elif worker.at == "knows":
            yield self._take(state, number, worker)
        elif worker.at == "appends":
            yield "appends", _delivery(_appended(state, worker.entry), number, DONE)
        elif worker.at == "marks":
            raised = state._replace(mark=max(state.mark, worker.entry[1]))
            yield "raises the mark", _delivery(raised, number, DONE)

    def _take(self, state: State, number: int, worker: Worker) -> tuple[str, State]:
        first, last = self.batches[number]
        entry = (max(first, worker.passed + 1) if self.rules.passed_are_left_out else first, last)
        if self.rules.raised is Raised.BEFORE and state.mark <= worker.passed:
            raised = state._replace(mark=last)
            return "raises the mark first", _delivery(raised, number, Worker("appends", entry=entry))
        if self.rules.raised is Raised.BEFORE or not worker.fresh:
            return "finds that it has moved", _delivery(state, number, Worker())
        then = Worker("marks", entry=entry) if self.rules.raised is Raised.AFTER else DONE
        return "appends", _delivery(_appended(state, entry), number, then)

    def _drive(self, state: State, number: int, worker: Worker) -> Moves:
        settles = self.rules.raised is Raised.SETTLING
        if worker.at == "starts" and state.carried != NOTHING and not state.has_landed:
            first, last = state.carried
            counted = tuple(
                min(2, times + (first <= position <= last)) for position, times in enumerate(state.counted, 1)
            )
            yield "counts", state._replace(has_landed=True, counted=counted)
        elif worker.at == "starts" and state.carried != NOTHING:
            at = "marks" if settles else "clears"
            yield "sees it counted", _driver(state, number, Worker(at, True, entry=state.carried))
        elif worker.at == "starts" and state.queue:
            opened = state._replace(carried=state.queue[0], has_landed=False, queue=state.queue[1:])
            yield "opens", _moved(opened)
        elif worker.at in {"marks", "marks late"}:
            raised = state._replace(mark=max(state.mark, worker.entry[1]))
            follows = worker._replace(at="clears") if worker.at == "marks" else Worker()
            yield "raises the mark", _driver(raised, number, follows)
        elif worker.at == "clears" and not worker.fresh:
            yield "finds it cleared", _driver(state, number, Worker())
        elif worker.at == "clears":
            late = Worker("marks late", entry=worker.entry) if self.rules.raised is Raised.LATE else Worker()
            cleared = _moved(state._replace(carried=NOTHING, has_landed=False))
            yield "clears the row", _driver(cleared, number, late)


def _delivery(state: State, number: int, worker: Worker) -> State:
    deliveries = replaced(state.deliveries, number, worker)
    return state._replace(deliveries=deliveries)


def _driver(state: State, number: int, worker: Worker) -> State:
    return state._replace(drivers=replaced(state.drivers, number, worker))


def _ordered(state: State) -> State:
    return state._replace(drivers=tuple(sorted(state.drivers)))


def _appended(state: State, entry: Stretch) -> State:
    """A longer queue, which no delivery has seen; a settlement does not ask for the version."""
    grown = state._replace(queue=(*state.queue, entry))
    return grown._replace(deliveries=_aged(grown.deliveries))


def _moved(state: State) -> State:
    return state._replace(deliveries=_aged(state.deliveries), drivers=_aged(state.drivers))


def _aged(workers: tuple[Worker, ...]) -> tuple[Worker, ...]:
    return tuple(worker._replace(fresh=False) for worker in workers)


HALVES: Sequence[Stretch] = ((1, 2), (1, 1), (2, 2))
WORLDS: Sequence[Sequence[Stretch]] = (HALVES, ((1, 3), (1, 2), (1, 3)), ((1, 3), (1, 1), (2, 3), (2, 2)))
