"""The API's clock, known from the `Date` of its replies: the only clock that judges (R2, R4)."""

from __future__ import annotations

from handler.core.notices import Notice, Reporter
from handler.core.ports import Clock


class ApiClock:
    """What one instance knows of the API's time. Safe to share between threads: every update is one assignment."""

    def __init__(self, clock: Clock, reporter: Reporter, guard_s: float) -> None:
        self._clock = clock
        self._reporter = reporter
        self._guard_s = guard_s
        self._offset: float | None = None
        self._skewed = False
        self.latest: int | None = None
        """The largest `Date` received, in whole seconds: proof that this moment has passed."""

    def learn(self, date: int | None) -> None:
        """Take in the `Date` of a reply just received."""
        if date is None:
            return
        offset = date - self._clock.monotonic()
        self._offset = offset if self._offset is None else max(self._offset, offset)
        self.latest = date if self.latest is None else max(self.latest, date)
        self._notice_skew(date)

    def now(self) -> int:
        """The greatest lower bound of the API's time, rounded down; before any `Date`, the local clock's."""
        return int(self.moment())

    def moment(self) -> float:
        """The same with its fraction."""
        return self._clock.now() if self._offset is None else self._offset + self._clock.monotonic()

    def _notice_skew(self, date: int) -> None:
        ahead_s = self._clock.now() - date
        skewed = abs(ahead_s) > self._guard_s + 1
        if skewed and not self._skewed:
            self._reporter.report(Notice.CLOCK_SKEWED, local_clock_ahead_s=round(ahead_s))
        self._skewed = skewed
