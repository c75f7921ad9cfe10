"""The ports of the core, simulated: a clock, the counter API with its faults, and a ledger that loses answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handler.core.commands import Mode, Positions
from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.ledger import NOWHERE, Generation, Ledger, Look
from handler.core.notices import Notice
from handler.core.ports import Call, Counted, Fault, Refused, Reply, Unclear, Unsent
from handler.core.rows import Attempt, Entry, Group, Records, Row, Settlement
from tests.faults.world import World

GONE = Refused(10010, "no such group", Fault.OPERATION, None)
EXPIRED = Refused(70001, "the signature has expired", Fault.SIGNATURE, None)

# What the API may say although nothing is wrong with the request, and whether that is a definite refusal.
REFUSALS = (
    Refused(60007, "too many calls", Fault.RATE, None),
    EXPIRED,
    Refused(70009, "verification failed", Fault.CREDENTIALS, None),
    Refused(60020, "arrears", Fault.APP, None),
    Refused(10004, "invalid parameter", Fault.OPERATION, None),
)


@dataclass
class Landing:
    """One application of a request: the auditor's truth."""

    at: float
    group: Group
    mode: Mode
    values: Mapping[str, int]


@dataclass
class SimulatedChat:
    """The vendor's side: groups with their counters, and the log of everything that took effect."""

    world: World
    groups: dict[Group, dict[str, int]] = field(default_factory=dict)
    landings: list[Landing] = field(default_factory=list)
    calls: int = 0
    reads: int = 0

    def create(self, group: Group) -> None:
        """A group without counters."""
        self.groups[group] = {}

    def dismiss(self, group: Group) -> None:
        """A group that is no more, and its counters with it."""
        self.world.tell(f"{group.id} is dismissed")
        del self.groups[group]

    def apply(self, call: Call) -> Mapping[str, int]:
        """Let one update take effect, all its keys at once."""
        counters = self.groups[call.group]
        for key, value in call.values.items():
            now = counters.get(key, 0)
            counters[key] = value if call.mode is Mode.SET else now + call.mode.sign * value
        self.landings.append(Landing(self.world.now, call.group, call.mode, dict(call.values)))
        self.world.tell(f"APPLIED {call.mode.value} {dict(call.values)} -> {counters}")
        return {key: counters[key] for key in call.values}


@dataclass(frozen=True)
class Fate:
    """What becomes of one request: when it arrives, if ever, and whether its reply does."""

    arrives_after_s: float | None = 0.02
    replies: bool = True


@dataclass
class Exchange:
    """One request on its way: what came back, once something has."""

    reply: Reply | None = None


class SimulatedApi:
    """The `CounterApi` of one worker's instance, over a network that loses, delays and repeats nothing by itself."""

    def __init__(self, world: World, chat: SimulatedChat, timeout_s: float) -> None:
        self._world = world
        self._chat = chat
        self._timeout_s = timeout_s
        self.fates: list[Fate] = []
        """What becomes of the next requests, before chance decides."""

    def renew_credentials(self) -> None:
        """Nothing to renew: the secret of this world does not change."""
        self._world.step("renews the secret")

    def update(self, call: Call) -> Reply:
        """Send; what becomes of it is drawn now and happens in its time."""
        world = self._world
        world.step(f"sends {call.mode.value} {dict(call.values)} signed at {call.time}")
        self._chat.calls += 1
        exchange = Exchange()
        if self.fates:
            self._meet(self.fates.pop(0), call, exchange)
            return exchange.reply or Unclear("timeout")
        fault = world.conditions.request_fault
        if world.chosen(fault * 0.15):
            return Unsent("refused")
        if not world.chosen(fault * 0.25):
            delay_s = world.chance.uniform(0.005, 0.1)
            if world.chosen(fault):
                delay_s = world.chance.choice((1.0, 5.0, 9.0, 20.0)) * world.chance.random()
            world.at(world.now + delay_s, lambda: self._arrive(call, exchange))
        world.wait_for(lambda: exchange.reply is not None, self._timeout_s)
        world.step(f"got {exchange.reply}")
        return exchange.reply or Unclear("timeout")

    def _meet(self, fate: Fate, call: Call, exchange: Exchange) -> None:
        world = self._world
        if fate.arrives_after_s is not None:
            unheard = Exchange()
            target = exchange if fate.replies else unheard
            world.at(world.now + fate.arrives_after_s, lambda: self._arrive(call, target))
        world.wait_for(lambda: exchange.reply is not None, self._timeout_s)
        world.step("hears")

    def _arrive(self, call: Call, exchange: Exchange) -> None:
        world, fault = self._world, self._world.conditions.request_fault
        if int(world.now) > call.time + call.life:
            exchange.reply = self._dated(EXPIRED)
            return
        if call.group not in self._chat.groups:
            exchange.reply = self._dated(GONE)
            return
        lies = world.conditions.lying_codes and world.chosen(fault * 0.2)
        if lies or world.chosen(fault * 0.25):
            refusal = world.chance.choice(REFUSALS)
            if lies:
                self._chat.apply(call)
            world.tell(f"REFUSED with {refusal.code}")
            exchange.reply = self._dated(refusal)
            return
        lag_s = world.chance.uniform(0, world.conditions.lag_max_s) if world.chosen(fault) else 0.0
        if world.chosen(world.conditions.zombies):
            lag_s = world.chance.uniform(12, 60)
        lost = world.chosen(fault)
        world.at(world.now + lag_s, lambda: self._land(call, exchange, lost=lost))

    def _land(self, call: Call, exchange: Exchange, *, lost: bool) -> None:
        if call.group not in self._chat.groups:
            return
        values = self._chat.apply(call)
        if not lost:
            exchange.reply = Counted(values, int(self._world.now))

    def read(self, group: Group, keys: Sequence[str], now: int) -> Reply:
        """Ask; the answer is what the counters are when the question arrives."""
        world, fault = self._world, self._world.conditions.read_fault
        world.step("reads")
        self._chat.reads += 1
        if world.chosen(fault):
            world.pause(self._timeout_s * world.chance.random())
            return Unclear("no answer")
        if world.chosen(fault * 0.2):
            return self._dated(world.chance.choice(REFUSALS[:2]))
        if int(world.now) > now + 60:
            return self._dated(EXPIRED)
        if group not in self._chat.groups:
            return self._dated(GONE)
        counters = self._chat.groups[group]
        values = {key: value for key, value in counters.items() if not keys or key in keys}
        date = int(world.now)
        world.step(f"read {values} at {date}")
        return Counted(values, date)

    def _dated(self, refusal: Refused) -> Refused:
        return Refused(refusal.code, refusal.info, refusal.fault, int(self._world.now))


class SimulatedClock:
    """An instance's local clock: `skew_s` off the API's."""

    def __init__(self, world: World, skew_s: float) -> None:
        self._world = world
        self._skew_s = skew_s

    def now(self) -> float:
        """Local wall time."""
        return self._world.now + self._skew_s

    def monotonic(self) -> float:
        """Local time since some moment that differs between instances."""
        return self._world.now + self._skew_s * 7 + 1000

    def sleep(self, seconds: float) -> None:
        """Let time pass for this worker."""
        self._world.pause(seconds)


class UnreliableLedger:
    """A ledger behind a network: every call is a step, a write's answer may be lost before or after its effect."""

    timeout_s = 0.1
    generation_cache_s = 300.0

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    def load(self, group: Group) -> Row | None:
        """A read."""
        self._before("loads the row")
        row = self._ledger.load(group)
        self._world.step("has the row")
        return row

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """A read."""
        self._before("looks for records")
        records = self._ledger.find(group, ids)
        self._world.step("has the records")
        return records

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        """A read."""
        self._before("looks at the row")
        look = self._ledger.look(group, ids)
        self._world.step("has looked")
        return look

    def append(
        self, group: Group, entries: Sequence[Entry], bytes_max: int, positions: Positions = NOWHERE
    ) -> Look | None:
        """A write."""
        self._before("appends")
        look = self._ledger.append(group, entries, bytes_max, positions)
        self._after(f"appended {look is not None}")
        return look

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, positions: Positions = NOWHERE
    ) -> Row | None:
        """A write."""
        self._before("begins")
        row = self._ledger.begin(group, attempt, receipt_key, generation, positions)
        self._after(f"begun {row is not None}")
        return row

    def swap(self, group: Group, row: Row, records: Records) -> bool:
        """A write."""
        self._before(f"swaps to version {row.version}")
        done = self._ledger.swap(group, row, records)
        self._after(f"swapped {done} {row.version}")
        return done

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """A write."""
        self._before("settles")
        done = self._ledger.settle(group, settlement)
        self._after(f"settled {done}")
        return done

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """A read."""
        self._before("lists the unfinished")
        return self._ledger.unfinished(app, limit, after)

    def generation(self) -> Generation:
        """A read."""
        self._before("reads the generation")
        return self._ledger.generation()

    def raise_generation(self, started: int) -> Generation:
        """A write."""
        self._before("raises the generation")
        generation = self._ledger.raise_generation(started)
        self._after("raised")
        return generation

    def lease(self, app: int, calls: float, rate: float, ahead_max_s: float) -> float | None:
        """A write."""
        self._before("leases")
        wait_s = self._ledger.lease(app, calls, rate, ahead_max_s)
        self._after("leased")
        return wait_s

    def _before(self, what: str) -> None:
        self._world.step(what)
        if self._world.chosen(self._world.conditions.ledger_fault):
            self._world.tell("ledger unavailable")
            raise LedgerUnavailable("out of reach")

    def _after(self, what: str) -> None:
        self._world.step(what)
        if self._world.chosen(self._world.conditions.ledger_fault):
            self._world.tell("ledger answer lost")
            raise AnswerLost("no answer")


class Notices:
    """A reporter that keeps everything."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.counts: dict[Notice, int] = {}

    def report(self, notice: Notice, **evidence: str | float | None) -> None:
        """Count, and tell the history."""
        self.counts[notice] = self.counts.get(notice, 0) + 1
        self._world.tell(f"NOTICE {notice.value} {evidence}")
