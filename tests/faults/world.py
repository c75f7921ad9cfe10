"""A simulated world for the real core: one seed decides every interleaving, delay, loss and crash.

Workers are greenlets that give up control at every ledger and network step; time passes only between steps. The
simulation shares no code with the core's rules: the API's side of the signature's expiry is written here anew.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from greenlet import GreenletExit, getcurrent, greenlet

# The API's clock at the beginning of every world.
START = 1_700_000_000.0


@dataclass(frozen=True)
class Conditions:
    """How hostile the world is: probabilities per step or per request; times in seconds."""

    crash: float = 0.0
    freeze: float = 0.0
    freeze_max_s: float = 40.0
    request_fault: float = 0.0
    read_fault: float = 0.0
    lying_codes: bool = False
    zombies: float = 0.0
    """Requests that are applied long after their signature was checked: the bound is broken."""
    ledger_fault: float = 0.0
    skew_s: float = 0.0
    lag_max_s: float = 2.0


PEACE = Conditions()


class Worker(greenlet):
    """One life in the world."""

    name: str


class World:
    """Virtual time, a heap of things to come, and the workers that live in it."""

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.seed = seed
        self.conditions = conditions
        self.chance = random.Random(seed)
        self.now = START
        self.history: list[str] = []
        self.steps = 0
        self.crash_at: int | None = None
        """The number of the one step at which a worker dies."""
        self.frozen: dict[tuple[str, str], float] = {}
        """(worker, first word of a step) -> how long the worker is frozen there, once."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._hub = getcurrent()
        self._workers: set[greenlet] = set()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Let `action` happen at `moment`."""
        heapq.heappush(self._heap, (moment, next(self._order), action))

    def spawn(self, name: str, life: Callable[[], None]) -> None:
        """Start a worker now."""

        def run() -> None:
            life()
            self.tell(f"{name} ends")

        worker = Worker(run, parent=self._hub)
        worker.name = name
        self._workers.add(worker)
        self.at(self.now, lambda: self._resume(worker))

    def _resume(self, worker: greenlet) -> None:
        if not worker.dead:
            worker.switch()
        if worker.dead:
            self._workers.discard(worker)

    def pause(self, seconds: float) -> None:
        """Called by a worker: let time pass for it, while others go on."""
        worker = getcurrent()
        self.at(self.now + seconds, lambda: self._resume(worker))
        self._hub.switch()

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> None:
        """Called by a worker: wait until something has happened, checking as finely as events come."""
        deadline = self.now + timeout_s
        while not happened() and self.now < deadline:
            self.pause(min(0.05, max(1e-6, deadline - self.now)))

    def step(self, what: str) -> None:
        """A boundary between two steps of a worker: it may be slow here, freeze for long, or die."""
        self.steps += 1
        name = getattr(getcurrent(), "name", "")
        self.tell(f"{name}: {what}")
        if self.steps == self.crash_at:
            self.tell("CRASH")
            raise GreenletExit
        frozen_s = self.frozen.pop((name, what.split(" ", maxsplit=1)[0]), None)
        if frozen_s is not None:
            self.pause(frozen_s)
            return
        draw = self.chance.random()
        if draw < self.conditions.crash:
            self.tell(f"CRASH at {what}")
            raise GreenletExit
        if draw < self.conditions.crash + self.conditions.freeze:
            self.pause(self.chance.uniform(1, self.conditions.freeze_max_s))
        else:
            self.pause(self.chance.uniform(0.0001, 0.02))

    def tell(self, what: str) -> None:
        """Write the history that a failure prints."""
        self.history.append(f"{self.now - START:9.3f}  {what}")

    def run(self, until: Callable[[], bool], limit_s: float) -> bool:
        """Let things happen until `until` holds; False if `limit_s` of virtual time did not suffice."""
        while not until():
            if not self._heap or self.now - START > limit_s:
                return False
            moment, _, action = heapq.heappop(self._heap)
            self.now = max(self.now, moment)
            action()
        return True

    def end(self) -> None:
        """Let every worker that still lives go."""
        for worker in list(self._workers):
            worker.throw(GreenletExit)

    def chosen(self, probability: float) -> bool:
        """Throw the dice."""
        return self.chance.random() < probability
