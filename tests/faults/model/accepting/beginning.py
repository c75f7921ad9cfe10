"""How a group without a row begins (R14): one look too few, or a step that asks for less, and an answer is false.

Two deliveries, of one operation or of two. The group is made or dismissed between any two steps, and the API may say
that it is gone while it is there, less often in a row than is believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

from handler.core.protocol.visit import TIMES_BELIEVED
from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
FALSE_REJECTED = "REJECTED THOUGH COUNTED"
INNOCENT = "REJECTED THOUGH THE GROUP WAS THERE"
UNFINISHED = "UNFINISHED"


class Is(IntEnum):
    """What is on record of an operation."""

    UNKNOWN = 0
    APPLIED = auto()
    REJECTED = auto()


class At(IntEnum):
    """Before which step a delivery stands."""

    START = auto()
    LOOK = auto()
    REFUSE = auto()
    CREATE = auto()
    DRIVE = auto()
    DONE = auto()


class Worker(NamedTuple):
    """`gone` is how often in a row its looks found the group missing."""

    at: At = At.START
    gone: int = 0


class State(NamedTuple):
    """`owed` are operations in the row; None where there is no row."""

    exists: bool
    was_missing: bool
    owed: frozenset[int] | None
    records: tuple[int, ...]
    counted: tuple[int, ...]
    workers: tuple[Worker, ...]
    lies: int
    changes: int


Moves = Iterator[tuple[str, State]]


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    refusal_wants_no_row: bool = True
    creation_wants_no_record: bool = True
    looks_are_repeated: bool = True


@dataclass(frozen=True)
class Beginning:
    """`deliveries` name their operations. The group is made or dismissed so often, and so many looks are lies."""

    deliveries: tuple[int, ...]
    exists: bool = False
    changes: int = 1
    lies: int = 0
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        none = (0,) * (max(self.deliveries) + 1)
        workers = (Worker(),) * len(self.deliveries)
        return State(self.exists, not self.exists, None, none, none, workers, self.lies, self.changes)

    def moves(self, state: State) -> Moves:
        for number, worker in enumerate(state.workers):
            for what, after in self._steps(state, number, worker):
                yield f"{number + 1}/{'AB'[self.deliveries[number]]} {what}", after
            if worker.at not in {At.START, At.DONE}:
                yield f"{number + 1} DIES", _with(state, number, Worker())
        if state.changes and any(worker.at is not At.DONE for worker in state.workers):
            what = "THE GROUP IS DISMISSED" if state.exists else "THE GROUP IS MADE"
            yield what, state._replace(exists=not state.exists, was_missing=True, changes=state.changes - 1)

    def _steps(self, state: State, number: int, worker: Worker) -> Moves:
        mine = self.deliveries[number]
        if worker.at is At.START:
            yield self._begin(state, number, mine)
        elif worker.at is At.LOOK:
            yield from self._look(state, number, worker)
        elif worker.at is At.REFUSE:
            yield self._refuse(state, number, mine)
        elif worker.at is At.CREATE:
            yield self._create(state, number, mine)
        elif worker.at is At.DRIVE:
            yield self._drive(state, number, mine)

    def _begin(self, state: State, number: int, mine: int) -> tuple[str, State]:
        """A row is known with what it owes; only then is the record asked for."""
        if state.owed is not None and mine in state.owed:
            return "helps", _with(state, number, Worker(At.DRIVE))
        if state.records[mine]:
            return "is answered from the record", _with(state, number, Worker(At.DONE))
        if state.owed is not None:
            return "appends", _with(state._replace(owed=state.owed | {mine}), number, Worker(At.DRIVE))
        return "finds no row", _with(state, number, Worker(At.LOOK))

    def _look(self, state: State, number: int, worker: Worker) -> Moves:
        believed = TIMES_BELIEVED if self.rules.looks_are_repeated else 1
        missing = Worker(At.REFUSE if worker.gone + 1 >= believed else At.LOOK, worker.gone + 1)
        if state.exists:
            yield "sees the group", _with(state, number, Worker(At.CREATE))
        else:
            yield "finds it gone", _with(state, number, missing)
        if state.exists and state.lies:
            yield "is told A LIE", _with(state._replace(lies=state.lies - 1), number, missing)

    def _refuse(self, state: State, number: int, mine: int) -> tuple[str, State]:
        has_row = state.owed is not None and self.rules.refusal_wants_no_row
        if has_row or state.records[mine]:
            return "cannot refuse", _with(state, number, Worker())
        return "refuses", _with(_recorded(state, mine, Is.REJECTED), number, Worker(At.DONE))

    def _create(self, state: State, number: int, mine: int) -> tuple[str, State]:
        if state.owed is not None or (state.records[mine] and self.rules.creation_wants_no_record):
            return "cannot make the row", _with(state, number, Worker())
        return "makes the row", _with(state._replace(owed=frozenset({mine})), number, Worker(At.DRIVE))

    def _drive(self, state: State, number: int, mine: int) -> tuple[str, State]:
        """One call and its settlement; what lies between them is another world."""
        if state.owed is None or mine not in state.owed:
            return "finds it settled", _with(state, number, Worker())
        settled = state._replace(owed=state.owed - {mine})
        if not state.exists:
            return "is refused", _with(_recorded(settled, mine, Is.REJECTED), number, Worker(At.DONE))
        counted = replaced(state.counted, mine, state.counted[mine] + 1)
        return "counts", _with(_recorded(settled._replace(counted=counted), mine, Is.APPLIED), number, Worker(At.DONE))

    def broken(self, state: State) -> Iterator[str]:
        for told, times in zip(state.records, state.counted, strict=True):
            if times > 1:
                yield DOUBLE
            if told is Is.REJECTED and times:
                yield FALSE_REJECTED
            if told is Is.REJECTED and not state.was_missing:
                yield INNOCENT

    def broken_at_end(self, state: State) -> Iterator[str]:
        if state.owed or Is.UNKNOWN in state.records:
            yield UNFINISHED


def _with(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=replaced(state.workers, number, worker))


def _recorded(state: State, operation: int, told: Is) -> State:
    """The first answer of an operation stays, but for a refusal that asks for none."""
    known = state.records[operation] or told
    return state._replace(records=replaced(state.records, operation, known))
