"""The circuit breaker of the app: open while the vendor refuses the app itself (R6)."""

from __future__ import annotations

from handler.core.ports.counter_api import Refused
from handler.core.ports.system import Clock

# An app that is refused (arrears, address, credentials) is tried again at intervals that double between these bounds.
APP_RETRY_MIN_S = 1.0
APP_RETRY_MAX_S = 60.0


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
