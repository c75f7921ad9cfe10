"""The API's own clock, and what its replies say of it."""

from dataclasses import dataclass, field

from tests.faults.world.world import World

# What a `Date` may show instead of the time.
OFF, FIXED, MISSING, STILL = "off", "fixed", "missing", "still"

YEAR_9999 = 253_402_300_799
YEAR_2096 = 3_976_214_400


@dataclass(frozen=True, slots=True)
class OddDates:
    """The `Date`s of some replies in a row, from the one of that number on, are not the time.

    They are `off` by so many seconds, or `fixed` at so many since 1970; or they are missing (or malformed, which is
    the same); or they stand still, at the first of them.
    """

    first: int
    count: int
    how: str
    seconds: int = 0


@dataclass(slots=True)
class ApiTime:
    """The clock is that of the world, and `step_s` ahead of it once it has been set."""

    world: World
    step_s: float = 0.0
    odd: list[OddDates] = field(default_factory=list)
    _replies: int = 0
    _still: int | None = None

    @property
    def now(self) -> float:
        """What the clock shows, by which signatures end."""
        return self.world.now + self.step_s

    def date(self) -> int | None:
        number, date = self._replies, int(self.now)
        self._replies += 1
        for odd in self.odd:
            if odd.first <= number < odd.first + odd.count:
                return self._shown(odd, date)
        return date

    def _shown(self, odd: OddDates, date: int) -> int | None:
        if odd.how == MISSING:
            return None
        if odd.how == FIXED:
            return odd.seconds
        if odd.how == OFF:
            return date + odd.seconds
        self._still = self._still or date
        return self._still
