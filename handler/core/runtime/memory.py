"""What an instance remembers between invocations. None of it is needed for exactness."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol

import msgspec

from handler.core.model.row import Group, Pause
from handler.core.ports.counter_api import Refused
from handler.core.ports.ledger import Epoch, Generation, Pausing
from handler.core.ports.system import Clock
from handler.core.runtime.api_clock import NEAR_S

# Values are only remembered to keep merged sums inside int64; forgetting them costs one refused call at worst.
KNOWN_GROUPS = 1024

# For this long after a group was found missing, one look is enough to believe it again.
GONE_S = 5.0

# How many other groups are asked, at most, about a refusal that may be the app's (R6).
LANDINGS_ASKED = 3

# What a call to the API, and a poll of a row, takes before any has been measured, and the longest that counts.
CALL_GUESS_S = 0.06
LOOK_GUESS_S = 0.002
CALL_TIME_MAX_S = 0.4

# An app that is refused (arrears, address, credentials) is tried again at intervals that double between these bounds.
APP_RETRY_MIN_S = 1.0
APP_RETRY_MAX_S = 60.0


class ValuesCache:
    """The last values seen of recently called groups."""

    def __init__(self) -> None:
        self._values: OrderedDict[Group, Mapping[str, int]] = OrderedDict()

    def of(self, group: Group) -> Mapping[str, int]:
        """The values seen last, or none."""
        return self._values.get(group, {})

    def learn(self, group: Group, values: Mapping[str, int]) -> None:
        """Keep the values of a reply."""
        self._values[group] = {**self._values.pop(group, {}), **values}
        if len(self._values) > KNOWN_GROUPS:
            self._values.popitem(last=False)


class Landings:
    """The groups in which calls of this instance have succeeded last, and when those calls were sent.

    `noted` are those of the ledger's note, which is fresh enough until the moment `noted_until`.
    """

    def __init__(self) -> None:
        self.noted: frozenset[Group] = frozenset()
        self.noted_until = -inf
        self._sent_at: OrderedDict[Group, float] = OrderedDict()

    def note(self, group: Group, sent_at: float) -> None:
        """Keep one more landing; `sent_at` is a moment of the monotonic clock."""
        self._sent_at.pop(group, None)
        self._sent_at[group] = sent_at
        # One more than is asked for, because the group in question does not count.
        if len(self._sent_at) > LANDINGS_ASKED + 1:
            self._sent_at.popitem(last=False)

    def latest_of(self, app: int) -> list[Group]:
        """The groups of an app, the latest first."""
        return [group for group in reversed(tuple(self._sent_at)) if group.app == app]

    def latest(self, other_than: Group) -> list[Group]:
        """Other groups of the same app, the latest first."""
        return [group for group in self.latest_of(other_than.app) if group != other_than][:LANDINGS_ASKED]

    def since(self, moment: float, other_than: Group) -> bool:
        """Whether a call in another group of the app has succeeded that was sent after `moment`."""
        return any(self._sent_at.get(group, moment) > moment for group in self.latest(other_than))


class Gone:
    """The groups of which the vendor has just said that they do not exist."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[Group, float] = OrderedDict()

    def has(self, group: Group) -> bool:
        """Whether the vendor has said so of the group within the last seconds."""
        return self._clock.monotonic() < self._until.get(group, 0.0)

    def note(self, group: Group) -> None:
        """The vendor has said so just now."""
        self._until.pop(group, None)
        self._until[group] = self._clock.monotonic() + GONE_S
        if len(self._until) > KNOWN_GROUPS:
            self._until.popitem(last=False)


@dataclass(slots=True)
class SweptTo:
    """The group at which the last sweep had to end, so that the next one begins with those it has not visited.

    `since` is the moment at which the first sweep of this round through all groups began, None if the last round is
    complete. `holds`: acceptances wait for the end of this round. The rows of groups that are gone are looked at after
    the id `gone_to`, and no sooner than at `gone_at` (R11).
    """

    group_id: str = ""
    since: float | None = None
    holds: bool = False
    gone_to: str = ""
    gone_at: float = -inf


class CallFailure(msgspec.Struct, frozen=True):
    """A call that could not be made or proved nothing: the host, the kind of failure, how long it took, and when.

    `at` is in seconds since 1970 on the instance's own clock.
    """

    host: str
    failure: str
    took_s: float
    at: float


@dataclass(slots=True)
class Failures:
    """The last call of this instance that failed."""

    last: CallFailure | None = None


class MovingAverage:
    """Moving average of a duration, in seconds. A worker that waits for another worker's call waits about this long."""

    def __init__(self, guess_s: float) -> None:
        self.usual_s = guess_s

    def learn(self, took_s: float) -> None:
        """Take one more duration into the average; a single slow one moves it little."""
        self.usual_s += (min(took_s, CALL_TIME_MAX_S) - self.usual_s) / 8


class GenerationRecord(Epoch, Pausing, Protocol):
    """The one record of a store that says which life of it this is, and whether every group is paused."""


class GenerationCache:
    """The ledger's generation, asked for again every `cache_s` seconds; with 0 the ledger looks it up itself (R10)."""

    def __init__(self, ledger: GenerationRecord, clock: Clock, cache_s: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._cache_s = cache_s
        self._known: tuple[float, float, Generation] | None = None

    def current(self) -> Generation:
        """The generation, at most `cache_s` old."""
        if not self._cache_s:
            return self._ledger.generation()
        if self._known is None or self._age_s(*self._known[:2]) > self._cache_s:
            return self._learned(self._ledger.generation)
        return self._known[2]

    def _age_s(self, monotonic: float, wall: float) -> float:
        """The age by the clock that shows more: either may stand still or be set meanwhile."""
        return max(self._clock.monotonic() - monotonic, self._clock.now() - wall)

    def read(self) -> Generation:
        """The generation as the store has it now."""
        return self._learned(self._ledger.generation_now)

    def pause(self, pause: Pause | None) -> Generation:
        """Begin or end the pause of every group; other instances learn of it when they read again (R15)."""
        return self._learned(lambda: self._ledger.pause(pause))

    def begin_next(self) -> Generation:
        """Raise the generation, because the store was restored; other instances learn of it within `cache_s`."""
        return self._learned(self._ledger.raise_generation)

    def started(self, known: Generation, date: int) -> Generation:
        """The generation with its start. A `Date` that was heard after the generation was `known` stamps it once.

        A start that lies far ahead of the `Date` was stamped by a wrong clock, and nothing would ever come after it.
        """
        if known.started and known.started <= date + NEAR_S:
            return known
        return self._learned(lambda: self._ledger.start_generation(known, date))

    def _learned(self, ask: Callable[[], Generation]) -> Generation:
        asked_at = self._clock.monotonic(), self._clock.now()
        generation = ask()
        self._known = (*asked_at, generation)
        return generation


class CircuitBreaker:
    """Open while the vendor refuses the app: new operations are turned away before they are accepted (R6)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusal: Refused | None = None
        self._open_until = 0.0
        self._interval_s = APP_RETRY_MIN_S

    def trip(self, refusal: Refused) -> None:
        """Open it with this refusal. Each trip in a row doubles the interval; trips while it is open count as one."""
        was_closed = self.refusal() is None
        self._refusal = refusal
        if was_closed:
            self._open_until = self._clock.monotonic() + self._interval_s
            self._interval_s = min(APP_RETRY_MAX_S, self._interval_s * 2)

    def reset(self) -> None:
        """Close it: the vendor has carried out a call of the app."""
        self._refusal = None
        self._open_until = 0.0
        self._interval_s = APP_RETRY_MIN_S

    def refusal(self) -> Refused | None:
        """The refusal that keeps it open now; None lets the next call try."""
        if self._refusal is None or self._clock.monotonic() >= self._open_until:
            return None
        return self._refusal

    def retry_after_s(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._open_until - self._clock.monotonic())
