"""Where a plan is played: the API, the ledger, and the instances that come and go."""

import json
from functools import partial
from random import Random

from handler.core.model.row import Row
from handler.core.runtime.instance import Instance
from tests.faults.simulator.hazards import Forgotten, LongGone
from tests.faults.simulator.misfortunes import GROUP
from tests.faults.simulator.plan import OBJECTS, PIECES, Plan
from tests.faults.world.network import Network
from tests.faults.world.piecewise import PiecewiseLedger
from tests.faults.world.rules import APP
from tests.faults.world.simulated import Notices, SimulatedApi, SimulatedClock
from tests.faults.world.unreliable import LedgerFaults
from tests.faults.world.unreliable_parked import UnreliableStore
from tests.faults.world.vendor import SimulatedChat
from tests.faults.world.world import START, World
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked

# So many instances have heard the API's time before their first event, as deployed ones have. One that has not takes no
# fast path yet.
GREETED = 0.7


class Setting:
    """Everything outside of the core, as it is when the plan begins."""

    def __init__(self, plan: Plan, *, recording: bool) -> None:
        self.plan = plan
        self.world = World(plan.seed + 1, recording=recording)
        self.chat = SimulatedChat(self.world)
        self.chat.create(GROUP)
        self.notices = Notices(self.world)
        self.faults = LedgerFaults()
        self.network = Network(self.world, self.chat)
        self.memory = self._memory()
        if any(isinstance(hazard, LongGone) for hazard in plan.hazards):
            # A ledger that has rows and no note has kept answers for days.
            self.memory.note_windows(APP, json.dumps([[plan.rules.window_s, 0.0, START]]), None)
        self.kept = MemoryParked()
        self.ledger = UnreliableStore(self.world, self.memory, self.kept, self.faults)
        if plan.receipt is not None:
            self.chat.groups[GROUP][plan.rules.receipt_key] = plan.receipt
        if plan.is_known:
            known = (("a", int(START) - 1000),)
            self.memory.swap(
                GROUP,
                Row(version=1, generation=1, receipt_key=plan.rules.receipt_key, base=plan.receipt, keys=known),
                {},
            )
        self._crowd: dict[int, Instance] = {}
        self._greeting = Random(plan.seed)

    @property
    def expired(self) -> list[float]:
        """When a row with a history was deleted, in worlds in which no operator forgets it."""
        if any(isinstance(hazard, Forgotten) for hazard in self.plan.hazards):
            return []
        return [at for at, row in self.memory.deleted if row.base not in {None, 0}]

    def replace_ledger(self) -> None:
        """Go on with a copy in place of the ledger, on cold instances; nobody reaches the old one any more."""
        self.ledger.closed = True
        self.ledger = UnreliableStore(self.world, self.memory, self.kept, self.faults)
        self._crowd.clear()

    def restart(self, place: int) -> None:
        """Put a cold instance in the place of one that has died."""
        self._crowd.pop(place, None)

    def clock(self, place: int) -> SimulatedClock:
        clock = self._at(place).clock
        assert isinstance(clock, SimulatedClock)
        return clock

    def instance_of_operator(self) -> Instance:
        """An instance that reaches the ledger without a fault and between two steps of all others."""
        return Instance.of(
            ledger=self.memory,
            api=SimulatedApi(self.world, self.chat, self.plan.rules.timeout_s, self.network),
            clock=SimulatedClock(self.world, 0.0),
            chance=self.world.chance,
            reporter=self.notices,
            parked=self.kept,
            rules=self.plan.rules,
        )

    def _memory(self) -> MemoryLedger:
        clock = SimulatedClock(self.world, 0.0)
        if self.plan.store == PIECES:
            return PiecewiseLedger(clock, partial(_pass_between, self.world))
        return MemoryLedger(clock, keeps_objects=self.plan.store == OBJECTS, row_bytes=self.plan.rules.row_bytes)

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
        instance = Instance.of(
            ledger=self.ledger,
            api=api,
            clock=clock,
            chance=world.chance,
            reporter=self.notices,
            parked=self.ledger,
            rules=rules,
        )
        if self._greeting.random() < GREETED:
            instance.api_clock.learn(self.chat.time.date())
        return instance


def _pass_between(world: World) -> None:
    if world.has_worker:
        world.step("is between two writes")
