"""Rate limiters: this instance's share of the app's calls per second (R14)."""

from __future__ import annotations

import threading
from bisect import insort
from collections import deque
from collections.abc import Callable
from math import ceil

import msgspec

from handler.core.errors import LedgerUnavailable, OutcomeUnknown
from handler.core.ports.ledger import RateLedger
from handler.core.ports.schedules import Claim, Lent, Schedule
from handler.core.ports.system import Clock

# Up to this many calls a second an instance makes without a lease: forty quiet ones stay below the vendor's limit.
UNASKED_PER_SECOND = 5.0

# For this long after a rate code every call needs a lease, because the schedule and the vendor disagree.
CAREFUL_S = 60.0

# Calls may start up to 40 ms after their turn, so one second can contain the calls scheduled for 1.04 s. Leasing only
# this share of the rate keeps even that second within the limit.
LENT_SHARE = 0.96
LATE_MAX_S = 0.04

# A lease covers the calls of this long at the instance's own pace; what is not used so long after its time is lost.
LEASE_S = 0.4
KEPT_S = 0.5

# Where the schedule is lent out further ahead than this, it is full: every turn is used in time or not at all.
CROWDED_S = 0.1
CROWDED_FOR_S = 1.0

# No lease takes more than this share of a second's calls, so that others have their turn soon.
LEASE_SHARE_MAX = 0.05

# Calls are lent out no further ahead than this: later ones wait without a place in the schedule.
AHEAD_MAX_S = 1.0
ASK_AGAIN_S = 0.25

# Acceptances whose calls others make are half of what the sweep can call, and a minute of them may wait for it.
ACCEPTED_SHARE = 0.5
ACCEPTED_AHEAD_MAX_S = 60.0

# While one thread of the instance leases, the others come back this soon.
LEASING_S = 0.01

# Each rate code makes a call cost more of the schedule, down to a quarter of the rate; it recovers within some seconds.
SLOWER = 0.7
SHARE_MIN = 0.25
RECOVERED_PER_S = 0.05


class Turn(msgspec.Struct, frozen=True):
    """When a call may be made, from `at` until `until`, on the monotonic clock. Not `is_taken`: ask again at `at`."""

    at: float
    until: float
    is_taken: bool = True


class Terms(msgspec.Struct, frozen=True):
    """What one schedule is lent by: the turns of a second, and how far ahead, in seconds."""

    schedule: Schedule
    rate: float
    ahead_max_s: float

    @classmethod
    def of(cls, schedule: Schedule, calls_per_second: float) -> Terms:
        """The terms of a schedule in an app with this limit."""
        if schedule is Schedule.ACCEPTANCES:
            return cls(schedule, calls_per_second * ACCEPTED_SHARE, ACCEPTED_AHEAD_MAX_S)
        return cls(schedule, calls_per_second * LENT_SHARE, AHEAD_MAX_S)

    @property
    def unasked(self) -> float:
        """How many turns a second an instance takes without a lease."""
        return min(UNASKED_PER_SECOND, self.rate / LENT_SHARE)

    @property
    def longest_s(self) -> float:
        """How long one lease lasts at most: what was called unasked before included, at the slowest."""
        return (max(1.0, self.rate * LEASE_SHARE_MAX) + self.unasked + 1.0) / SHARE_MIN / self.rate


class AdaptiveShare:
    """How much of its rate an instance asks for: less after each rate code, and soon all of it again."""

    def __init__(self) -> None:
        self._share = 1.0
        self._slowed_at = float("-inf")

    def at(self, now: float) -> float:
        """The share at this moment."""
        return min(1.0, self._share + RECOVERED_PER_S * max(0.0, now - self._slowed_at))

    def slow_down(self, now: float) -> None:
        """The vendor has sent a rate code. Those of calls under way count as one."""
        if now - self._slowed_at > 1.0:
            self._share, self._slowed_at = max(SHARE_MIN, self.at(now) * SLOWER), now

    def is_careful(self, now: float) -> bool:
        """Whether the last rate code is so recent that every call needs a lease."""
        return now - self._slowed_at < CAREFUL_S


class Demand:
    """How many calls this instance has made within the last second, and how many it is about to make."""

    def __init__(self) -> None:
        self.recent: deque[float] = deque()
        self.unleased: deque[float] = deque()
        """Those of the recent ones that were made without a lease."""
        self.put_off: deque[float] = deque()
        """When callers were sent away while another thread leased."""
        self.expected = 0
        """The calls that were announced and have no turn yet."""

    def forget(self, now: float) -> None:
        """Drop what is over."""
        for moments, kept_s in ((self.recent, 1.0), (self.unleased, 1.0), (self.put_off, 2 * LEASING_S)):
            while moments and moments[0] < now - kept_s:
                moments.popleft()

    def takes_one(self, now: float) -> None:
        """One call is made without a lease."""
        self.recent.append(now)
        self.unleased.append(now)
        self.expected = max(0, self.expected - 1)

    def is_leased(self, calls: int, unleased: int) -> None:
        """Turns for `calls` are leased, and the lease has paid for `unleased` calls that were made before it."""
        for _ in range(min(unleased, len(self.unleased))):
            self.unleased.popleft()
        self.expected = max(0, self.expected - calls)

    def wanted(self, *, is_crowded: bool) -> int:
        """How many calls to lease for.

        Turns of a full schedule follow each other closely: only callers who wait for one now can use it in time.
        """
        soon = 1 + len(self.put_off) if is_crowded else ceil(len(self.recent) * LEASE_S)
        return max(soon, self.expected)


class RateLimiter:
    """One schedule of the app, over all instances: few turns are taken unasked, more are leased in chunks."""

    def __init__(self, clock: Clock, now: Callable[[], float], ledger: RateLedger, terms: Terms) -> None:
        """`now` tells the API's time."""
        self._clock = clock
        self._now = now
        self._ledger = ledger
        self._terms = terms
        self._share = AdaptiveShare()
        self._demand = Demand()
        self._leased: list[Turn] = []
        """Turns of `_app` that are leased and not taken, the earliest first."""
        self._app = 0
        self._lag_s = 0.0
        self._blocked_until = float("-inf")
        self._crowded_until = float("-inf")
        self._is_leasing = False
        self._lock = threading.Lock()

    def expect(self, calls: int) -> None:
        """Announce calls that come now: they are leased together, as far as fairness to others allows."""
        with self._lock:
            self._demand.expected = calls

    def turn(self, app: int) -> Turn:
        """Take the next place in the app's schedule, or learn when to ask again."""
        with self._lock:
            now, demand = self._clock.monotonic(), self._demand
            self._forget(now, app)
            if self._leased:
                demand.recent.append(now)
                return self._leased.pop(0)
            if not self._share.is_careful(now) and len(demand.recent) < int(self._terms.unasked):
                demand.takes_one(now)
                return Turn(now, now + KEPT_S)
            if self._is_leasing or now < self._blocked_until:
                demand.put_off.append(now)
                return _not_before(max(now + LEASING_S, self._blocked_until))
            demand.recent.append(now)
            self._is_leasing = True
        # The lock is free during the round trip, so no other thread of this instance waits for the ledger.
        return self._lease(now, app)

    def give_back(self, turn: Turn) -> None:
        """A turn that was not used: another call of this instance may use it in time, the earliest first."""
        with self._lock:
            insort(self._leased, turn, key=_begin_of)
            if self._demand.recent:
                self._demand.recent.pop()

    def slow_down(self) -> None:
        """The vendor has sent a rate code."""
        with self._lock:
            self._share.slow_down(self._clock.monotonic())

    def is_saturated(self) -> bool:
        """Whether the schedule was lent out as far as it goes when this instance asked last, which was just now."""
        return self._clock.monotonic() < self._blocked_until

    def _forget(self, now: float, app: int) -> None:
        """Forget what has passed: unused turns, calls of more than a second ago, and another app's turns."""
        if app != self._app:
            self._app = app
            self._leased.clear()
        while self._leased and self._leased[0].until < now:
            self._leased.pop(0)
        self._demand.forget(now)

    def _lease(self, now: float, app: int) -> Turn:
        """Lease turns for as many calls as fairness allows, and take the first."""
        share = self._share.at(now)
        rate = self._terms.rate * share
        wanted = self._demand.wanted(is_crowded=now < self._crowded_until)
        calls = max(1, min(wanted, int(rate * LEASE_SHARE_MAX)))
        # What was called unasked just before counts too, or instances that become busy together exceed the limit.
        unleased = len(self._demand.unleased)
        try:
            lent = self._ledger.lease(self._claim(app, (calls + unleased) / share))
        except (LedgerUnavailable, OutcomeUnknown):
            # A call needs the ledger anyway, so this failure costs no further one; a lost answer wastes a few turns.
            lent = Lent(None, self._lag_s)
        finally:
            self._is_leasing = False
        # The answer has taken its time: the schedule's now was no later than this one.
        now = self._clock.monotonic()
        with self._lock:
            self._lag_s = lent.lag_s
            if lent.wait_s is None:
                self._blocked_until = now + ASK_AGAIN_S
                return _not_before(self._blocked_until)
            self._demand.is_leased(calls, unleased)
            is_crowded = lent.wait_s > CROWDED_S
            self._crowded_until = now + CROWDED_FOR_S if is_crowded else now
            kept_s = LATE_MAX_S if is_crowded else KEPT_S
            moments = [now + lent.wait_s + number / rate for number in range(calls)]
            self._leased.extend(Turn(at, at + kept_s) for at in moments)
            return self._leased.pop(0)

    def _claim(self, app: int, calls: float) -> Claim:
        return Claim(
            app=app,
            schedule=self._terms.schedule,
            calls=calls,
            rate=self._terms.rate,
            ahead_max_s=self._terms.ahead_max_s,
            longest_s=self._terms.longest_s,
            now=self._now(),
            lag_s=self._lag_s,
        )


def _begin_of(turn: Turn) -> float:
    return turn.at


def _not_before(moment: float) -> Turn:
    return Turn(moment, moment, is_taken=False)
