"""The app's limit of calls per second: eight instances on one ledger, each with more to do than its share."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from handler import bootstrap
from handler.clock import SystemClock
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Counted
from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.function import crew
from tests.benchmarks.upstream import chat_server
from tests.sandbox.environment import SDKAPPID

PROCESSES: Final = 8
THREADS: Final = 3
GROUP: Final = "live-room"
LIFE_S: Final = 6
SECONDS: Final = 12.0
LIMIT: Final = 200
MEAN_MIN: Final = 190


def measured(variables: Mapping[str, str], name: str) -> list[Figure]:
    """Calls per second on the sandbox's clock, from the first one on; `variables` lead to the ledger called `name`."""
    with chat_server() as chat:
        chat.create_group(GROUP)
        with crew({**variables, "CHAT_ENDPOINT": chat.endpoint}, [Saturation() for _ in range(PROCESSES)]) as start:
            start()
        calls = sorted(entry.received_at for entry in chat.journal())
    mean = _within(calls, calls[0], SECONDS) / SECONDS
    most = max(_within(calls, call, 1.0) for call in calls)
    calendar = max(Counter(map(int, calls)).values())
    what = f"{PROCESSES} saturated instances on {name}, calls per second"
    return [
        at_least(f"{what}: mean of {SECONDS:g} s", mean, MEAN_MIN),
        at_most(f"{what}: most in any second", most, LIMIT),
        at_most(f"{what}: most in a second of the clock", calendar, LIMIT),
    ]


class Saturation:
    """An instance that makes call after call, several at a time, as soon as its pace allows."""

    def warm_up(self) -> None:
        bootstrap.app_context()

    def work(self) -> object:
        """Go on for a little longer than is measured."""
        until = time.monotonic() + SECONDS + 0.5
        with ThreadPoolExecutor(THREADS) as threads:
            for caller in [threads.submit(_call_on, until) for _ in range(THREADS)]:
                caller.result()
        return None


def _call_on(until: float) -> None:
    """The limiter and the wire alone: with the rest of an operation two cores could not come near the limit."""
    instance, clock = bootstrap.app_context().instance, SystemClock()
    while (now := clock.monotonic()) < until:
        turn = instance.updates.turn(SDKAPPID)
        now = clock.monotonic()
        clock.sleep(max(turn.at - now, 0.0))
        if turn.is_taken and clock.monotonic() < turn.until:
            call = Call(
                group=Group(SDKAPPID, GROUP),
                mode=Mode.INCREASE,
                values={"like": 1},
                signed_at=int(clock.now()),
                life_s=LIFE_S,
            )
            assert isinstance(instance.api.update(call), Counted)


def _within(calls: Sequence[float], begin: float, seconds: float) -> int:
    return bisect_left(calls, begin + seconds) - bisect_left(calls, begin)
