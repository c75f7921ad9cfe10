"""Plays the plan of one small world: the real core on instances that come and go, until everything is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from handler.core.errors import CounterError, NotAccepted
from handler.core.exactly_once import ExactlyOnce
from handler.core.instance import Instance, Patience
from handler.core.outcomes import Outcome
from handler.core.ports import Ports
from handler.core.rows import Row
from tests.faults import auditor, evidence, telling
from tests.faults.evidence import Facts, Told
from tests.faults.misfortunes import GROUP, Misfortunes
from tests.faults.network import Network
from tests.faults.piecewise import PiecewiseLedger
from tests.faults.plan import OBJECTS, PIECES, Ask, Order, Plan
from tests.faults.rules import APP
from tests.faults.simulated import Notices, SimulatedApi, SimulatedClock
from tests.faults.unreliable import LedgerFaults, UnreliableLedger
from tests.faults.vendor import SimulatedChat
from tests.faults.world import START, Worker, World
from tests.sandbox.memory_ledger import MemoryLedger

# An invocation of a caller may last so long; one of the sweep that much longer than a call.
INVOCATION_S = 29.0
SWEEP_S = 1.0
SWEEP_EVERY_S = 10.0

# A caller that has no final answer asks again after about so long, at growing distances.
AGAIN_S = 6.0

FINISH_S = 1800.0


@dataclass(slots=True)
class Played:
    """What came of a plan: the contradictions found, how many steps it took, and the history if it was recorded."""

    violations: list[str]
    steps: int
    history: list[str] = field(default_factory=list)


class Schedule:
    """One plan, being played."""

    def __init__(self, plan: Plan, *, recording: bool) -> None:
        self.plan = plan
        self.world = World(plan.seed + 1, recording=recording)
        self.chat = SimulatedChat(self.world)
        self.chat.create(GROUP)
        self.notices = Notices(self.world)
        self.faults = LedgerFaults()
        self.network = Network(self.world, self.chat)
        self.memory = self._memory()
        self.ledger = UnreliableLedger(self.world, self.memory, self.faults)
        if plan.receipt is not None:
            self.chat.groups[GROUP][plan.rules.receipt_key] = plan.receipt
        if plan.is_known:
            self.memory.swap(GROUP, Row(1, 1, plan.rules.receipt_key, base=plan.receipt), {})
        self._crowd: dict[int, Instance] = {}
        self.asked = {order: telling.asked(order) for order in plan.orders}
        self._open = dict.fromkeys(self.asked)
        self._to_come = len(plan.asks)
        self._is_over = False
        self.misfortunes = Misfortunes(self)

    def run(self) -> Played:
        """Let it happen: callers repeat until they have a final answer, and the sweep finishes what is left."""
        world, plan = self.world, self.plan
        if world.recording:
            world.tell(f"{plan}")
        self.misfortunes.arrange()
        for ask in plan.asks:
            world.at(START + ask.at_s, lambda ask=ask: self._begin(ask))  # type: ignore[misc]  # bound now
        world.at(START + plan.sweep_at_s, self._sweep)
        finished = world.run(self._is_finished, FINISH_S)
        if finished:
            self._ask_at_last()
        world.end()
        facts = self._facts(finished=finished)
        violations = list(auditor.audit(list(self.asked.values()), self.chat.landings, facts))
        return Played(violations, world.steps, world.history)

    def replace_ledger(self) -> None:
        """Go on with a copy in place of the ledger, on cold instances; nobody reaches the old one any more."""
        self.ledger.closed = True
        self.ledger = UnreliableLedger(self.world, self.memory, self.faults)
        self._crowd.clear()

    def restart(self, place: int) -> None:
        """Put a cold instance in the place of one that has died."""
        self._crowd.pop(place, None)

    def clock(self, place: int) -> SimulatedClock:
        """The clock of an instance."""
        clock = self._at(place).clock
        assert isinstance(clock, SimulatedClock)
        return clock

    def _memory(self) -> MemoryLedger:
        clock = SimulatedClock(self.world, 0.0)
        if self.plan.store == PIECES:
            return PiecewiseLedger(clock, partial(_pass_between, self.world))
        return MemoryLedger(clock, keeps_objects=self.plan.store == OBJECTS)

    def _at(self, place: int) -> Instance:
        """The instance in a place; a cold one where there was none yet, or the last one has died."""
        instance = self._crowd.get(place)
        if instance is None:
            instance = self._crowd[place] = self._instance(place)
        return instance

    def _anywhere(self) -> int:
        return int(self.world.chance.random() * len(self.plan.skews_s))

    def _instance(self, place: int) -> Instance:
        world, rules = self.world, self.plan.rules
        clock = SimulatedClock(world, self.plan.skews_s[place])
        api = SimulatedApi(world, self.chat, rules.timeout_s, self.network)
        return Instance.of(Ports(self.ledger, api, clock, world.chance, self.notices), rules)

    def _begin(self, ask: Ask) -> None:
        self._to_come -= 1
        self._ask(ask, ask.place, 1)

    def _ask(self, ask: Ask, place: int, times: int) -> None:
        """Ask, and come back if there is no final answer."""
        world = self.world
        for order in ask.orders:
            self.asked[order].asks += 1
        worker = world.spawn(ask.orders[0].operation.key, lambda: self._apply(ask, place, times), place)
        if ask.insists:
            after_s = AGAIN_S * times * (0.5 + world.chance.random())
            world.at(world.now + after_s, lambda: self._again(ask, worker, times + 1))

    def _again(self, ask: Ask, worker: Worker, times: int) -> None:
        if any(order in self._open for order in ask.orders):
            self._ask(ask, self._anywhere(), times)

    def _apply(self, ask: Ask, place: int, times: int) -> None:
        instance = self._at(place)
        now = instance.clock.monotonic()
        patience = Patience(until=now + ask.wait_s, deadline=now + INVOCATION_S)
        operations = [order.operation for order in ask.orders]
        self._hear_outcomes(ask.orders, lambda: ExactlyOnce(instance, APP).apply(GROUP.id, operations, patience))

    def _hear_outcomes(self, orders: Sequence[Order], asking: Callable[[], Sequence[Outcome | None]]) -> None:
        self._hear(orders, lambda: [telling.told(outcome) for outcome in asking()])

    def _hear(self, orders: Sequence[Order], asking: Callable[[], Sequence[Told]]) -> None:
        """Write down what is answered; an instance that is cut off answers nothing."""
        try:
            told = asking()
        except NotAccepted as error:
            told = [Told(evidence.NOT_ACCEPTED, str(error))] * len(orders)
        except CounterError as error:
            told = [Told(evidence.DOUBTFUL, str(error))] * len(orders)
        for order, one in zip(orders, told, strict=True):
            self._note(order, one)

    def _note(self, order: Order, told: Told) -> None:
        told.lines, told.at, told.at_last = len(self.chat.landings), self.world.now, self._is_over
        self.asked[order].told.append(told)
        if told.kind in evidence.FINAL or told.kind == evidence.FROZEN:
            self._open.pop(order, None)
        if self.world.recording:
            self.world.tell(f"{order.operation.key} is told: {told.kind} {told.content}")

    def _sweep(self) -> None:
        place = self._anywhere()

        def life() -> None:
            try:
                self._sweep_on(place)
            except CounterError as error:
                self.world.tell(f"the sweep ended with {error!r}")

        self.world.spawn("sweep", life, place)
        self.world.at(self.world.now + SWEEP_EVERY_S, self._sweep)

    def _sweep_on(self, place: int) -> None:
        instance = self._at(place)
        ExactlyOnce(instance, APP).sweep(instance.clock.monotonic() + instance.call_s + SWEEP_S)

    def _ask_at_last(self) -> None:
        """Whoever never got a final answer asks after it now, unless the key may be another's."""
        self._is_over = True
        instance = self._at(0)
        keys = [order.operation.key for order in self.asked]
        for order, asked in self.asked.items():
            if any(told.kind in evidence.FINAL for told in asked.told) or keys.count(order.operation.key) > 1:
                continue
            now = instance.clock.monotonic()
            patience = Patience(until=now + INVOCATION_S, deadline=now + INVOCATION_S)
            self._last_question(order, instance, patience)
        self.world.run(lambda: not self.world.is_alive, FINISH_S * 2)

    def _last_question(self, order: Order, instance: Instance, patience: Patience) -> None:
        operation = order.operation

        def ask() -> list[Outcome | None]:
            return [ExactlyOnce(instance, APP).ask(operation.group_id, operation.caller, operation.key, patience)]

        self.world.spawn(f"{operation.key} asks", lambda: self._hear_outcomes([order], ask))

    def _is_finished(self) -> bool:
        """Whether nothing more can happen: all is answered and settled, and nothing is on its way."""
        if self._to_come or self.world.is_alive:
            return False
        if any(ask.insists and order in self._open for ask in self.plan.asks for order in ask.orders):
            return False
        if self.network.in_flight or self.faults.late or not self.misfortunes.are_over:
            return False
        row = self.memory.load(GROUP)
        if row is None or row.frozen:
            return True
        if not row.is_settled or (self.plan.to_the_end and row.remembered):
            return False
        return not row.remembered or row.base == self._receipt or GROUP not in self.chat.groups

    @property
    def _receipt(self) -> int:
        return self.chat.groups.get(GROUP, {}).get(self.plan.rules.receipt_key, 0)

    def _facts(self, *, finished: bool) -> Facts:
        facts = self.misfortunes.excuses()
        row = self.memory.load(GROUP)
        facts.finished = finished
        facts.conflicts = bool(self.memory.conflicts)
        facts.notices = frozenset(notice.value for notice in self.notices.counts)
        if row is not None and row.frozen:
            facts.frozen = frozenset({GROUP.id})
        elif row is not None and row.base is not None:
            facts.receipts = {GROUP.id: (row.base, self._receipt)}
        return facts


def _pass_between(world: World) -> None:
    if world.has_worker:
        world.step("is between two writes")
