"""Real processes in a storm: faults of every kind, duplicates, and `kill -9`, with an auditor that knows the truth.

`make storm OPERATIONS=300` prints the figures. The auditor takes the truth from the Chat server
and compares it with what the callers were answered; it knows nothing of the ledger's rows.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from tests.faults.storms.asked import RECEIPT, Asked, audit
from tests.faults.storms.ledgers import KINDS, Kind, ledger_of
from tests.faults.storms.weather import SWEEP, KilledError, Weather
from tests.sandbox.chat import ChatApp, ChatServer, Fault
from tests.sandbox.codes import MEANINGS
from tests.sandbox.environment import KEY, SDKAPPID

# The API of the storm applies a request within this long of checking its signature, as the guard assumes.
LAG_S = 0.9


def every_fault() -> tuple[Fault, ...]:
    """Every kind of fault, and every error code applied and not; the codes weigh as much as all the rest."""
    kinds = (
        *(Fault("drop_before"), Fault("drop_after"), Fault("reset_before"), Fault("reset_after")),
        *(Fault("bad_gateway_before"), Fault("bad_gateway_after"), Fault("cut_body")),
        *(Fault("late", delay_s=LAG_S, recheck=False), Fault("late", delay_s=4.0, recheck=True)),
        *(
            Fault("late", delay_s=LAG_S, hold_s=2.0, recheck=False),
            Fault("slow", delay_s=0.5),
            Fault("slow", delay_s=2.0),
        ),
        *(Fault("slow_before", delay_s=LAG_S, recheck=False), Fault("slow_before", delay_s=3.0, recheck=True)),
        *(Fault("html_body", applied=False), Fault("html_body", applied=True)),
        *(Fault("missing_receipt"), Fault("missing_receipt", key=RECEIPT)),
    )
    codes = [Fault("code", code=code, applied=applied) for code in MEANINGS for applied in (False, True)]
    return kinds * (len(codes) // len(kinds)) + tuple(codes)


class Storm:
    """`operations` over `groups`, asked of `instances`, while the weather lasts."""

    def __init__(self, weather: Weather, server: ChatServer, *, operations: int, groups: int) -> None:
        self.chance = weather.chance
        self.server = server
        self.weather = weather
        self.asked = [self._asked(number, groups) for number in range(operations)]
        self.statuses: Counter[str] = Counter()
        for number in range(groups):
            server.create_group(f"G{number}")

    def _asked(self, number: int, groups: int) -> Asked:
        mode = self.chance.choice(("Increase", "Increase", "Decrease", "Set"))
        group = number % groups
        # A Set has a counter of its own, so that the order of effects does not matter to the auditor.
        counter = f"set-{number}" if mode == "Set" else self.chance.choice(("like", "view"))
        return Asked(f"G{group}", f"key-{number}", mode, counter, self.chance.randrange(1, 10**9))

    def run(self) -> float:
        """Let it rage; returns how many seconds it took until everybody had a final answer."""
        began = time.monotonic()
        with self.weather.raging(kill_every_s=0.6), ThreadPoolExecutor(12) as callers:
            duplicates = self.chance.choices(self.asked, k=len(self.asked) // 3)
            calls = self.asked + duplicates
            self.chance.shuffle(calls)
            for done in [callers.submit(self._ask, asked, self.chance.random()) for asked in calls]:
                done.result()
        return time.monotonic() - began

    def calm(self) -> None:
        """No more faults: replay everything once, and let one sweep finish what may be left."""
        self.server.clear_faults()
        for asked in self.asked:
            self._ask(asked, 0.0)
        self.weather.invoke(SWEEP, self.chance)

    def _ask(self, asked: Asked, luck: float) -> None:
        """One caller: the same key until the answer is final."""
        chance = random.Random(luck)
        while True:
            try:
                reply = self.weather.invoke(asked.event, chance)
            except KilledError:
                continue
            assert isinstance(reply, Mapping), reply
            status = int(str(reply["statusCode"]))
            self.statuses[str(status)] += 1
            assert "frozen" not in str(reply["body"]), reply
            if asked.heard(status, str(reply["body"])):
                return
            time.sleep(chance.uniform(0.1, 0.6))

    def audit(self) -> list[str]:
        """What is wrong, in words; nothing if everything came out exact."""
        return audit(self.asked, self.server) + self.weather.leaks()


def play(
    *, seed: int, operations: int, groups: int, instances: int, rate: float, ledger: Kind = "sqlite", restarts: int = 0
) -> tuple[Storm, float, list[str]]:
    """One storm from beginning to end: the storm, its seconds, and what the auditor says."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))))
        server.randomly(rate, every_fault(), seed)
        books = stack.enter_context(ledger_of(ledger, folder, restarts=restarts))
        weather = Weather(folder, server, random.Random(seed), books, instances=instances)
        with closing(weather):
            storm = Storm(weather, server, operations=operations, groups=groups)
            took_s = storm.run()
            storm.calm()
        return storm, took_s, storm.audit()


def main() -> int:
    """Play one storm and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=300)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--instances", type=int, default=6)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--ledger", choices=KINDS, default="sqlite")
    parser.add_argument(
        "--restarts",
        type=int,
        nargs="?",
        const=sys.maxsize,
        default=0,
        help="kills of the ledger's server, if not endless",
    )
    arguments = parser.parse_args()
    storm, took_s, wrong = play(**vars(arguments))
    finals = Counter(asked.answers[0][0] for asked in storm.asked)
    faults = Counter(entry.fault.kind for entry in storm.server.journal() if entry.fault)
    print(f"seed {arguments.seed}: {len(storm.asked)} operations in {took_s:.0f} s, finally {dict(finals)}")
    print(f"replies on the way: {dict(storm.statuses)}; {dict(storm.weather.figures)}; kills: {storm.weather.kills}")
    print(f"mishaps of the ledger's connections: {storm.weather.ledger.mishaps}")
    print(f"faults: {sum(faults.values())} {dict(faults)} in {len(storm.server.journal())} calls")
    print("\n".join(wrong) if wrong else "every counter exact, every answer final and the same for all, nothing leaked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
