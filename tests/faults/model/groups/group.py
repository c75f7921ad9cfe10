"""One group of the world in which rows are moved by the function's own rules: what stands where, and what is broken.

The rows, the verdicts on a receipt and the runs are those of `handler.core`; who reads and writes when, what the
network does to a request and how the API's clock moves is the model's. A tick of the clock is a whole life of a
signature with its guard: what was signed in an earlier tick is dead.
"""

from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry, Row

KEY = "k"
OTHER_KEY = "other"
RECEIPT_KEY = "_receipt"

# Signed sums of up to eight copies of each stay apart, and what is no multiple of the unit is nobody's.
WEIGHT_UNIT = 1000
WEIGHT_RATIO = 20

DOUBLE = "DOUBLE"
LOST = "LOST"
FALSE_COMPLETED = "FALSE COMPLETED"
FALSE_REJECTED = "REJECTED THOUGH LANDED"
INNOCENT = "REJECTED FOR ANOTHER'S FAULT"
FROZEN = "FROZEN WITHOUT NEED"
WRONG_VALUE = "WRONG VALUE"
UNFINISHED = "UNFINISHED"
ENDLESS = "ATTEMPT AFTER ATTEMPT"
HURRIED = "OPENED TOO SOON AFTER LOSSES"
IN_A_PAUSE = "OPENED IN A PAUSE"

# A receipt from which nothing is lifted, and which nothing here brings so far down that it would have to be.
HIGH = 2**60

# So many attempts no small world needs.
ATTEMPTS_MAX = 12

# An attempt that has expired is forgotten so many ticks after its death, which is a day in the function.
FORGET_TICKS = 1


class Is(IntEnum):
    """What a ledger's record says of an operation."""

    UNKNOWN = 0
    APPLIED = 1
    REJECTED = 2


class At(IntEnum):
    """Where a worker stands: before which of its steps."""

    START = auto()
    LOOP = auto()
    SEND = auto()
    WAIT = auto()
    JUDGE = auto()
    REJECT = auto()
    """Has written a rejection, and the row not yet: only where that rule is left out."""
    DONE = auto()


class Reply(IntEnum):
    """What a worker knows of its own call, until the row says it too."""

    NONE = 0
    UNSENT = auto()
    CONTENT = auto()
    PASSING = auto()


class Worker(NamedTuple):
    """One delivery. `asked` is the clock when the receipt's `value` was asked for."""

    at: At = At.START
    mine: int = -1
    """The attempt that it made."""
    reply: Reply = Reply.NONE
    asked: int = -1
    value: int | None = None
    fresh: bool = False
    """The row is still the one in its hands."""


class State(NamedTuple):
    """`row` is a number on the world's shelf; counts are per operation."""

    row: int
    receipt: int | None
    workers: tuple[Worker, ...]
    records: tuple[int, ...]
    landed: tuple[int, ...]
    order: tuple[int, ...] = ()
    """Operations in the order of their acceptance."""
    value: int = 0
    clock: int = 0
    made: int = 0
    """How many attempts there were."""
    flights: tuple[int, ...] = ()
    """Requests under way: numbers of attempts on the shelf."""
    faults: int = 0
    generation: int = 1
    copy: tuple[int, tuple[int, ...]] | None = None
    """The row and the records that a copy of the ledger holds."""
    unknown: frozenset[int] = frozenset()
    """Attempts that landed, of which the ledger that was put back cannot know."""
    started: int = -1
    """The clock when the ledger was put back; -1: it was not."""
    late: frozenset[int] = frozenset()
    """Attempts that landed after their death, and of which the row has not heard yet."""
    paused_at: int = -1
    """How many attempts there were when the group was paused; -1: it was not."""


@dataclass(frozen=True)
class Rules:
    """What holds in the protocol beyond the row's own rules; each can be left out."""

    read_after_expiry: bool = True
    late_send_refused: bool = True
    weights_differ: bool = True
    expired_are_remembered: bool = True
    refused_are_remembered: bool = True
    excess_is_owed: bool = True
    owed_are_settled_by_a_late_landing: bool = True
    refusals_are_confirmed: bool = True
    runs_are_split: bool = True
    passing_is_not_final: bool = True
    rejection_with_the_row: bool = True
    rejects_only_its_own: bool = True
    set_reads_first: bool = True
    set_clears_debt: bool = True
    unexplained_freezes: bool = True
    adopts_after_the_wait: bool = True
    first_use_reads: bool = True
    copies_are_verified: bool = True
    verifies_after_the_wait: bool = True
    new_rows_of_a_copy_wait: bool = True
    lost_beginnings_freeze: bool = True
    forgets_after_death: bool = True
    positions_are_marked: bool = True
    shards_are_told_apart: bool = True
    lifts: bool = True
    lifts_by_the_margin: bool = True
    begins_by_the_margin: bool = True
    refused_lifts_reject: bool = True
    lifts_are_no_debt: bool = True
    losses_are_spaced: bool = True
    losses_never_freeze: bool = True
    memory_keeps_the_newest: bool = True
    pauses_are_obeyed: bool = True
    beginnings_ask_for_the_pause: bool = True
    pauses_end: bool = True


@dataclass(frozen=True)
class Faults:
    """What may go wrong, as often as the budget of all together says; each happens wherever it can."""

    budget: int
    crash: bool = True
    lost: bool = True
    """A request, or its reply."""
    delayed: bool = True
    """A request lands when its sender has given up."""
    early: bool = False
    """A signature expires before its sender has done with it."""
    passing: bool = False
    """A refusal that is nobody's fault."""
    lies: bool = False
    """A refusal of what has landed, which a read may repeat."""
    late: bool = False
    """A request lands after it should be dead."""
    copied: bool = False
    """A request lands twice, before anybody looks or later."""
    unheard: bool = False
    """The answer to a write of the row is lost."""
    restore: bool = False
    """The ledger is put back to a copy, once."""
    foreign: bool = False
    """Somebody else writes the receipt."""
    pause: bool = False
    """An operator pauses the group, once, and resumes it."""


@dataclass
class Shelf:
    """Every row and every request met, so that a state holds numbers instead."""

    rows: list[Row | None] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    _rows: dict[Row | None, int] = field(default_factory=dict)
    _attempts: dict[Attempt, int] = field(default_factory=dict)

    def row(self, row: Row | None) -> int:
        """The number of a row; which version it is, is told by whose hands it is in."""
        row = row and replace(row, version=0, last_checked_at=0)
        number = self._rows.setdefault(row, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        return number

    def attempt(self, attempt: Attempt) -> int:
        number = self._attempts.setdefault(attempt, len(self.attempts))
        if number == len(self.attempts):
            self.attempts.append(attempt)
        return number


def entry(number: int, mode: Mode, key: str = KEY) -> Entry:
    """The operation of this number: what it adds is a hexadecimal digit of its own, what it sets is far above."""
    value = 16**number if mode is not Mode.SET else 16 ** (8 + number)
    return Entry(id=str(number), fingerprint="", mode=mode, counters=((key, value),), window_s=0.0)
