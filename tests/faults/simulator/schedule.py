"""Plays the plan of one small world: the real core on instances that come and go, until everything is finished."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf

from handler.core.errors import CounterError, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.model.outcome import KeyReused, Outcome, Rejected
from handler.core.model.row import Entry, Note
from handler.core.operator.forget import forget
from handler.core.ports.ledger import Parked
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.parking import parked
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from tests.faults.auditor import auditor, evidence, telling
from tests.faults.auditor.evidence import Told
from tests.faults.auditor.orders import QUEUE, STREAM, Order, from_source
from tests.faults.simulator import ending
from tests.faults.simulator.misfortunes import GROUP, Misfortunes
from tests.faults.simulator.plan import Ask, Plan
from tests.faults.simulator.setting import Setting
from tests.faults.simulator.stream import NOT_TAKEN, Stream
from tests.faults.world.rules import APP
from tests.faults.world.unreliable import BROKEN
from tests.faults.world.world import START, Worker

# An invocation of a caller may last so long; one of the sweep that much longer than a call.
INVOCATION_S = 29.0
SWEEP_S = 4.0
SWEEP_EVERY_S = 10.0

# So long a batch of the stream waits for its outcomes; it is taken without them all the same.
STREAM_WAIT_S = 3.5

# A queue puts aside what it has delivered so often.
DELIVERIES_MAX = 6

# A caller that has no final answer asks again after about so long, at growing distances.
AGAIN_S = 6.0

# Longer than any outage.
FINISH_S = 7200.0


@dataclass(slots=True)
class Played:
    """What came of a plan: the contradictions found, how many steps it took, and the history if it was recorded."""

    violations: list[str]
    steps: int
    history: list[str] = field(default_factory=list)


class Schedule(Setting):
    def __init__(self, plan: Plan, *, recording: bool) -> None:
        super().__init__(plan, recording=recording)
        self.asked = {order: telling.asked(order) for order in plan.orders}
        self.open = dict.fromkeys(self.asked)
        self.to_come = len(plan.asks)
        self._is_over = False
        self.given_up: list[tuple[Parked, float]] = []
        self.misfortunes = Misfortunes(self)
        self.stream = Stream(self, plan.feed) if plan.feed else None

    def run(self) -> Played:
        """Let it happen: callers repeat until they have a final answer, and the sweep finishes what is left."""
        world, plan = self.world, self.plan
        if world.recording:
            world.tell(f"{plan}")
        self.misfortunes.arrange()
        for ask in plan.asks:
            world.at(START + ask.at_s, lambda ask=ask: self._begin(ask))  # type: ignore[misc]  # bound now
        if self.stream:
            self.stream.begin()
        world.at(START + plan.sweep_at_s, self._sweep)
        finished = world.run(partial(ending.has_come, self), FINISH_S, alone=True)
        if finished:
            self._ask_at_last()
        world.end()
        facts = ending.facts_of(self, finished=finished)
        violations = list(auditor.audit(list(self.asked.values()), self.chat.landings, facts))
        # A batch says why records come again, and that the ledger was away is such a reason.
        expected = (NotAccepted, OutcomeUnknown)
        unforeseen = [one for one in self.notices.failures if str(one) != BROKEN and not isinstance(one, expected)]
        violations += [f"{type(error).__name__}: {error}" for error in unforeseen]
        return Played(violations, world.steps, world.history)

    def _begin(self, ask: Ask) -> None:
        self.to_come -= 1
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
        if not self.is_wanted(ask):
            return
        if ask.source == QUEUE and times > DELIVERIES_MAX:
            self._give_back(ask.orders)
            return
        self._ask(ask, self._anywhere(), times)

    def is_wanted(self, ask: Ask) -> bool:
        """Whether a caller still wants an answer, or a source a word that it need not come again."""
        if ask.source is None:
            return any(order in self.open for order in ask.orders)
        return not all(self.asked[order].acknowledged or self.asked[order].given_back for order in ask.orders)

    def _apply(self, ask: Ask, place: int, times: int) -> None:
        told = self._apply_all(ask.orders, place, ask.wait_s, ask.source)
        if ask.source:
            self._tell_source(ask.source, ask.orders, told)

    def _tell_source(self, source: str, orders: Sequence[Order], told: Sequence[Told]) -> None:
        """A queue takes back what is refused; what it has been told to forget it has forgotten."""
        for order, one in zip(orders, told, strict=True):
            if source == QUEUE and one.kind in {evidence.REJECTED, evidence.REUSED}:
                self._give_back([order])
            elif one.kind not in NOT_TAKEN:
                self.asked[order].acknowledged = True

    def _give_back(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self.asked[order].given_back |= not self.asked[order].acknowledged

    def _apply_all(
        self, orders: Sequence[Order], place: int, wait_s: float, source: str | None = None
    ) -> Sequence[Told]:
        instance = self._at(place)
        now = instance.clock.monotonic()
        budget = TimeBudget(until=now + wait_s, deadline=now + INVOCATION_S, gives_back=source == QUEUE)
        operations = [from_source(source, order) if source else order.operation for order in orders]

        def asking() -> Sequence[Outcome]:
            outcomes = ExactlyOnce(instance, APP).apply(GROUP.id, operations, budget)
            if source not in {None, QUEUE}:
                _park(instance, operations, outcomes)
            return outcomes

        return self._hear_outcomes(orders, asking)

    def deliver(self, batch: Sequence[Order], heard: Callable[[Sequence[Told]], None]) -> None:
        """Invoke the function with records of the stream; what becomes of them is `heard` if it lives to tell."""
        place = self._anywhere()
        for order in batch:
            self.asked[order].asks += 1
        self.world.spawn("stream", lambda: heard(self._take(batch, place)), place)

    def _take(self, records: Sequence[Order], place: int) -> Sequence[Told]:
        return self._apply_all(records, place, STREAM_WAIT_S, STREAM)

    def _hear_outcomes(self, orders: Sequence[Order], asking: Callable[[], Sequence[Outcome | None]]) -> Sequence[Told]:
        return self._hear(orders, lambda: [telling.told(outcome) for outcome in asking()])

    def _hear(self, orders: Sequence[Order], asking: Callable[[], Sequence[Told]]) -> Sequence[Told]:
        """Write down what is answered; an instance that is cut off answers nothing."""
        try:
            told = asking()
        except NotAccepted as error:
            told = [Told(evidence.NOT_ACCEPTED, str(error))] * len(orders)
        except CounterError as error:
            told = [Told(evidence.DOUBTFUL, str(error))] * len(orders)
        for order, one in zip(orders, told, strict=True):
            self._note(order, one)
        return told

    def _note(self, order: Order, told: Told) -> None:
        told.lines, told.at, told.at_last = len(self.chat.landings), self.world.now, self._is_over
        self.asked[order].told.append(told)
        if told.kind in evidence.FINAL or told.kind == evidence.FROZEN:
            self.open.pop(order, None)
        if self.world.recording:
            self.world.tell(f"{order.operation.key} is told: {told.kind} {told.content}")

    def give_up(self, records: Sequence[Parked]) -> None:
        """An operator drops parked records, each of which must not come back."""
        counters = ExactlyOnce(self._at(0), APP)
        for record in records:
            try:
                counters.strike(GROUP.id, record.id)
            except CounterError:
                return  # the task says so, and what is left stays where it is
            self.kept.unpark(APP, record.id)
            self.given_up.append((record, self.world.now))

    def forget(self) -> None:
        """An operator forgets the group; where that may not be, it is refused, and changes nothing."""
        with suppress(CounterError):
            forget(Visit(self._at(0), GROUP, TimeBudget(until=inf, deadline=inf)), even_remembered=False)
            self.world.tell("an operator has forgotten the group")

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
            if asked.by_stream or keys.count(order.operation.key) > 1:
                continue
            if any(told.kind in evidence.FINAL for told in asked.told):
                continue
            now = instance.clock.monotonic()
            budget = TimeBudget(until=now + INVOCATION_S, deadline=now + INVOCATION_S)
            self._last_question(order, instance, budget)
        self.world.run(lambda: True, FINISH_S * 2, alone=True)

    def _last_question(self, order: Order, instance: Instance, budget: TimeBudget) -> None:
        operation = order.operation

        def ask() -> list[Outcome | None]:
            return [ExactlyOnce(instance, APP).ask(operation.group_id, operation.caller, operation.key, budget)]

        self.world.spawn(f"{operation.key} asks", lambda: self._hear_outcomes([order], ask))


def _park(instance: Instance, operations: Sequence[Operation], outcomes: Sequence[Outcome]) -> None:
    """As the trigger of a batch does with what was refused before this source has asked for it."""
    for operation, outcome in zip(operations, outcomes, strict=True):
        is_refused = isinstance(outcome, KeyReused) or (isinstance(outcome, Rejected) and outcome.replayed)
        if is_refused and operation.origin is not None:
            note = Note(Entry.of(operation), outcome.code if isinstance(outcome, Rejected) else 0, 0.0)
            for record in parked(GROUP, note):
                instance.park(APP, record)
