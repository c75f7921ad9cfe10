"""A busy app: many groups, five instances, one vendor's limit; whether each caller has its share, and none more (R14).

An honest caller has groups of its own, a crowd is on one group, a flood does not wait for its calls, strangers name
groups that are not there, and a sweep works off what is left to it. The clock of one instance may be ahead, or jump.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from handler.core.errors import CounterError
from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Applied
from handler.core.model.row import Entry, Group, Row
from handler.core.ports.counter_api import Call
from handler.core.ports.schedules import Claim, Schedule
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from handler.core.runtime.rate_limiter import AHEAD_MAX_S, UNASKED_PER_SECOND, RateLimiter, Terms
from tests.faults.simulator.plan import SHORT, Plan
from tests.faults.simulator.schedule import Played
from tests.faults.world.askers import AskersLedger
from tests.faults.world.network import Network
from tests.faults.world.rules import APP
from tests.faults.world.simulated import Notices, SimulatedApi, SimulatedClock
from tests.faults.world.unreliable import UnreliableLedger
from tests.faults.world.vendor import Said, SimulatedChat
from tests.faults.world.world import START, World
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked

RATE = 60
RULES = replace(SHORT, calls_per_second=RATE)
LASTS_S = 8.0
JUMPS_AT_S = 4.0

# What the sweep finds, which is more than it can call; it is measured from then on.
BACKLOG = 9 * RATE
SWEPT_FROM_S = 2.0

HONEST, CROWD, FLOOD, STRANGERS, SWEEPER = range(5)
CALLERS = {HONEST: 6, CROWD: 10, FLOOD: 12, STRANGERS: 12}
SWEEPERS = 24
FLOODED = 24 * RATE

# How many turns of a second each instance takes unasked, on top of those that are lent.
UNASKED = 5 * UNASKED_PER_SECOND

# Of the minute's turns that are lent ahead to a flood so much has been lent before; then it gets those of each second.
LENT_S = 58.0
ACCEPTED_MAX = (60 - LENT_S + LASTS_S) * RATE / 2 + UNASKED_PER_SECOND * LASTS_S

# The share of the rate that is used as long as there is a backlog, and of an honest caller's calls that are made.
USED_MIN = 0.9
SERVED_MIN = 0.9

AHEAD_S = (0.0, 0.0, 0.5, 1.5, 4.0, 30.0)


class LoggingNetwork(Network):
    """Keeps when each call was sent."""

    def __init__(self, world: World, chat: SimulatedChat) -> None:
        super().__init__(world, chat)
        self._its_world = world
        self.updates: list[float] = []
        self.reads: list[float] = []

    def update(self, call: Call, secret: int, timeout_s: float) -> Said | bool | None:
        self.updates.append(self._its_world.now)
        return super().update(call, secret, timeout_s)

    def read(self, group: Group, keys: Sequence[str], signed: int, secret: int, timeout_s: float) -> Said | None:
        self.reads.append(self._its_world.now)
        return super().read(group, keys, signed, secret, timeout_s)


class SharedSchedule:
    """One such world; of the plan only the seed counts. What is not given is drawn."""

    def __init__(
        self,
        plan: Plan,
        *,
        recording: bool,
        by_askers: bool | None = None,
        ahead_s: float | None = None,
        jumps: bool | None = None,
    ) -> None:
        self._chance = random.Random(plan.seed)
        draw = self._chance.random
        self.world = World(plan.seed + 1, recording=recording)
        self._chat = SimulatedChat(self.world)
        self._network = LoggingNetwork(self.world, self._chat)
        kind = AskersLedger if (draw() < 0.5 if by_askers is None else by_askers) else MemoryLedger
        self._memory = kind(SimulatedClock(self.world, 0.0), keeps_objects=True)
        self._ledger = UnreliableLedger(self.world, self._memory)
        self._notices = Notices(self.world)
        self._kept = MemoryParked()
        self._ahead_s = self._chance.choice(AHEAD_S) if ahead_s is None else ahead_s
        self._jumps = draw() < 0.3 if jumps is None else jumps
        self._instances = [self._instance(place) for place in range(5)]
        self.served: list[bool] = []
        self.accepted = 0

    def run(self) -> Played:
        world = self.world
        world.tell(f"{type(self._memory).__name__}, one clock {self._ahead_s} s ahead")
        for place, lives in ((HONEST, self._honest), (CROWD, self._crowd), (STRANGERS, self._strangers)):
            for number in range(CALLERS[place]):
                world.spawn(f"{lives.__name__} {number}", partial(lives, number), place)
        self._begin()
        flood = iter(range(FLOODED))
        for number in range(CALLERS[FLOOD]):
            world.spawn(f"flood {number}", partial(self._flood, flood), FLOOD)
        world.spawn("sweep", self._sweep, SWEEPER)
        if self._jumps:
            world.at(START + JUMPS_AT_S, self._jump)
        world.run(lambda: world.now >= START + LASTS_S, LASTS_S)
        world.end()
        return Played(list(self._contradictions()), world.steps, world.history)

    def _instance(self, place: int) -> Instance:
        world = self.world
        clock = SimulatedClock(world, self._ahead_s if place == CROWD else 0.0)
        api = SimulatedApi(world, self._chat, RULES.timeout_s, self._network)
        instance = Instance.of(
            ledger=self._ledger,
            api=api,
            clock=clock,
            chance=world.chance,
            reporter=self._notices,
            parked=self._kept,
            rules=RULES,
        )

        def pace(schedule: Schedule) -> RateLimiter:
            """As if no `Date` had told the instance how wrong its clock is."""
            return RateLimiter(clock, clock.now, self._ledger, Terms.of(schedule, RATE))

        schedules = pace(Schedule.UPDATES), pace(Schedule.READS), pace(Schedule.ACCEPTANCES)
        return replace(instance, updates=schedules[0], reads=schedules[1], acceptances=schedules[2])

    def _begin(self) -> None:
        """Of the groups that the flood names all are known, and others owe an operation already."""
        for number in range(FLOODED):
            self._make_known(f"flood {number}")
        for number in range(BACKLOG):
            self._make_known(f"backlog {number}")
            operation = self._operation(f"backlog {number}", "key")
            self._memory.append(Group(APP, operation.group_id), [Entry.of(operation)], 1024)
        terms = Terms.of(Schedule.ACCEPTANCES, RATE)
        lent = Claim(
            app=APP,
            schedule=terms.schedule,
            calls=LENT_S * terms.rate,
            rate=terms.rate,
            ahead_max_s=terms.ahead_max_s,
            longest_s=terms.longest_s,
            now=self.world.now,
            lag_s=0.0,
        )
        self._memory.lease(lent)

    def _operation(self, group_id: str, key: str) -> Operation:
        return Operation(
            group_id=group_id, mode=Mode.INCREASE, counters=(("like", 1),), caller="caller", key=key, window_s=3600.0
        )

    def _jump(self) -> None:
        clock = self._instances[CROWD].clock
        assert isinstance(clock, SimulatedClock)
        clock.skew_s = self._chance.choice(AHEAD_S)

    def _make_known(self, group_id: str) -> None:
        group = Group(APP, group_id)
        if group not in self._chat.groups:
            self._chat.create(group)
            self._memory.swap(group, Row(version=1, generation=1, receipt_key=RULES.receipt_key, base=0), {})

    def _ask(self, place: int, group_id: str, key: str, wait_s: float) -> object:
        instance = self._instances[place]
        now = instance.clock.monotonic()
        budget = TimeBudget(until=now + wait_s, deadline=now + 29, sheds=True)
        try:
            [outcome] = ExactlyOnce(instance, APP).apply(group_id, [self._operation(group_id, key)], budget)
        except CounterError as error:
            return error
        return outcome

    def _honest(self, number: int) -> None:
        """One call after the other, at a tenth of the rate all together."""
        self._make_known(f"honest {number}")
        for key in range(1000):
            outcome = self._ask(HONEST, f"honest {number}", f"{key}", 3.0)
            self.served.append(isinstance(outcome, Applied))
            self.world.pause(0.9)

    def _crowd(self, number: int) -> None:
        """All on one group, without a pause: each takes a turn, and one call serves them all."""
        self._make_known("crowded")
        for key in range(1000):
            self._ask(CROWD, "crowded", f"{number}/{key}", 3.0)

    def _strangers(self, number: int) -> None:
        for key in range(1000):
            self._ask(STRANGERS, f"nowhere {number}/{key}", "key", 2.0)

    def _flood(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            outcome = self._ask(FLOOD, f"flood {number}", "key", 0.0)
            self.accepted += not isinstance(outcome, CounterError)

    def _sweep(self) -> None:
        instance = self._instances[SWEEPER]
        ExactlyOnce(instance, APP).sweep(instance.clock.monotonic() + 60, side_by_side=self._side_by_side)

    def _side_by_side(self, visits: Iterable[Visit], tend: Callable[[Visit], None]) -> None:
        left, going, taking = iter(visits), [0], [False]

        def take() -> Visit | None:
            while taking[0]:
                self.world.pause(0.01)
            taking[0] = True
            try:
                return next(left, None)
            finally:
                taking[0] = False

        def work() -> None:
            while (visit := take()) is not None:
                tend(visit)
            going[0] -= 1

        for number in range(SWEEPERS):
            going[0] += 1
            self.world.spawn(f"sweeper {number}", work, SWEEPER)
        while going[0]:
            self.world.pause(0.05)

    def _lent_before_jump(self, at: float) -> float:
        """What may come in the second from `at` on beside the turns of a schedule that a clock's jump began anew."""
        if not self._jumps or not isinstance(self._memory, AskersLedger):
            return 0.0
        return AHEAD_MAX_S * RATE if START + JUMPS_AT_S - 1 < at < START + JUMPS_AT_S + AHEAD_MAX_S else 0.0

    def _contradictions(self) -> Iterator[str]:
        for what, moments in (("updates", self._network.updates), ("reads", self._network.reads)):
            seconds = [(bisect_left(moments, at + 1) - place, at) for place, at in enumerate(moments)]
            most = max((calls - self._lent_before_jump(at) for calls, at in seconds), default=0)
            if most > RATE + UNASKED:
                yield f"{most} {what} were sent within a second"
        served = sum(self.served)
        if served < SERVED_MIN * CALLERS[HONEST] * (LASTS_S - 3):
            yield f"an honest caller had {served} calls in {LASTS_S:g} s"
        if not all(self.served):
            yield f"{self.served.count(False)} calls of an honest caller were not made in time"
        if self.accepted > ACCEPTED_MAX:
            yield f"{self.accepted} operations were accepted without a turn for their calls"
        used = len(self._network.updates) - bisect_left(self._network.updates, START + SWEPT_FROM_S)
        if used < USED_MIN * RATE * (LASTS_S - SWEPT_FROM_S):
            yield f"of the rate {used} calls were used in {LASTS_S - SWEPT_FROM_S:g} s"
