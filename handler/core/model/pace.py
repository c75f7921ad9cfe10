"""How close to one another the calls of one busy group are (R16).

Times are in whole milliseconds since 1970, by the clock of the instance that opens a call: the API tells whole seconds,
and no promise depends on the pace.
"""

from __future__ import annotations

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What a call that would open `now_ms` has to find in its group's row, and leaves there.

    A stamp that lies further ahead than clocks differ counts for nothing: a wrong clock has made it.
    """

    now_ms: int
    interval_ms: int
    ahead_max_ms: int

    @property
    def too_young(self) -> tuple[int, int]:
        """The range of stamps that are too young for another call: above the first number, up to the second."""
        return self.now_ms - self.interval_ms, self.now_ms + self.ahead_max_ms

    def left_s(self, called_ms: int) -> float:
        """Seconds until the next call of a group whose last one was opened then; 0 where it may open now."""
        oldest, newest = self.too_young
        return (called_ms - oldest) / 1000 if oldest < called_ms <= newest else 0.0
