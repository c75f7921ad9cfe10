"""The ports of the core, simulated: a clock, the counter API over a network with faults, and somebody to tell."""

from collections import Counter
from collections.abc import Mapping, Sequence

from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.system import Measure, Notice
from tests.faults.world.network import Fates, Network
from tests.faults.world.vendor import (
    DONE,
    EXPIRED,
    FORBIDDEN,
    GONE,
    SENSITIVE,
    WRONG_ID,
    WRONG_KEY,
    Said,
    SimulatedChat,
)
from tests.faults.world.world import World

# What each definite refusal is, as the vendor's documentation has it; a code that is not listed proves nothing.
REFUSALS: Mapping[int, tuple[str, Fault]] = {
    GONE: ("no such group", Fault.OPERATION),
    WRONG_ID: ("no such group", Fault.OPERATION),
    FORBIDDEN: ("not permitted", Fault.OPERATION),
    10004: ("invalid parameter", Fault.OPERATION),
    10016: ("refused by the webhook", Fault.OPERATION),
    SENSITIVE: ("sensitive text", Fault.OPERATION),
    EXPIRED: ("the signature has expired", Fault.SIGNATURE),
    WRONG_KEY: ("verification failed", Fault.CREDENTIALS),
    60007: ("too many calls", Fault.RATE),
    60020: ("arrears", Fault.APP),
}


class SimulatedApi:
    """The `CounterApi` of one instance, with the secret that it fetched last."""

    host = "simulated"

    def __init__(self, world: World, chat: SimulatedChat, timeout_s: float, network: Network | None = None) -> None:
        self._world = world
        self._chat = chat
        self._timeout_s = timeout_s
        self._network = network or Network(world, chat)
        self._secret = chat.vault
        self._kept = self._network.connect()

    @property
    def fates(self) -> Fates:
        """What becomes of the next requests, before chance decides."""
        return self._network.fates

    def renew_credentials(self) -> bool:
        self._world.step("renews the secret")
        known, self._secret = self._secret, self._chat.vault
        return self._secret is not known

    def update(self, call: Call) -> Reply:
        said = self._network.update(call, self._secret, self._timeout_s)
        return Unsent("no connection") if said is False else reply_to(said, self._kept)

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        connection = self._network.connect() if fresh else self._kept
        return reply_to(self._network.read(group, keys, now, self._secret, self._timeout_s), connection)


def reply_to(said: Said | bool | None, connection: int | None = None) -> Reply:
    """What the core is told of an answer that came over a connection."""
    if not isinstance(said, Said):
        return Unclear("timeout")
    if said.code == DONE:
        return Counted(said.values, said.date, connection)
    if said.code not in REFUSALS:
        return Unclear(f"code {said.code}", said.date, connection)
    info, fault = REFUSALS[said.code]
    return Refused(said.code, info, fault, said.date, connection)


class SimulatedClock:
    """An instance's local clock: its wall clock is `skew_s` off the API's, the other began at some moment of its own.

    `stopped_s` is how long it has stood still because the platform had frozen the instance.
    """

    def __init__(self, world: World, skew_s: float) -> None:
        self._world = world
        self.skew_s = skew_s
        self._began = 1000 - skew_s * 7
        self.stopped_s = 0.0

    def now(self) -> float:
        return self._world.now + self.skew_s

    def monotonic(self) -> float:
        """Local time since some moment that differs between instances."""
        return self._world.now - self._began - self.stopped_s

    def sleep(self, seconds: float) -> None:
        self._world.pause(seconds)


class Notices:
    """A reporter that keeps what it is told, and tells the history."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.told: list[Notice] = []
        self.failures: list[Exception] = []

    @property
    def counts(self) -> Mapping[Notice, int]:
        return Counter(self.told)

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        self.told.append(notice)
        if self._world.recording:
            self._world.tell(f"NOTICE {notice.value} {evidence}")

    def count(self, notice: Notice, times: int, /, **evidence: str | float | None) -> None:
        self.report(notice, times, **evidence)

    def bind(self, **fields: str) -> None:
        """No rule depends on what lines say beside their notice."""

    def measure(self, measure: Measure, value: float) -> None:
        """No rule depends on what is measured."""

    def failed(self, error: Exception) -> None:
        self.failures.append(error)
        if self._world.recording:
            self._world.tell(f"FAILED {error!r}")
