"""The way between an instance and the API: what becomes of each request, planned ahead or as on a good day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from handler.core.model.row import Group
from handler.core.ports.counter_api import Call
from tests.faults.world.rules import RULES
from tests.faults.world.vendor import CALL, DONE, INVALID, Said, SimulatedChat
from tests.faults.world.world import Worker, World

# A good day's way, in seconds each.
WAY_MAX_S = 0.1

# A read's signature is good for so long.
READ_LIFE_S = 60


class Fate(msgspec.Struct, frozen=True):
    """What becomes of one update. Times in seconds.

    `arrives_after_s`: None never. `at_the_end`: it arrives in the last second of its signature instead, that far into
    it. `lands_after_s`: how long the API works on it; more than the guard breaks the bound. `reply_after_s`: how
    long its reply takes. `code`: it is refused with that; one that `lies` is carried out all the same. `copies`: so
    many arrive, `copied_after_s` later; where that is at once, the answer is that of the last one. One that never
    `leaves` finds no connection. The receipt in its answer is `odd` by so much: it is another call's, or an old one.
    """

    arrives_after_s: float | None = 0.02
    replies: bool = True
    at_the_end: float | None = None
    lands_after_s: float = 0.0
    reply_after_s: float = 0.0
    code: int = DONE
    lies: bool = False
    copies: int = 1
    copied_after_s: float = 0.0
    leaves: bool = True
    odd: int = 0


UNHEARD = Fate(replies=False)
GOOD_DAYS = tuple(Fate(WAY_MAX_S * (number + 0.5) / 64) for number in range(64))


# An answer that proves nothing, of an API that has done nothing.
IN_VAIN = Fate(code=10002)
LOST = Fate(arrives_after_s=None)


@dataclass(frozen=True, slots=True)
class ReadFate:
    """What becomes of one read: refused with a `code`, lost, or answered so many seconds after the API has looked.

    The receipt in the answer is `odd` by so much.
    """

    replies: bool = True
    reply_after_s: float = 0.0
    code: int = DONE
    odd: int = 0


@dataclass(slots=True)
class Exchange:
    """One request on its way: who waits for it, when it was sent, and what came back, once something has."""

    waiting: tuple[Worker, int]
    sent: float
    said: Said | None = None


@dataclass(slots=True)
class Fates:
    """What becomes of the next updates and reads, whoever sends them; None as on a good day."""

    updates: list[Fate | None] = field(default_factory=list)
    reads: list[ReadFate | None] = field(default_factory=list)

    def next_update(self) -> Fate | None:
        """The fate of the update that is sent now."""
        return self.updates.pop(0) if self.updates else None

    def next_read(self) -> ReadFate | None:
        """The fate of the read that is sent now."""
        return self.reads.pop(0) if self.reads else None


class Network:
    """Carries requests of all instances; `in_flight` counts those that may still take effect."""

    def __init__(self, world: World, chat: SimulatedChat, fates: Fates | None = None) -> None:
        self._world = world
        self._chat = chat
        self.fates = fates or Fates()
        self.in_flight = 0
        self.outage: tuple[float, float] | None = None
        """From when to when no update is carried out."""
        self.replies = True
        """Whether the API says so then."""
        self.loses_every = 0
        self._connections = 0
        self.failed: list[tuple[int, float]] = []
        """The signed time of each update that failed for one of these, and the moment at which it was sent."""
        self.sent: list[float] = []
        """The moment at which each update and each read was sent."""

    def update(self, call: Call, secret: int, timeout_s: float) -> Said | bool | None:
        """Send one update and wait: its answer, None without one in time, False where no connection could be made."""
        world = self._world
        world.step("sends", call if world.recording else "")
        self._chat.calls += 1
        self.sent.append(world.now)
        fate = self.fates.next_update() or GOOD_DAYS[int(world.chance.random() * len(GOOD_DAYS))]
        fate = self._failing(call) or fate
        if not fate.leaves:
            world.mark("cannot connect")
            return False
        exchange = Exchange(world.wait(timeout_s), world.now)
        if fate.arrives_after_s is not None:
            arrives = world.now + fate.arrives_after_s
            if fate.at_the_end is not None:
                arrives = max(arrives, call.signed_at + call.life_s + fate.at_the_end - self._chat.time.step_s)
            self._later(arrives, call, secret, fate, exchange)
        world.rest()
        said = exchange.said if fate.replies else None
        world.mark("hears", said if world.recording else "")
        return said

    def connect(self) -> int:
        self._connections += 1
        return self._connections

    def _failing(self, call: Call) -> Fate | None:
        """The fate of an update in an outage, or where every so many are lost."""
        fate = None
        if self.outage and self.outage[0] <= self._world.now < self.outage[1]:
            fate = IN_VAIN if self.replies else LOST
        elif self.loses_every and self._chat.calls % self.loses_every == 0:
            fate = LOST
        if fate is LOST:
            self.failed.append((call.signed_at, self._world.now))
        return fate

    def _later(self, moment: float, call: Call, secret: int, fate: Fate, exchange: Exchange) -> None:
        self.in_flight += 1
        self._world.at(moment, lambda: self._arrive(call, secret, fate, exchange))

    def _arrive(self, call: Call, secret: int, fate: Fate, exchange: Exchange) -> None:
        self.in_flight -= 1
        refusal = self._chat.refusal(call.group, call.signed_at + call.life_s, secret, call.values)
        if refusal is not None:
            self._answer(exchange, fate, self._chat.said(refusal))
        elif fate is IN_VAIN:
            self.failed.append((call.signed_at, exchange.sent))
            self._answer(exchange, fate, self._chat.said(fate.code))
        elif fate.code:
            if fate.lies and fate.lands_after_s:
                self.in_flight += 1
                self._after(fate.lands_after_s, lambda: self._land(call, UNHEARD, exchange))
            elif fate.lies:
                self._carry_out(call, exchange)
            self._answer(exchange, fate, self._chat.said(fate.code))
        else:
            self.in_flight += 1
            self._after(fate.lands_after_s, lambda: self._land(call, fate, exchange))
            if fate.copied_after_s:
                copy = Fate(replies=False, lands_after_s=fate.lands_after_s)
                self._later(self._world.now + fate.copied_after_s, call, secret, copy, exchange)

    def _land(self, call: Call, fate: Fate, exchange: Exchange) -> None:
        self.in_flight -= 1
        if call.group in self._chat.groups:
            for _ in range(0 if fate.copied_after_s else fate.copies - 1):
                self._carry_out(call, exchange)
            self._answer(exchange, fate, self._carry_out(call, exchange))

    def _carry_out(self, call: Call, exchange: Exchange) -> Said:
        """Let the update take effect, unless a counter would leave its range."""
        if not self._chat.takes(call):
            return self._chat.said(INVALID)
        return self._chat.said(DONE, self._chat.apply(call, CALL, exchange.sent))

    def _answer(self, exchange: Exchange, fate: Fate, said: Said) -> None:
        if self._world.recording:
            self._world.tell(f"ANSWERS {said}" + ("" if fate.replies else ", unheard"))
        if fate.replies:
            self._after(fate.reply_after_s, lambda: self._arrived(exchange, said))

    def _after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let it happen so much later; what takes no time happens at once."""
        if seconds:
            self._world.at(self._world.now + seconds, action)
        else:
            action()

    def _arrived(self, exchange: Exchange, said: Said) -> None:
        exchange.said = said
        self._world.wake(exchange.waiting)

    def read(self, group: Group, keys: Sequence[str], signed: int, secret: int, timeout_s: float) -> Said | None:
        """Ask; the answer is what the counters are when the question arrives."""
        world, chat = self._world, self._chat
        world.step("reads", keys)
        chat.reads += 1
        self.sent.append(world.now)
        fate = self.fates.next_read()
        if fate is not None and not fate.replies:
            world.pause(timeout_s)
            return None
        refusal = chat.refusal(group, signed + READ_LIFE_S, secret) or (fate and fate.code)
        counters = {} if refusal else chat.groups[group]
        values = {key: counters[key] for key in keys or counters if key in counters}
        if fate is not None:
            values = _odd(values, fate.odd)
            world.pause(min(fate.reply_after_s, timeout_s))
        # The `Date` is that of the reply: what it shows may be older.
        said = chat.said(refusal or DONE, values)
        world.mark("read", said if world.recording else "")
        return None if fate is not None and fate.reply_after_s > timeout_s else said


def _odd(values: Mapping[str, int], odd: int) -> dict[str, int]:
    """The values as an answer shows them whose receipt is another call's."""
    return {key: value + odd * (key == RULES.receipt_key) for key, value in values.items()}
