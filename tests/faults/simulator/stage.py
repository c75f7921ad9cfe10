"""A small stage for schedules that are written down: one group, named workers, and what becomes of each request."""

from typing_extensions import Self

from handler.core.errors import CounterError
from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Outcome
from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Call
from handler.core.ports.ledger import Generation
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import Instance, Rules, TimeBudget
from tests.faults.world.network import Fate
from tests.faults.world.rules import APP, RULES
from tests.faults.world.simulated import Notices, SimulatedApi, SimulatedClock
from tests.faults.world.unreliable_parked import UnreliableStore
from tests.faults.world.vendor import SimulatedChat
from tests.faults.world.world import START, World
from tests.sandbox.memory_ledger import MemoryLedger, Snapshot
from tests.sandbox.memory_parked import MemoryParked

GROUP = Group(APP, "G")

NORMAL = Fate()
NEVER = Fate(arrives_after_s=None)
LANDS_UNHEARD = Fate(replies=False)


class StagedLedger(MemoryLedger):
    """A ledger whose generation the stage can raise, as a restore does."""

    current = Generation(1, 0)

    def generation(self) -> Generation:
        return self.current

    def start_generation(self, known: Generation, started: int) -> Generation:
        if self.current == known:
            self.current = Generation(known.number, started)
        return self.current


class Stage:
    """One group with a history: its receipt exists, so that the first operation takes the fast path."""

    def __init__(self, seed: int = 1, rules: Rules = RULES) -> None:
        self.rules = rules
        self.world = World(seed)
        self.chat = SimulatedChat(self.world)
        self.chat.create(GROUP)
        self.memory = StagedLedger(SimulatedClock(self.world, 0.0))
        self.kept = MemoryParked()
        self.notices = Notices(self.world)
        self.api = SimulatedApi(self.world, self.chat, rules.timeout_s)
        self.answers: dict[str, list[Outcome]] = {}
        self._crowd: dict[str, Instance] = {}

    @classmethod
    def started(cls) -> Self:
        """A group that has counted one like already, so that the next operation takes the fast path."""
        stage = cls()
        stage.expect(NORMAL)
        stage.call("start", stage.operation("start", 1))
        return stage

    def operation(self, key: str, value: int, mode: Mode = Mode.INCREASE) -> Operation:
        return Operation(
            group_id=GROUP.id, mode=mode, counters=(("like", value),), caller="caller", key=key, window_s=1_296_000.0
        )

    def expect(self, *fates: Fate) -> None:
        """Decide what becomes of the next requests, whoever sends them."""
        self.api.fates.updates.extend(fates)

    def call(self, worker: str, *operations: Operation, at_s: float = 0.0, wait_s: float = 5.0) -> None:
        """Let a worker ask for an operation, or for several together, `at_s` seconds from the beginning."""

        def life() -> None:
            instance = self._instance(worker)
            now = instance.clock.monotonic()
            budget = TimeBudget(until=now + wait_s, deadline=now + 600)
            try:
                outcomes = ExactlyOnce(instance, APP).apply(GROUP.id, operations, budget)
            except CounterError as error:
                self.world.tell(f"{worker} answered {error!r}")
                return
            self.world.tell(f"{worker} answered {', '.join(map(str, outcomes))}")
            self.answers.setdefault(worker, []).extend(outcomes)

        self.world.at(START + at_s, lambda: self.world.spawn(worker, life))

    def sweep(self, *, at_s: float) -> None:
        """Let a sweep begin `at_s` seconds from the beginning."""
        instance = self._instance("sweep")
        self.world.at(
            START + at_s,
            lambda: self.world.spawn(
                "sweep", lambda: _ignore(ExactlyOnce(instance, APP).sweep(instance.clock.monotonic() + 50))
            ),
        )

    def land_again(self, *, at_s: float) -> None:
        """Let the oldest attempt in memory, of ten likes, land long after its death, as a broken proxy might."""

        def land() -> None:
            past = next(past.attempt for past in self.row.remembered if not past.refused)
            values = {"like": 10, "_receipt": past.weight}
            self.chat.apply(
                Call(group=GROUP, mode=Mode.INCREASE, values=values, signed_at=past.signed_at, life_s=past.life_s)
            )

        self.world.at(START + at_s, land)

    def put_back(self, copy: Snapshot | None, number: int = 2) -> None:
        """A copy, or the ledger as it is, begins a new generation, and nobody of before is there any more."""
        if copy is not None:
            self.memory.restore(copy)
        self.memory.current = Generation(number, int(self.world.now))
        self.forget_instances()

    def play_until(self, at_s: float) -> None:
        """Let everything happen that happens in the first `at_s` seconds."""
        self.world.at(START + at_s, lambda: None)
        self.world.run(lambda: self.world.now >= START + at_s, at_s)

    def forget_instances(self) -> None:
        self._crowd.clear()

    def play(self, limit_s: float = 300.0) -> None:
        """Let everything happen, until nothing more is to come or `limit_s` seconds have passed."""
        self.world.run(lambda: False, limit_s)
        self.world.end()

    @property
    def likes(self) -> int:
        return self.chat.groups[GROUP].get("like", 0)

    @property
    def row(self) -> Row:
        row = self.memory.load(GROUP)
        assert row is not None
        return row

    @property
    def story(self) -> str:
        return "\n".join(self.world.history)

    def _instance(self, worker: str) -> Instance:
        if worker not in self._crowd:
            store = UnreliableStore(self.world, self.memory, self.kept)
            self._crowd[worker] = Instance.of(
                ledger=store,
                api=self.api,
                clock=SimulatedClock(self.world, 0.0),
                chance=self.world.chance,
                reporter=self.notices,
                parked=store,
                rules=self.rules,
            )
            # As a deployed one does before its first event.
            self._crowd[worker].api_clock.learn(int(self.world.now))
        return self._crowd[worker]


def _ignore(_: object) -> None:
    """A worker's life has no value of its own."""
