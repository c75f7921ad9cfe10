"""Instances under a platform's runtime client, and what befalls them: kills, freezes, and deadlines that they miss."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from queue import Queue
from threading import Event, Thread
from typing import Final

from tests.e2e.instances import Failure, FunctionInstance, Outcome

# How long an instance is left in peace, and how often it has to have replied meanwhile, on slow machines too.
PEACE_S: Final = (0.3, 6.0)
REPLIES: Final = 2

FROZEN_S: Final = (0.1, 4.0)

_PAUSE_S: Final = 0.02


class Hardship:
    """One instance, and all that befalls it."""

    def __init__(self, instance: FunctionInstance, chance: random.Random) -> None:
        self.figures: Counter[str] = Counter()
        self._instance = instance
        self._chance = chance

    def serve(self, event: object, limit_s: float) -> Outcome:
        """Serve one event, as long as the platform lets it."""
        outcome = self._instance.invoke(event, limit_s)
        self.figures["invocations"] += 1
        if not isinstance(outcome, Failure):
            self.figures["replies"] += 1
        elif outcome.type == "Sandbox.Timedout":
            self.figures["timeouts"] += 1
        return outcome

    def suffer(self, over: Event) -> None:
        """Take blow after blow until it is over: each kind once, and then whichever comes."""
        blows = (self._kill, self._freeze, self._stall)
        first = self._chance.sample(blows, len(blows))
        for blow in chain(first, (self._chance.choice(blows) for _ in repeat(None))):
            self._recover(over)
            if over.is_set():
                return
            if self._instance.is_running:
                blow(over)

    def _kill(self, over: Event) -> None:
        self._instance.kill()
        self.figures["kills"] += 1

    def _freeze(self, over: Event) -> None:
        self._stop()
        over.wait(self._chance.uniform(*FROZEN_S))
        self._instance.thaw()

    def _stall(self, over: Event) -> None:
        """Stand still until the platform has ended what was under way, which it does at its deadline."""
        served = self.figures["invocations"]
        self._stop()
        while self.figures["invocations"] == served and not over.wait(_PAUSE_S):
            pass
        self._instance.thaw()

    def _stop(self) -> None:
        self._instance.freeze()
        self.figures["freezes"] += 1

    def _recover(self, over: Event) -> None:
        enough = self.figures["replies"] + REPLIES
        over.wait(self._chance.uniform(*PEACE_S))
        while self.figures["replies"] < enough and not over.wait(_PAUSE_S):
            pass


class Fleet:
    """Instances of one function, behind a platform that hands each event to one that is idle."""

    def __init__(self, instances: Sequence[FunctionInstance], chance: random.Random) -> None:
        self._all = [Hardship(instance, random.Random(chance.random())) for instance in instances]
        self._idle: Queue[Hardship] = Queue()
        for one in self._all:
            self._idle.put(one)

    def invoke(self, event: object, limit_s: float) -> Outcome:
        """Let an idle instance serve the event, once there is one."""
        one = self._idle.get()
        try:
            return one.serve(event, limit_s)
        finally:
            self._idle.put(one)

    @contextmanager
    def suffering(self) -> Iterator[None]:
        """Let every instance suffer until the block ends; none is left frozen."""
        over = Event()
        threads = [Thread(target=one.suffer, args=(over,)) for one in self._all]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    @property
    def figures(self) -> Counter[str]:
        """How many invocations, replies, kills, freezes and timeouts there were."""
        return sum((one.figures for one in self._all), Counter())
