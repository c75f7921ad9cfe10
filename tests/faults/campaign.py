"""One seeded schedule: callers with duplicates, workers that crash, a sweep, and an auditor that knows the truth.

The auditor reads only the vendor's log. Operation number n of a group increases (or decreases) its counter by 8^n, so
the final value, read in base 8, tells how often each operation took effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from handler.core.commands import Mode, Operation
from handler.core.errors import CounterError
from handler.core.exactly_once import ExactlyOnce
from handler.core.instance import Instance, Patience
from handler.core.notices import Notice
from handler.core.outcomes import Applied, Frozen, Rejected
from handler.core.ports import Ports, Rules
from handler.core.rows import Group
from tests.faults.simulated import Notices, SimulatedApi, SimulatedChat, SimulatedClock, UnreliableLedger
from tests.faults.world import PEACE, START, Conditions, World
from tests.sandbox.memory_ledger import MemoryLedger

APP = 1400000000
RULES = Rules(
    receipt_key="_receipt",
    timeout_s=4,
    life_s=6,
    bound_s=11,
    guard_s=5,
    calls_per_second=1000,
    cache_s=60,
    forget_s=120,
)

# Faults stop after this long; then everything must finish by itself.
STORM_S = 90.0
FINISH_S = 3600.0


@dataclass
class Asked:
    """One operation, and every final answer that anybody got for it."""

    operation: Operation
    answers: list[Applied | Rejected] = field(default_factory=list)


@dataclass
class Campaign:
    """Everything that one seed makes happen."""

    seed: int
    conditions: Conditions
    groups: int = 2
    operations: int = 5
    instances: int = 3
    rules: Rules = RULES
    modes: tuple[Mode, ...] = (Mode.INCREASE, Mode.INCREASE, Mode.DECREASE)
    dismissed_at_s: float | None = None
    """When the first group is dismissed, if it is."""

    def __post_init__(self) -> None:
        """Build the world; nothing happens yet."""
        self.world = World(self.seed, self.conditions)
        self.chat = SimulatedChat(self.world)
        self.memory = MemoryLedger(SimulatedClock(self.world, 0.0))
        self.notices = Notices(self.world)
        self.asked = [
            self._asked(Group(APP, f"G{number}"), index)
            for number in range(self.groups)
            for index in range(self.operations)
        ]
        for number in range(self.groups):
            self.chat.create(Group(APP, f"G{number}"))
        self.crowd = [self._instance() for _ in range(self.instances)]

    def _asked(self, group: Group, index: int) -> Asked:
        mode = self.world.chance.choice(self.modes)
        key = {Mode.INCREASE: "up", Mode.DECREASE: "down", Mode.SET: f"set-{index}"}[mode]
        counters = ((key, 8**index),)
        return Asked(Operation(group.id, mode, counters, "caller", f"key-{index}", 1_296_000.0))

    def _instance(self) -> Instance:
        skew_s = self.world.chance.uniform(-self.conditions.skew_s, self.conditions.skew_s)
        clock = SimulatedClock(self.world, skew_s)
        ports = Ports(
            ledger=UnreliableLedger(self.world, self.memory),
            api=SimulatedApi(self.world, self.chat, self.rules.timeout_s),
            clock=clock,
            chance=self.world.chance,
            reporter=self.notices,
        )
        return Instance.of(ports, self.rules)

    def run(self) -> Campaign:
        """Let it happen: callers repeat until they have a final answer, and then the sweep finishes what is left."""
        world = self.world
        for asked in self.asked:
            for _ in range(world.chance.choice((1, 1, 2, 3))):
                world.at(START + world.chance.uniform(0, 15), lambda asked=asked: self._call(asked))  # type: ignore[misc]  # bound now
        for number in range(self.groups):
            together = [asked for asked in self.asked if asked.operation.group_id == f"G{number}"]
            world.at(START + world.chance.uniform(0, 15), lambda together=together: self._call_all(together))  # type: ignore[misc]  # bound now
        if self.dismissed_at_s is not None:
            world.at(START + self.dismissed_at_s, lambda: self.chat.dismiss(Group(APP, "G0")))
        world.at(START + STORM_S, self._calm)
        world.at(START + 5, self._sweep)
        finished = world.run(self._is_finished, FINISH_S)
        world.end()
        assert finished, self.story("not finished")
        self._audit()
        return self

    def _calm(self) -> None:
        self.world.tell("the storm is over")
        self.world.conditions = PEACE

    def _call(self, asked: Asked) -> None:
        instance = self.world.chance.choice(self.crowd)
        self.world.spawn(asked.operation.key, lambda: self._apply(instance, [asked]))
        if not asked.answers:
            self.world.at(self.world.now + self.world.chance.uniform(3, 20), lambda: self._repeat(asked))

    def _repeat(self, asked: Asked) -> None:
        if not asked.answers:
            self._call(asked)

    def _call_all(self, together: list[Asked]) -> None:
        """One caller asks for everything of a group at once, as a batch does."""
        instance = self.world.chance.choice(self.crowd)
        self.world.spawn("batch", lambda: self._apply(instance, together))

    def _apply(self, instance: Instance, together: list[Asked]) -> None:
        now = instance.clock.monotonic()
        patience = Patience(until=now + 5, deadline=now + 29)
        operations = [asked.operation for asked in together]
        try:
            outcomes = ExactlyOnce(instance, APP).apply(operations[0].group_id, operations, patience)
        except CounterError as error:
            self.world.tell(f"{operations[0].group_id} answered {error!r}")
            return
        for asked, outcome in zip(together, outcomes, strict=True):
            self.world.tell(f"{asked.operation.group_id} {asked.operation.key} answered {outcome}")
            assert not isinstance(outcome, Frozen), self.story("frozen")
            if isinstance(outcome, Applied | Rejected):
                asked.answers.append(outcome)

    def _sweep(self) -> None:
        instance = self.world.chance.choice(self.crowd)

        def life() -> None:
            try:
                ExactlyOnce(instance, APP).sweep(instance.clock.monotonic() + 50)
            except CounterError as error:
                self.world.tell(f"the sweep ended with {error!r}")

        self.world.spawn("sweep", life)
        self.world.at(self.world.now + 60, self._sweep)

    def _is_finished(self) -> bool:
        if self.world.conditions is not PEACE or not all(asked.answers for asked in self.asked):
            return False
        rows = [self.memory.load(Group(APP, f"G{number}")) for number in range(self.groups)]
        return all(row is None or not row.is_unfinished for row in rows)

    def _audit(self) -> None:
        """Compare what callers were told with what the vendor's log says."""
        assert not self.memory.conflicts, self.story("a stored answer was written twice")
        assert Notice.GROUP_FROZEN not in self.notices.counts, self.story("a group was frozen")
        for asked in self.asked:
            name = f"{asked.operation.key} of {asked.operation.group_id}"
            answers = {replace(answer, replayed=False) for answer in asked.answers}
            assert len(answers) == 1, self.story(f"{name} was answered in two ways")
            if asked.operation.group_id == "G0" and self.dismissed_at_s is not None:
                continue
            want = 1 if isinstance(asked.answers[0], Applied) else 0
            times = self._times(asked.operation)
            assert times == want, self.story(f"{name} counted {times}, not {want}")
        if not self.conditions.zombies and not self.conditions.lying_codes and self.dismissed_at_s is None:
            self._audit_every_moment()

    def _audit_every_moment(self) -> None:
        """While the bound holds and codes tell the truth, nothing is ever counted twice, not even for a moment."""
        assert Notice.LATE_LANDING not in self.notices.counts, self.story("a landing was late")
        for asked in self.asked:
            times = self._landings(asked.operation)
            assert times <= 1, self.story(f"{asked.operation.key} landed {times} times")

    def _landings(self, operation: Operation) -> int:
        """How many calls carried the operation into effect."""
        [(key, value)] = operation.counters
        group = Group(APP, operation.group_id)
        carried = [landing.values.get(key, 0) for landing in self.chat.landings if landing.group == group]
        return sum(total // value % 8 for total in carried)

    def _times(self, operation: Operation) -> int:
        """How often the operation counts in the end."""
        if operation.mode is Mode.SET:
            return self._landings(operation)
        [(key, value)] = operation.counters
        total = self.chat.groups[Group(APP, operation.group_id)].get(key, 0)
        return operation.mode.sign * total // value % 8

    def story(self, what: str) -> str:
        """What went wrong, the seed, and the whole history."""
        return "\n".join([f"seed {self.seed}: {what}", *self.world.history[-400:]])
