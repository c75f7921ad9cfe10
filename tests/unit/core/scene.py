"""One warm instance on a stage of its own: an API and a ledger that do as they are told, and a clock moved by hand."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.operation import NO_WATERMARKS, Mode, Operation, Watermarks
from handler.core.model.outcome import Outcome, Records
from handler.core.model.row import Entry, Group, Row, Settlement
from handler.core.model.row_size import row_text
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Reply
from handler.core.ports.ledger import Generation, Look
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, Rules, TimeBudget
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.core.samples import BASE, NOW, HandClock, Notices

APP = 1_400_000_000
GROUP = Group(APP, "G")
RULES = Rules(receipt_key="_receipt", timeout_s=4, life_s=6, bound_s=11, guard_s=5, calls_per_second=1000)

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, NOW)
GONE = Refused(10010, "no such group", Fault.OPERATION, NOW)
ARREARS = Refused(60020, "arrears", Fault.APP, NOW)
RATE = Refused(60007, "too many calls", Fault.RATE, NOW)

# The connection that is kept; a fresh one has a number of its own.
KEPT = 7

# What a call costs, so that time passes even for somebody who never waits.
CALL_S = 0.05


@dataclass
class StagedApi:
    """The counters of one group; `updates` and `reads` are answered first, in their order and without an effect."""

    clock: HandClock
    counters: dict[str, int] = field(default_factory=lambda: {"_receipt": BASE})
    updates: list[Reply] = field(default_factory=list)
    reads: list[Reply] = field(default_factory=list)
    lies: int = 0
    """How many of `updates` are carried out before they are answered."""
    ahead_s: float = 0.0
    tells_time: bool = True
    """Whether its replies have a `Date`."""
    of_groups: dict[Group, dict[str, int]] | None = None
    host: str = "chat.test"
    """Counters of each group's own, where a test has many."""
    calls: list[Call] = field(default_factory=list)
    asked: list[Sequence[str]] = field(default_factory=list)
    asked_of: list[Group] = field(default_factory=list)

    def update(self, call: Call) -> Reply:
        self.clock.advance(CALL_S)
        self.calls.append(call)
        if self.of_groups is not None:
            self.counters = self.of_groups.setdefault(call.group, {"_receipt": BASE})
        if self.updates:
            if self.lies:
                self.lies -= 1
                self.land(call.mode, call.values)
            return self.updates.pop(0)
        return Counted(self.land(call.mode, call.values), self._told(), KEPT)

    def land(self, mode: Mode, values: Mapping[str, int]) -> dict[str, int]:
        for key, value in values.items():
            self.counters[key] = value if mode is Mode.SET else self.counters.get(key, 0) + mode.sign * value
        return {key: self.counters[key] for key in values}

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        self.clock.advance(CALL_S)
        self.asked.append(keys)
        self.asked_of.append(group)
        if self.reads:
            return self.reads.pop(0)
        shown = {key: self.counters[key] for key in keys or self.counters if key in self.counters}
        return Counted(shown, self._told(), KEPT + len(self.asked) if fresh else KEPT)

    def _told(self) -> int | None:
        return self.date if self.tells_time else None

    def renew_credentials(self) -> bool:
        """There is always another one, which is no better."""
        return True

    @property
    def date(self) -> int:
        return int(self.clock.now() + self.ahead_s)


class StagedLedger(MemoryLedger):
    """A ledger whose next swaps may be too late or lost, and that may be out of reach for a group or for records."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.stored = Generation(1, 0)
        self.before_swap: list[Callable[[], None]] = []
        self.swaps = 0
        self.settlements_lost = 0
        self.pages_left: int | None = None
        self.clock = clock
        self.out_of_reach: set[str] = set()
        self.broken: dict[str, BaseException] = {}
        self.lists_left: int | None = None

    def load(self, group: Group) -> Row | None:
        if group.id in self.broken:
            raise self.broken[group.id]
        if group.id in self.out_of_reach:
            raise LedgerUnavailable("out of reach")
        return super().load(group)

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        if "records" in self.out_of_reach:
            raise LedgerUnavailable("out of reach")
        return super().find(group, ids)

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path in one step, unless somebody is arranged to be quicker each time."""
        return None if self.before_swap else super().append(group, entries, bytes_max)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Compare and swap, after what was arranged to come first."""
        self.swaps += 1
        if self.before_swap:
            self.before_swap.pop(0)()
        return super().swap(group, row, records, watermarks)

    def create(self, group: Group, row: Row) -> bool:
        """Write a first row, after what was arranged to come first."""
        self.swaps += 1
        if self.before_swap:
            self.before_swap.pop(0)()
        return super().create(group, row)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update, unless it is arranged to be lost on its way."""
        if self.settlements_lost:
            self.settlements_lost -= 1
            raise AnswerLost("lost")
        return super().settle(group, settlement)

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """The list, which takes very long, or fails, once as many pages were read as arranged."""
        if self.lists_left is not None:
            self.lists_left -= 1
            if self.lists_left < 0:
                self.lists_left = None
                raise LedgerUnavailable("the list is out of reach")
        page = super().unfinished(app, limit, after)
        if self.pages_left == 0:
            self.pages_left = None
            self.clock.advance(3600)
        if self.pages_left is not None:
            self.pages_left -= 1
        return page

    def generation(self) -> Generation:
        return self.stored

    def start_generation(self, known: Generation, started: int) -> Generation:
        if self.stored == known:
            self.stored = Generation(known.number, started)
        return self.stored


class Scene:
    """The instance and all that it has to do with. Unless it is `cold`, it knows the API's time."""

    def __init__(self, row: Row | None = None, rules: Rules = RULES, *, cold: bool = False) -> None:
        self.clock = HandClock()
        self.api = StagedApi(self.clock)
        self.ledger = StagedLedger(self.clock)
        self.notices = Notices()
        self.kept = MemoryParked()
        self.instance = self.new_instance(rules)
        self.counters = ExactlyOnce(self.instance, APP)
        if not cold:
            self.instance.api_clock.learn(int(self.clock.now()))
        if row is not None:
            self.store(row)

    def new_instance(self, rules: Rules = RULES) -> Instance:
        """An instance on the scene's ports that has learned nothing yet."""
        return Instance.of(
            ledger=self.ledger,
            api=self.api,
            clock=self.clock,
            chance=random.Random(1),
            reporter=self.notices,
            parked=self.kept,
            rules=rules,
        )

    def store(self, row: Row, group: Group = GROUP) -> None:
        """Let the ledger hold a row of whatever version."""
        before = self.ledger.snapshot()
        self.ledger.restore(replace(before, rows={**before.rows, group: row_text(row)}))

    @property
    def row(self) -> Row:
        row = self.ledger.load(GROUP)
        assert row is not None
        return row

    def budget(self, seconds: float) -> TimeBudget:
        """Go on for this long, in an invocation that lasts long enough."""
        return TimeBudget(self.clock.moment + seconds, self.clock.moment + seconds + 60)

    def outcome(self, operation: Operation, seconds: float) -> Outcome:
        """What a caller is told who waits so long."""
        [outcome] = self.counters.apply(GROUP.id, [operation], self.budget(seconds))
        return outcome

    def visit(self, seconds: float = 60, *wanted: str) -> Visit:
        """A visit of so many seconds, of a caller who waits for these operations or of a sweep."""
        return Visit(self.instance, GROUP, self.budget(seconds), frozenset(wanted))

    def hear(self, seconds: float) -> None:
        """Let the instance meet the group's row, and so much later hear what time it is."""
        Visit(self.instance, GROUP, self.budget(1)).heard(self.row)
        self.clock.advance(seconds)
        self.instance.api_clock.learn(self.api.date)

    def grow(self) -> None:
        assert MemoryLedger.swap(self.ledger, GROUP, self.row.changed(), {})


def first(port: object, method: str, does: Callable[[], object], *, once: bool = False) -> None:
    """Let something happen just before a port's method is called, each time or the next time alone."""
    call = getattr(port, method)

    def later(*arguments: object, **named: object) -> object:
        if once:
            setattr(port, method, call)
        does()
        return call(*arguments, **named)

    setattr(port, method, later)


def increase(key: str, **counters: int) -> Operation:
    return Operation(
        group_id=GROUP.id,
        mode=Mode.INCREASE,
        counters=tuple(counters.items()) or (("like", 5),),
        caller="caller",
        key=key,
        window_s=3600.0,
    )
