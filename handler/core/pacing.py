"""When this instance may call at all: its share of the app's rate, and the vendor's refusals of the app itself."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from math import ceil

from handler.core.errors import LedgerUnavailable, OutcomeUnknown
from handler.core.ledger import Ledger
from handler.core.ports import Clock, Refused

# An app that is refused (arrears, address, credentials) is tried again at intervals that double between these bounds.
APP_RETRY_MIN_S = 1.0
APP_RETRY_MAX_S = 60.0

# Up to this many calls a second an instance asks nobody: forty quiet ones together stay below the vendor's limit.
UNASKED_PER_SECOND = 5.0

# After a rate code every call is leased for so long, because somebody has miscounted.
CAREFUL_S = 60.0

# Calls are not evenly late. In a second in which all come up to 40 ms after their turns, those of 1.04 s come, and with
# this share lent out they are no more than the limit.
LENT_SHARE = 0.96
LATE_MAX_S = 0.04

# A lease covers the calls of this long at the instance's own pace; what is not used so long after its time is lost.
LEASE_S = 0.4
KEPT_S = 0.5

# Where the schedule is lent out further ahead than this, it is full: every turn is used in time or not at all.
CROWDED_S = 0.1

# No lease takes more than this share of a second's calls, so that others have their turn soon.
LEASE_SHARE_MAX = 0.05

# The schedule is lent out no further ahead than this: later calls wait without a place in it.
AHEAD_MAX_S = 1.0
ASK_AGAIN_S = 0.25

# While one thread of the instance leases, the others come back this soon.
LEASING_S = 0.01

# Each rate code makes a call cost more of the schedule, down to a quarter of the rate; it recovers within some seconds.
SLOWER = 0.7
SHARE_MIN = 0.25
RECOVERED_PER_S = 0.05


@dataclass(frozen=True, slots=True)
class Turn:
    """From when until when a call may be made, in moments of the monotonic clock; not `is_taken`: ask anew then."""

    at: float
    until: float
    is_taken: bool = True


class Pace:
    """The app's calls per second, over all instances: few calls are made unasked, more are leased in chunks."""

    def __init__(self, clock: Clock, calls_per_second: float, ledger: Ledger) -> None:
        self._clock = clock
        self._rate = calls_per_second
        self._ledger = ledger
        self._unasked = min(UNASKED_PER_SECOND, calls_per_second)
        self._leased: deque[Turn] = deque()
        self._app = 0
        self._recent: deque[float] = deque()
        self._unpaid: deque[float] = deque()
        self._expected = 0
        self._share = 1.0
        self._slowed_at = float("-inf")
        self._blocked_until = float("-inf")
        self._is_leasing = False
        self._lock = threading.Lock()

    def expect(self, calls: int) -> None:
        """So many calls come now: they are leased together, as far as fairness to others allows."""
        with self._lock:
            self._expected = calls

    def turn(self, app: int) -> Turn:
        """Take the next place in the app's schedule, or be told when to ask again."""
        with self._lock:
            now = self._clock.monotonic()
            self._note(now, app)
            careful = now - self._slowed_at < CAREFUL_S
            if self._leased:
                return self._leased.popleft()
            if not careful and len(self._recent) <= self._unasked:
                self._unpaid.append(now)
                self._expected = max(0, self._expected - 1)
                return Turn(now, now + KEPT_S)
            if self._is_leasing or now < self._blocked_until:
                return _not_before(max(now + LEASING_S, self._blocked_until))
            self._is_leasing = True
        # Nobody else of this instance has to wait for the ledger's answer with the lock in hand.
        return self._lease(now, app)

    def give_back(self, turn: Turn) -> None:
        """A turn that was not used: another call of this instance may use it in time."""
        with self._lock:
            self._leased.appendleft(turn)

    def slow_down(self) -> None:
        """The vendor has said that calls are too frequent. Those of calls under way count as one."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._slowed_at > 1.0:
                self._share = max(SHARE_MIN, self._share_at(now) * SLOWER)
                self._slowed_at = now

    def is_saturated(self) -> bool:
        """Whether the schedule was lent out as far as it goes when this instance asked last, which was just now."""
        return self._clock.monotonic() < self._blocked_until

    def _note(self, now: float, app: int) -> None:
        """Forget what has passed: turns that nobody used, calls of more than a second ago, and another app's turns."""
        if app != self._app:
            self._app = app
            self._leased.clear()
        while self._leased and self._leased[0].until < now:
            self._leased.popleft()
        self._recent.append(now)
        for moments in (self._recent, self._unpaid):
            while moments and moments[0] < now - 1.0:
                moments.popleft()

    def _lease(self, now: float, app: int) -> Turn:
        share = self._share_at(now)
        rate = self._rate * LENT_SHARE
        wanted = max(ceil(len(self._recent) * LEASE_S), self._expected)
        calls = max(1, min(wanted, int(rate * share * LEASE_SHARE_MAX)))
        # What was called unasked just before counts too, or instances that become busy together exceed the limit.
        unpaid = len(self._unpaid)
        try:
            wait_s = self._ledger.lease(app, (calls + unpaid) / share, rate, AHEAD_MAX_S)
        except (LedgerUnavailable, OutcomeUnknown):
            # Whoever calls needs the ledger first, so this costs no call; and a lost answer wastes a few turns.
            wait_s = None
        finally:
            self._is_leasing = False
        # The answer has taken its time: the schedule's now was no later than this one.
        now = self._clock.monotonic()
        with self._lock:
            if wait_s is None:
                self._blocked_until = now + ASK_AGAIN_S
                return _not_before(self._blocked_until)
            for _ in range(min(unpaid, len(self._unpaid))):
                self._unpaid.popleft()
            self._expected = max(0, self._expected - calls)
            kept_s = LATE_MAX_S if wait_s > CROWDED_S else KEPT_S
            moments = [now + wait_s + number / (rate * share) for number in range(calls)]
            self._leased.extend(Turn(at, at + kept_s) for at in moments)
            return self._leased.popleft()

    def _share_at(self, now: float) -> float:
        return min(1.0, self._share + RECOVERED_PER_S * max(0.0, now - self._slowed_at))


def _not_before(moment: float) -> Turn:
    return Turn(moment, moment, is_taken=False)


class Gate:
    """Closed while the vendor refuses the app: new operations are turned away before they are accepted (R6)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusal: Refused | None = None
        self._closed_until = 0.0
        self._interval_s = APP_RETRY_MIN_S

    def close(self, refusal: Refused) -> None:
        """Remember the refusal; each one in a row doubles the interval, those of calls under way count as one."""
        was_open = self.refusal() is None
        self._refusal = refusal
        if was_open:
            self._closed_until = self._clock.monotonic() + self._interval_s
            self._interval_s = min(APP_RETRY_MAX_S, self._interval_s * 2)

    def open(self) -> None:
        """Forget: a call was accepted."""
        self._refusal = None
        self._closed_until = 0.0
        self._interval_s = APP_RETRY_MIN_S

    def refusal(self) -> Refused | None:
        """The refusal that stands now; None lets the next call try."""
        if self._refusal is None or self._clock.monotonic() >= self._closed_until:
            return None
        return self._refusal

    def retry_after_s(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._closed_until - self._clock.monotonic())
