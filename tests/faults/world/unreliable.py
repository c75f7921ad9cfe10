"""A ledger behind a network: every call is a step, answers are lost before or after their effect, writes are late."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from handler.core.errors import AnswerLost, CounterError, LedgerUnavailable, RowFull
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.ports.ledger import Generation, Ledger, Look
from handler.core.ports.remains import Remain, Remains
from handler.core.ports.schedules import Claim, Hold, Lent
from tests.faults.world.world import World

_Result = TypeVar("_Result")

# How much later a write of which nobody has heard takes effect.
LATE_S = 3.0


# What no rule foresees.
BROKEN = "a group is broken"


class LedgerFault(Enum):
    """What happens to one call; of a read only that it fails."""

    UNAVAILABLE = "unavailable"
    UNDONE = "answer lost, without effect"
    LOST = "answer lost, after its effect"
    LATE = "answer lost, long before its effect"


@dataclass(slots=True)
class LedgerFaults:
    """Faults by the number of the call, over all instances."""

    planned: Mapping[int, LedgerFault] = field(default_factory=dict)
    broken: str = ""
    """The id of a group in which each read meets an error that no rule foresees, and which is always unfinished."""
    calls: int = 0
    late: int = 0
    """Writes that have not taken effect yet."""


class UnreliableLedger:
    """Passes every call on, in two steps; once it is `closed` nothing gets through any more."""

    timeout_s = 0.1
    generation_cache_s = 300.0

    def __init__(self, world: World, ledger: Ledger, faults: LedgerFaults | None = None) -> None:
        self._world = world
        self._ledger = ledger
        self._faults = faults or LedgerFaults()
        self.closed = False

    def load(self, group: Group) -> Row | None:
        if self._faults.broken == group.id:
            raise ValueError(BROKEN)
        return self._read("loads the row", lambda: self._ledger.load(group))

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        return self._read("looks for records", lambda: self._ledger.find(group, ids))

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        return self._read("looks for marks", lambda: self._ledger.watermarks(group, partitions))

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        return self._read("looks at the row", lambda: self._ledger.look(group, ids))

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        return self._write("appends", lambda: self._ledger.append(group, entries, bytes_max))

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        return self._write("begins", lambda: self._ledger.begin(group, attempt, receipt_key, generation, pace))

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        return self._write("swaps", lambda: self._ledger.swap(group, row, records, watermarks))

    def create(self, group: Group, row: Row) -> bool:
        return self._write("creates", lambda: self._ledger.create(group, row))

    def refuse(self, group: Group, records: Records) -> bool:
        return self._write("refuses", lambda: self._ledger.refuse(group, records))

    def delete(self, group: Group, version: int) -> bool:
        return self._write("deletes", lambda: self._ledger.delete(group, version))

    def remains(self, group: Group) -> "UnreliableRemains":
        return UnreliableRemains(self, self._ledger.remains(group))

    def settle(self, group: Group, settlement: Settlement) -> bool:
        return self._write("settles", lambda: self._ledger.settle(group, settlement))

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        broken = self._faults.broken
        ids = self._read("lists the unfinished", lambda: self._ledger.unfinished(app, limit, after))
        return sorted({broken, *ids})[:limit] if broken > after else ids

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        return self._read("lists the held", lambda: self._ledger.held(app, limit, after))

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        return self._read("reads rows", lambda: self._ledger.rows(app, ids))

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        return self._read("lists the known", lambda: self._ledger.groups_with_key(app, key, by, limit, after))

    def generation(self) -> Generation:
        return self._read("reads the generation", self._ledger.generation)

    def generation_now(self) -> Generation:
        return self._read("reads the generation", self._ledger.generation_now)

    def raise_generation(self) -> Generation:
        return self._write("raises the generation", self._ledger.raise_generation)

    def start_generation(self, known: Generation, started: int) -> Generation:
        return self._write("starts the generation", lambda: self._ledger.start_generation(known, started))

    def pause(self, pause: Pause | None) -> Generation:
        return self._write("pauses or resumes", lambda: self._ledger.pause(pause))

    def windows(self, app: int) -> str | None:
        return self._read("reads the windows", lambda: self._ledger.windows(app))

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        return self._write("notes a window", lambda: self._ledger.note_windows(app, text, instead_of))

    def has_rows(self, app: int) -> bool:
        return self._read("looks for any row", lambda: self._ledger.has_rows(app))

    def lease(self, claim: Claim) -> Lent:
        return self._write("leases", lambda: self._ledger.lease(claim))

    def hold(self, hold: Hold) -> None:
        self._write("holds", lambda: self._ledger.hold(hold))

    def _read(self, what: str, read: Callable[[], _Result]) -> _Result:
        world, faults = self._world, self._faults
        world.step(what)
        faults.calls += 1
        if faults.calls in faults.planned or self.closed:
            world.tell("the ledger is unavailable")
            raise LedgerUnavailable("out of reach")
        result = read()
        world.mark("has read", _shown(result) if world.recording else "")
        return result

    def _write(self, what: str, write: Callable[[], _Result]) -> _Result:
        world, faults = self._world, self._faults
        world.step(what)
        faults.calls += 1
        if faults.calls in faults.planned or self.closed:
            raise self._failed(faults.planned.get(faults.calls), write)
        result = write()
        world.mark("wrote", _shown(result) if world.recording else "")
        return result

    def _failed(self, fault: LedgerFault | None, write: Callable[[], object]) -> CounterError:
        """Let a write fail as planned; what to raise for it."""
        self._world.tell(f"the ledger: {fault.value if fault else 'closed'}")
        if fault is None or fault is LedgerFault.UNAVAILABLE:
            return LedgerUnavailable("out of reach")
        if fault is LedgerFault.LOST:
            _unheard(write)
        if fault is LedgerFault.LATE:
            self._faults.late += 1
            self._world.at(self._world.now + LATE_S, lambda: self._takes_effect(write))
        self._world.pause(self.timeout_s)
        return AnswerLost("no answer")

    def _takes_effect(self, write: Callable[[], object]) -> None:
        self._faults.late -= 1
        if not self.closed:
            self._world.tell(f"a late write takes effect: {_shown(_unheard(write))}")


class UnreliableRemains:
    """Each look at what is kept of a group, and each deletion, is one call."""

    def __init__(self, ledger: UnreliableLedger, remains: Remains) -> None:
        self._ledger = ledger
        self._remains = remains

    def listed(self) -> Iterator[Remain]:
        return iter(self._ledger._read("lists what is kept", lambda: tuple(self._remains.listed())))  # noqa: SLF001  # it is a part of the ledger

    def forget(self, remains: Sequence[Remain]) -> int:
        return self._ledger._write("forgets", lambda: self._remains.forget(remains))  # noqa: SLF001


def _unheard(write: Callable[[], object]) -> object:
    """Whatever it comes to, its answer reaches nobody."""
    try:
        return write()
    except RowFull as error:
        return error


def _shown(result: object) -> str:
    """What a ledger has answered, short enough for a line of history."""
    if isinstance(result, Look):
        return f"{_shown(result.row)}, records {sorted(result.records)}"
    if not isinstance(result, Row):
        return str(result)
    attempt = result.attempt
    parts = {
        "base": result.base,
        "open": attempt
        and f"{attempt.id[:6]} +{attempt.weight} at {attempt.signed_at} {[one.id[:6] for one in attempt.owed]}",
        "queue": [one.id[:6] for one in result.queue],
        "remembered": [f"{past.attempt.id[:6]} +{past.attempt.weight}" for past in result.remembered],
        "debt": result.debt,
        "notes": [note.entry.id[:6] for note in result.notes],
        "frozen": result.frozen,
        "generation": result.generation,
    }
    return f"version {result.version}: " + ", ".join(f"{name} {value}" for name, value in parts.items() if value)
