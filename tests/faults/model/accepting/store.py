"""A store that does one thing at a time: what stands in it, and what the workers that use it hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import NamedTuple

from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
LOST = "LOST"
FALSE_COMPLETED = "FALSE COMPLETED"
FALSE_REFUSAL = "FALSE REFUSAL"
UNFINISHED = "UNFINISHED"


class Way(Enum):
    """How a store takes an operation on."""

    SWAP = "read the row, then the record, then compare-and-swap on the version"
    STEP = "record and row checked in one atomic step"
    EPOCH = "read the row, then the record, then append unless anything was settled or swapped since"


@dataclass(frozen=True)
class Rules:
    """What holds in the protocol; each can be left out."""

    record_after_row: bool = True
    append_checks_version: bool = True
    append_checks_epoch: bool = True
    append_checks_owed: bool = True
    settling_raises_epoch: bool = True
    begin_checks_record: bool = True
    begin_checks_attempt: bool = True
    begin_checks_queue: bool = True
    begin_checks_version: bool = True
    records_first: bool = True
    settle_checks_attempt: bool = True
    settle_leaves_queue: bool = True
    opening_checks_version: bool = True
    sends_only_own: bool = True
    read_after_expiry: bool = True
    late_send_refused: bool = True
    doubt_is_remembered: bool = True


class At(IntEnum):
    START = auto()
    SEEN = auto()
    """Has read the row."""
    ABSENT = auto()
    """Has found no record."""
    LOOP = auto()
    """Owes its operation, and reads the row next."""
    OPEN = auto()
    SEND = auto()
    WAIT = auto()
    ASK = auto()
    """Is about to read the receipt."""
    ASKED = auto()
    JUDGE = auto()
    SETTLE = auto()
    """Writes records one by one, then the row."""
    DONE = auto()
    LIED = auto()
    """Has told that nothing was accepted, and something was."""


class Worker(NamedTuple):
    """What one delivery knows; flags tell whether what it holds is still so."""

    at: At = At.START
    fresh: bool = False
    """The version of the row that it read is the stored one."""
    same_epoch: bool = False
    current: bool = False
    """The attempt that it means is the open one."""
    own: bool = False
    """It made that attempt and has not sent it."""
    dead: bool = False
    """A `Date` received before its question proved that attempt dead, or a refusal of its own call did."""
    moved: bool = False
    left: int = 0
    """Records still to be written."""
    doubt: bool = False
    wrote: bool = False
    """Whether a write of its acceptance took effect, known to it or not."""


class State(NamedTuple):
    """Operations are bits; `moved` is the receipt less the row's base."""

    records: int = 0
    open: bool = False
    carried: int = 0
    queue: int = 0
    dead: bool = False
    wire: bool = False
    reply: bool = False
    moved: int = 0
    landed: tuple[int, ...] = ()
    accepted: int = 0
    workers: tuple[Worker, ...] = ()


Moves = Iterator[tuple[str, State]]

RESTART = Worker()

FOLLOWS = {At.START: At.SEEN, At.SEEN: At.ABSENT}


def with_worker(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=replaced(state.workers, number, worker))


def unheard(state: State, worker: Worker) -> State:
    return state._replace(reply=False) if worker.at is At.WAIT and worker.current else state


def touched(state: State, *, attempt: bool, epoch: bool) -> State:
    """What every worker holds after a write of the row."""
    workers = tuple(
        worker
        if not any(worker[1:6])
        else worker._replace(
            fresh=False,
            same_epoch=worker.same_epoch and not epoch,
            current=worker.current and not attempt,
            own=worker.own and not attempt,
            dead=worker.dead and not attempt,
        )
        for worker in state.workers
    )
    return state._replace(workers=workers)
