"""Quotas: how many requests a second each caller has over HTTP, leased from a schedule of its own (R14).

An instance pays for its first few requests after they were made, and leases the next ones ahead at its own pace. So a
warm instance asks the ledger once for several requests, and what it did not pay for is never more than those few, for
however long a caller goes on. A caller may be a second ahead of its rate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import ceil
from threading import Lock

from handler.core.errors import LedgerUnavailable, OutcomeUnknown, QuotaUsedUp
from handler.core.ports.ledger import RateLedger
from handler.core.ports.schedules import CallerSchedule, Claim
from handler.core.ports.system import Clock

# So many requests an instance takes before it pays for them: at most this share of a second's, and one in any case.
UNPAID_MAX = 5
UNPAID_SHARE = 0.25

# A lease is for the requests of this long at the instance's own pace, and for this share of a second's at most, so that
# other instances have theirs. What is not used within a second is lost.
LEASE_S = 0.5
LEASE_SHARE_MAX = 0.25
KEPT_S = 1.0

# How far ahead of its rate a caller may be.
AHEAD_MAX_S = 1.0

# While a quota is used up, an instance asks the ledger no more often than this.
ASK_AGAIN_S = 0.25


class Quotas:
    """The quotas of the callers that this instance has served, by app and name. Threads may share it."""

    def __init__(self, clock: Clock, now: Callable[[], float], ledger: RateLedger) -> None:
        """`now` tells the API's time."""
        self._clock = clock
        self._now = now
        self._ledger = ledger
        self._known: dict[tuple[int, str], Quota] = {}

    def take(self, app: int, caller: str, rate: float) -> None:
        """Take one of the caller's `rate` requests a second, or raise as `Quota.take` does."""
        quota = self._known.get((app, caller))
        if quota is None:
            made = Quota(self._clock, self._now, self._ledger, app, CallerSchedule.of(caller))
            quota = self._known.setdefault((app, caller), made)
        quota.take(rate)


class Quota:
    """What one instance knows of the quota of one caller."""

    def __init__(
        self, clock: Clock, now: Callable[[], float], ledger: RateLedger, app: int, schedule: CallerSchedule
    ) -> None:
        self._clock = clock
        self._now = now
        self._ledger = ledger
        self._app = app
        self._schedule = schedule
        self._recent: deque[float] = deque()
        """When requests of the last second came."""
        self._unpaid = 0
        self._leased = 0
        self._leased_until = float("-inf")
        self._used_up_until = float("-inf")
        self._lag_s = 0.0
        self._lock = Lock()

    def take(self, rate: float) -> None:
        """Take one request. Raises QuotaUsedUp, or LedgerUnavailable where the ledger cannot lend.

        While one thread leases, others of the same caller wait for it: what it leases is for them too.
        """
        with self._lock:
            now = self._clock.monotonic()
            self._note(now)
            if self._leased and now < self._leased_until:
                self._leased -= 1
            elif now < self._used_up_until:
                raise _exceeded(rate)
            elif self._unpaid < max(1, min(UNPAID_MAX, int(rate * UNPAID_SHARE))):
                self._unpaid += 1
            else:
                self._lease(rate)

    def _note(self, now: float) -> None:
        while self._recent and self._recent[0] < now - 1.0:
            self._recent.popleft()
        self._recent.append(now)

    def _lease(self, rate: float) -> None:
        """Pay for what was taken, and for as much ahead; this request is the first of it."""
        most = max(1, int(rate * LEASE_SHARE_MAX))
        ahead = min(most, ceil(len(self._recent) * LEASE_S))
        try:
            lent = self._ledger.lease(self._claim(rate, self._unpaid + ahead, most))
        except OutcomeUnknown:
            # At worst a few requests are paid for and not made.
            raise LedgerUnavailable("the ledger's answer to a lease was lost") from None
        now = self._clock.monotonic()
        self._lag_s = lent.lag_s
        if lent.wait_s is None:
            self._used_up_until = now + ASK_AGAIN_S
            raise _exceeded(rate)
        self._unpaid, self._leased, self._leased_until = 0, ahead - 1, now + KEPT_S

    def _claim(self, rate: float, calls: int, most: int) -> Claim:
        return Claim(
            app=self._app,
            schedule=self._schedule,
            calls=calls,
            rate=rate,
            ahead_max_s=AHEAD_MAX_S,
            longest_s=(UNPAID_MAX + most) / rate,
            now=self._now(),
            lag_s=self._lag_s,
        )


def _exceeded(rate: float) -> QuotaUsedUp:
    return QuotaUsedUp("the caller's own calls per second are used up", max(1.0, 1 / rate))
