"""Minutes of hardship under the real runtime client of AWS, on each ledger, with an auditor that knows the truth.

`make soak LEDGER=redis MINUTES=20` prints the figures. Instances are killed, frozen and ended at
their deadlines while the Chat API and the ledger's connections fail; callers repeat until they have a final answer.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Lock
from typing import Final

from tests.e2e.instances import Failure, Outcome, Reply
from tests.e2e.leaks import leaks
from tests.e2e.runtime_api import LambdaInstance
from tests.faults.storms.asked import Asked, audit
from tests.faults.storms.fleet import Fleet
from tests.faults.storms.ledgers import KINDS, Kind, StormLedger, ledger_of
from tests.faults.storms.places import START, Places
from tests.faults.storms.storm import every_fault
from tests.faults.storms.weather import SHORT, SWEEP
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment

INSTANCES: Final = 4
CALLERS: Final = 8
RATE: Final = 0.2

# Nobody waits for long, so that an instance is soon free for somebody else.
WAITING: Final = {**SHORT, "WAIT_S": "1.5"}

# A call needs 3.5 s in hand (R3), so the shortest of these leave hardly more than that.
LIMITS_S: Final = (3.6, 8.0)
CALM_LIMIT_S: Final = 20.0
SWEEP_EVERY_S: Final = (2.0, 8.0)

# How often somebody asks for an operation that was asked for before.
AGAIN: Final = 0.25

# How often a caller asks in calm weather at most, half a second or more apart, before the answer is missed.
CALM_TRIES: Final = 60

# What must have happened at least once, however slow the machine is, and how much longer that may take.
HARDSHIPS: Final = ("kills", "freezes", "timeouts")
LONGER_S: Final = 90.0


class Soak:
    """Operations without end, asked of a fleet by callers who never give up, until time is up."""

    def __init__(self, fleet: Fleet, server: ChatServer, ledger: StormLedger, chance: random.Random) -> None:
        self.fleet = fleet
        self.server = server
        self.ledger = ledger
        self.asked: list[Asked] = []
        self.surprises: list[str] = []
        self._chance = chance
        self._lock = Lock()
        self._calm = Event()
        self._places = Places(server, random.Random(chance.random()))

    def run(self, seconds: float) -> float:
        """Let it last; returns how many seconds it took until everybody had a final answer."""
        began = time.monotonic()
        self.ledger.rage(self._chance)
        with ThreadPoolExecutor(CALLERS + 1) as pool:
            with self.fleet.suffering():
                done = [pool.submit(self._call, random.Random(self._chance.random())) for _ in range(CALLERS)]
                done.append(pool.submit(self._sweep, random.Random(self._chance.random())))
                self._last(began + seconds)
            self.server.clear_faults()
            self.ledger.calm()
            self._calm.set()
            for one in done:
                one.result()
        return time.monotonic() - began

    def replay(self) -> None:
        """In calm weather: ask for everything once more, and let one sweep finish what may be left."""
        with ThreadPoolExecutor(CALLERS) as pool:
            for done in [pool.submit(self._ask, asked, random.Random(asked.key)) for asked in self.asked]:
                done.result()
        swept = self.fleet.invoke(SWEEP, CALM_LIMIT_S)
        if not isinstance(swept, Reply) or not isinstance(swept.value, Mapping) or swept.value.get("left") != 0:
            self.surprises.append(f"the last sweep ended with {swept}")

    def audit(self) -> list[str]:
        """What is wrong, in words; nothing if everything came out exact."""
        return self.surprises + audit(self.asked, self.server, START)

    def _last(self, until: float) -> None:
        """Wait for the end, which comes later where the machine was too slow for every hardship to happen."""
        while time.monotonic() < until + LONGER_S:
            if time.monotonic() >= until and all(self.fleet.figures[name] for name in HARDSHIPS):
                return
            self._calm.wait(0.1)

    def _call(self, chance: random.Random) -> None:
        while not self._calm.is_set():
            self._ask(self._choose(chance), chance)

    def _choose(self, chance: random.Random) -> Asked:
        """A new operation, or one that somebody has asked for or is asking for just now."""
        with self._lock:
            if not self.asked or chance.random() >= AGAIN:
                self.asked.append(self._places.operation(len(self.asked)))
                return self.asked[-1]
            return chance.choice(self.asked)

    def _ask(self, asked: Asked, chance: random.Random) -> None:
        """One caller: the same key until the answer is final."""
        tries = 0
        while tries < CALM_TRIES:
            calm = self._calm.is_set()
            tries += calm
            limit_s = CALM_LIMIT_S if calm else chance.uniform(*LIMITS_S)
            if self._heard(asked, self.fleet.invoke(asked.event, limit_s)):
                return
            time.sleep(chance.uniform(0.1, 0.6) + 0.5 * calm)
        self.surprises.append(f"{asked.key} had no final answer in calm weather")

    def _heard(self, asked: Asked, outcome: Outcome) -> bool:
        if isinstance(outcome, Failure):
            if outcome.type != "Sandbox.Timedout" and not outcome.message.endswith("SIGKILL"):
                self.surprises.append(f"{asked.key} failed with {outcome.type}: {outcome.message}")
            return False
        reply = outcome.value
        assert isinstance(reply, Mapping), reply
        body = str(reply["body"])
        if "frozen" in body:
            self.surprises.append(f"{asked.key} was told that {asked.group} is frozen")
            return True
        return asked.heard(int(str(reply["statusCode"])), body)

    def _sweep(self, chance: random.Random) -> None:
        """What a sweep leaves that is killed, or that the ledger fails, the next one finishes."""
        while not self._calm.wait(chance.uniform(*SWEEP_EVERY_S)):
            self.fleet.invoke(SWEEP, chance.uniform(*LIMITS_S))


def play(*, seed: int, seconds: float, ledger: Kind) -> tuple[Soak, float, list[str]]:
    """One soak from beginning to end: the soak, its seconds, and what the auditor says."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))))
        books = stack.enter_context(ledger_of(ledger, folder))
        variables = sandboxed_environment(server.endpoint, folder / "function", **WAITING, **books.variables)
        instances = [LambdaInstance(variables, folder / f"instance-{number}") for number in range(INSTANCES)]
        for instance in instances:
            stack.enter_context(instance)
        soak = Soak(Fleet(instances, chance), server, books, chance)
        server.randomly(RATE, every_fault(), seed)
        took_s = soak.run(seconds)
        soak.replay()
        said = [f"{instance.folder.name} says {what}" for instance in instances for what in leaks(instance.logs)]
        return soak, took_s, soak.audit() + said


def main() -> int:
    """Play one soak and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", choices=KINDS, default="sqlite")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    soak, took_s, wrong = play(seed=arguments.seed, seconds=arguments.minutes * 60, ledger=arguments.ledger)
    figures = soak.fleet.figures
    journal = soak.server.journal()
    faults = sum(entry.fault is not None for entry in journal)
    print(f"seed {arguments.seed}, {arguments.ledger}: {len(soak.asked)} operations in {took_s:.0f} s")
    print(f"{figures['invocations']} invocations, {', '.join(f'{figures[name]} {name}' for name in HARDSHIPS)}")
    print(f"{faults} faults in {len(journal)} calls, {soak.ledger.mishaps} mishaps of the ledger's connections")
    print("\n".join(wrong) if wrong else "every counter exact, every answer final and the same for all, nothing leaked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
