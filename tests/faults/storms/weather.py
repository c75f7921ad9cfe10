"""What storms and floods share: instances on one ledger, the killing of them, and the sweep that goes on meanwhile."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from tests.e2e.instances import Failure, Place
from tests.e2e.leaks import leaks
from tests.e2e.runtime_api import TalkativeLambda
from tests.faults.storms.ledgers import StormLedger
from tests.sandbox.chat import ChatServer
from tests.sandbox.environment import sandboxed_environment

# How long one invocation may last.
TIMEOUT_S = 20.0

SWEEP = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-22T00:00:00Z", "Message": {"task": "sweep"}}

# Short enough for a test: the API of these storms applies a request within the guard.
SHORT = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "1", "CHAT_TIMEOUT_S": "1", "WAIT_S": "3"}


# A restart is a new generation of the ledger, in which no group sends before life, guard and a second have passed. This
# leaves it some time to go on before the next one.
RESTART_EVERY_S = 9.0

# The first one comes sooner, so that even a short storm has one.
RESTART_FIRST_S = 2.0


class KilledError(Exception):
    """The instance died before it had answered."""


class Weather:
    """Instances of one function, each a process that may be killed every so often, and the ledger that they share."""

    def __init__(
        self, folder: Path, server: ChatServer, chance: random.Random, ledger: StormLedger, *, instances: int
    ) -> None:
        self.chance = chance
        self.ledger = ledger
        self.figures: Counter[str] = Counter()
        self.kills = 0
        variables, strict = sandboxed_environment(server.endpoint, folder, **SHORT, **ledger.variables), ("-W", "error")
        places = [folder / f"instance-{number}" for number in range(instances)]
        self.instances = [TalkativeLambda(variables, place, Place(options=strict)) for place in places]
        self._over = Event()
        self._replies = 0

    @contextmanager
    def raging(self, kill_every_s: float) -> Iterator[None]:
        """Kill and sweep until the block ends, with all that may befall the ledger."""
        self.ledger.rage(self.chance)
        threads = [Thread(target=self._kill, args=(kill_every_s,)), Thread(target=self._sweep)]
        threads.append(Thread(target=self._restart, args=(self.ledger.restart, self.ledger.restarts)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            self.ledger.calm()

    def invoke(self, event: object, chance: random.Random) -> object:
        """The reply of some instance, or how it failed; KilledError where it died of it."""
        outcome = chance.choice(self.instances).invoke(event, TIMEOUT_S)
        if isinstance(outcome, Failure) and outcome.message.endswith("SIGKILL"):
            self.figures["killed"] += 1
            raise KilledError
        self._replies += 1
        return outcome if isinstance(outcome, Failure) else outcome.value

    def close(self) -> None:
        for instance in self.instances:
            instance.close()

    def leaks(self) -> list[str]:
        return [f"{one.folder.name} says {what}" for one in self.instances for what in leaks(one.logs)]

    def _kill(self, every_s: float) -> None:
        chance = random.Random(self.chance.random())
        while self._comes_again(every_s * chance.uniform(0.3, 1.7), replies=2):
            instance = chance.choice(self.instances)
            if instance.is_running:
                instance.kill()
                self.kills += 1

    def _restart(self, restart: Callable[[], None], times: int) -> None:
        chance = random.Random(self.chance.random())
        every_s = RESTART_FIRST_S
        for _ in range(times):
            if not self._comes_again(every_s * chance.uniform(0.6, 1.4), replies=10):
                return
            every_s = RESTART_EVERY_S
            restart()
            self.figures["restarts of the ledger"] += 1

    def _comes_again(self, seconds: float, *, replies: int) -> bool:
        """Wait for the next blow; False once the storm is over. Something is done in between, on slow machines too."""
        enough = self._replies + replies
        while not self._over.wait(seconds):
            if self._replies >= enough:
                return True
            seconds = 0.05
        return False

    def _sweep(self) -> None:
        chance = random.Random(self.chance.random())
        while not self._over.wait(2.0):
            # What a sweep leaves that is killed, the next one finishes.
            with suppress(KilledError):
                self.invoke(SWEEP, chance)
