"""The circuit breaker of the app: closed to new operations while the vendor refuses the app itself (R6)."""

from __future__ import annotations

from handler.core.ports.counter_api import Refused
from handler.core.ports.system import Clock

# An app that is refused (arrears, address, credentials) is tried again at intervals that double between these bounds.
APP_RETRY_MIN_S = 1.0


APP_RETRY_MAX_S = 60.0


class CircuitBreaker:
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
