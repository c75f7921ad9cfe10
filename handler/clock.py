"""The machine's own clocks, behind the port `Clock`."""

from __future__ import annotations

import time


class SystemClock:
    """A `Clock` that tells the machine's time."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on a clock that never runs backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        time.sleep(seconds)
