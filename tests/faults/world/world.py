"""A simulated world for the real core: one seed decides every interleaving, delay, loss and crash.

Workers are greenlets that give up control at every ledger and network step; time passes only between steps. Nothing is
written down unless the world is `recording`: a seed that fails is simply played again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from greenlet import GreenletExit, getcurrent, greenlet

# The API's clock at the beginning of every world.
START = 1_700_000_000.0

# What stands for the length of a freeze from which nobody wakes.
CRASH = None

# A step takes up to so long, in seconds.
STEP_MAX_S = 0.02

_ACTION = -1


class Runner(greenlet):
    """Runs one life after another: to begin a greenlet anew for each would cost as much as ten steps."""

    def run(self, worker: Worker) -> None:
        """Live, and wait to be handed the next one. A crash is the end of a life; another error is the caller's."""
        hub = self.parent
        assert hub is not None
        while True:
            try:
                worker.life()
            except GreenletExit:
                pass
            finally:
                worker.is_dead = True
            # Whoever is idle keeps nothing of the world that is over.
            del worker
            worker = hub.switch()


# Those that wait for a life, whichever world was their last.
_IDLE: list[Runner] = []


@dataclass(slots=True, eq=False)
class Worker:
    """One life in the world; `turn` counts its waits, so that whatever would end an earlier one is ignored.

    `place` is the instance that it lives on, where the world has numbered ones.
    """

    name: str
    life: Callable[[], object]
    place: int | None = None
    turn: int = 0
    is_dead: bool = False
    runner: Runner | None = None


class World:
    """Virtual time in seconds, a heap of things to come, and the workers that live in it."""

    def __init__(self, seed: int, *, recording: bool = True) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now = START
        self.recording = recording
        self.history: list[str] = []
        self.steps = 0
        self.interruptions: dict[int, float | None] = {}
        """Number of a step -> how long its worker is frozen there, or CRASH."""
        self.frozen: dict[tuple[str, str], float] = {}
        """(worker, first word of a step) -> how long the worker is frozen there, once."""
        self.on_interruption: Callable[[Worker, int, float | None], None] | None = None
        """Told of a crash when it happens, and of a freeze when it is over."""
        self._limit = START
        self._heap: list[tuple[float, int, Worker | Callable[[], object], int]] = []
        self._order = 0
        self._hub = getcurrent()
        self._workers: dict[Worker, None] = {}
        self._current: Worker | None = None

    def at(self, moment: float, action: Callable[[], object]) -> None:
        self._order += 1
        heappush(self._heap, (moment, self._order, action, _ACTION))

    def spawn(self, name: str, life: Callable[[], object], place: int | None = None) -> Worker:
        worker = Worker(name, life, place)
        self._workers[worker] = None
        self._push(self.now, worker, 0)
        return worker

    def pause(self, seconds: float) -> None:
        """Called by a worker: let time pass for it, while others go on."""
        self._pause_until(self.now + seconds)

    def _pause_until(self, moment: float) -> None:
        heap = self._heap
        if moment <= self._limit and (not heap or moment < heap[0][0]):
            # Nothing comes before, so nobody has to be asked.
            self.now = moment
            return
        worker = self._worker()
        self._push(moment, worker, worker.turn)
        self._hub.switch()

    def wait(self, timeout_s: float) -> tuple[Worker, int]:
        """Called by a worker before `rest`: what `wake` needs to end the waiting before `timeout_s` is over."""
        worker = self._worker()
        self._push(self.now + timeout_s, worker, worker.turn)
        return worker, worker.turn

    def rest(self) -> None:
        """Called by a worker after `wait`: let others go on until it is woken or the time is over."""
        self._hub.switch()

    def wake(self, waiting: tuple[Worker, int]) -> None:
        """End a wait, if it still goes on."""
        self._push(self.now, *waiting)

    def step(self, what: str, detail: object = "") -> None:
        """A boundary between two steps of a worker: it may be slow here, freeze for long, or die."""
        self.steps += 1
        if self.recording:
            self.tell(f"{self._worker().name}: {what} {detail}".rstrip())
        if self.steps in self.interruptions:
            self._interrupt(self.interruptions[self.steps])
        elif self.frozen and (name := (self._worker().name, what.split(" ", maxsplit=1)[0])) in self.frozen:
            self.pause(self.frozen.pop(name))
        else:
            self._pause_until(self.now + self.chance.random() * STEP_MAX_S)

    def mark(self, what: str, detail: object = "") -> None:
        """A step that takes no time of its own, because another one follows it: whoever takes it may freeze or die."""
        self.steps += 1
        if self.recording:
            self.tell(f"{self._worker().name}: {what} {detail}".rstrip())
        if self.steps in self.interruptions:
            self._interrupt(self.interruptions[self.steps])

    def _interrupt(self, seconds: float | None) -> None:
        worker = self._worker()
        if self.recording:
            self.tell(f"{worker.name} CRASHES" if seconds is CRASH else f"{worker.name} freezes for {seconds:.3f} s")
        step, told = self.steps, self.on_interruption or _nobody
        if seconds is None:
            told(worker, step, seconds)
            raise GreenletExit
        self.pause(seconds)
        told(worker, step, seconds)

    @property
    def has_worker(self) -> bool:
        return self._current is not None

    def lives_alone(self, worker: Worker) -> bool:
        return all(other is worker or other.place != worker.place for other in self._workers)

    def tell(self, what: str) -> None:
        """Write the history that a failure prints; whoever builds a long text asks first whether it is wanted."""
        if self.recording:
            self.history.append(f"{self.now - START:9.3f}  {what}")

    def run(self, until: Callable[[], bool], limit_s: float, *, alone: bool = False) -> bool:
        """Let things happen until `until` holds; False if `limit_s` of virtual time did not suffice.

        With `alone` it is asked only when no worker lives.
        """
        heap, workers = self._heap, self._workers if alone else ()
        self._limit = START + limit_s
        while workers or not until():
            if not heap or self.now > self._limit:
                return False
            moment, _, what, turn = heappop(heap)
            self.now = max(self.now, moment)
            if not isinstance(what, Worker):
                what()
            elif what.turn == turn:
                self._resume(what)
        return True

    def end(self) -> None:
        """Let every worker that still lives go, and forget what was to come: nothing of a world outlasts it."""
        for worker in list(self._workers):
            if worker.runner is not None and not worker.is_dead:
                self._current = worker
                worker.runner.throw(GreenletExit)
                _IDLE.append(worker.runner)
        self._current = None
        self._workers.clear()
        self._heap.clear()
        self.on_interruption = None

    def _resume(self, worker: Worker) -> None:
        worker.turn += 1
        self._current = worker
        if worker.runner is None:
            worker.runner = self._runner()
            worker.runner.switch(worker)
        else:
            worker.runner.switch()
        self._current = None
        if worker.is_dead:
            _IDLE.append(worker.runner)
            self._workers.pop(worker, None)
            if self.recording:
                self.tell(f"{worker.name} ends")

    def _runner(self) -> Runner:
        """One that has nothing to do, if there is one."""
        if _IDLE and _IDLE[-1].parent is self._hub:
            return _IDLE.pop()
        return Runner(parent=self._hub)

    def _push(self, moment: float, what: Worker | Callable[[], object], turn: int) -> None:
        self._order += 1
        heappush(self._heap, (moment, self._order, what, turn))

    def _worker(self) -> Worker:
        if self._current is None:
            msg = "only a worker can wait"
            raise TypeError(msg)
        return self._current


def _nobody(worker: Worker, step: int, seconds: float | None) -> None:
    """Nobody wants to know."""
