"""When this instance may call at all: the app's rate, and the vendor's refusals of the app itself."""

from __future__ import annotations

import threading

from handler.core.ports import Clock, Refused

# An app that is refused (arrears, address, credentials) is tried again at intervals that double between these bounds.
APP_RETRY_MIN_S = 1.0
APP_RETRY_MAX_S = 60.0


class Pace:
    """A token bucket of one second: at most `calls_per_second` calls, evenly refilled."""

    def __init__(self, clock: Clock, calls_per_second: float) -> None:
        self._clock = clock
        self._rate = calls_per_second
        # Below one call per second the bucket must still hold a whole one.
        self._most = max(1.0, calls_per_second)
        self._tokens = self._most
        self._refilled_at = clock.monotonic()
        self._lock = threading.Lock()

    def wait_s(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._most, self._tokens + (now - self._refilled_at) * self._rate)
            self._refilled_at = now
            if self._tokens < 1:
                return (1 - self._tokens) / self._rate
            self._tokens -= 1
            return 0.0


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
        return self._refusal if self._clock.monotonic() < self._closed_until else None

    def retry_after_s(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._closed_until - self._clock.monotonic())
