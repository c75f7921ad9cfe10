"""The time that the sandbox goes by: the real one, one that a test moves by hand, and one that is wrong on purpose."""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> float:
        """Seconds since 1970."""


class RealClock:
    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock that stands still until it is moved, so that a test needs no sleep to let a signature expire."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number moves it back."""
        self._now += seconds


class ShiftedClock:
    """Another clock, read with an error of `offset_s` seconds: the API's clock as it differs from its callers'."""

    def __init__(self, base: Clock, offset_s: float = 0.0) -> None:
        self._base = base
        self.offset_s = offset_s

    def now(self) -> float:
        return self._base.now() + self.offset_s
