"""The API's clock, known from the `Date` of its replies (R12). It stamps and waits; only `Date`s heard judge (R4 b)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from threading import Lock

import msgspec

from handler.core.model.row import Group, Row
from handler.core.ports.system import Clock, Notice, Reporter

# Before there is a clock, a `Date` so near the local one is evidence.
NEAR_S = 300

# A `Date` further from the local clock never is.
FAR_S = 24 * 3600

# Two odd `Date`s bear each other out if they come over two connections, so long one after the other.
APART_MIN_S = 3.0

# A `Date` is cut to whole seconds.
WHOLE_S = 1

# Wall and monotonic time that have gone further apart tell of a thaw, or of a clock that was set.
DRIFT_MAX_S = 2.0

# How many odd `Date`s are kept for later ones to bear them out.
ODD_MAX = 8

# After ASKS_MAX questions in vain an instance asks again only after a while. One that has evidence, and has looked into
# an odd `Date`, looks into the next one after LOOK_AGAIN_S.
ASKS_MAX = 2
ASK_AGAIN_S = 3.0
LOOK_AGAIN_S = 60.0

# To forget an entry of either is safe: the visit that needs it hears, or meets, once more.
MET_MAX = 4096
DATES_MAX = 64


class _Odd(msgspec.Struct, frozen=True):
    """A `Date` that alone is no evidence: when it was heard, on the monotonic clock, and over which connection."""

    date: int
    heard_at: float
    connection: int | None

    def bears_out(self, later: _Odd) -> bool:
        """Whether the two `Date`s differ by the time that passed between them, so that no stopped clock is believed."""
        passed_s = later.heard_at - self.heard_at
        is_other = None not in {self.connection, later.connection} and self.connection != later.connection
        return is_other and passed_s >= APART_MIN_S and abs(later.date - self.date - passed_s) <= WHOLE_S


class Heard:
    """Which `Date`s came after which things were first met. Its owner holds a lock for it."""

    def __init__(self) -> None:
        self._moment = 0
        self._dates: list[tuple[int, int]] = []
        """When each `Date` was heard, and the `Date`: each is larger than all that came after it."""
        self._met: OrderedDict[str, int] = OrderedDict()

    def hear(self, date: int) -> None:
        """Take in the `Date` of a reply just received."""
        self._moment += 1
        while self._dates and self._dates[-1][1] <= date:
            self._dates.pop()
        self._dates.append((self._moment, date))
        del self._dates[:-DATES_MAX]

    def since(self, things: Collection[str]) -> int | None:
        """The largest `Date` heard after all of these things were met; a thing that is met only now has heard none."""
        for thing in things:
            self._met.setdefault(thing, self._moment)
            self._met.move_to_end(thing)
        last_met = max((self._met[thing] for thing in things), default=0)
        while len(self._met) > MET_MAX:
            self._met.popitem(last=False)
        return next((date for moment, date in self._dates if moment > last_met), None)

    def forget(self) -> None:
        """Forget every `Date`, as if none had been heard."""
        self._dates.clear()


class ApiClock:
    """What one instance knows of the API's time. Threads may share it."""

    def __init__(self, clock: Clock, reporter: Reporter, guard_s: float) -> None:
        self._clock = clock
        self._reporter = reporter
        self._guard_s = guard_s
        self._lock = Lock()
        self._heard = Heard()
        self._offset: float | None = None
        """How far the API's clock is ahead of the monotonic one, at least; None without evidence."""
        self._wall_offset = 0.0
        """How far the wall clock was ahead of the monotonic one when evidence came last."""
        self._agreeing = 0
        """How many `Date`s have agreed since the first one: a single one is a lower bound, and no stamp."""
        self._odd: list[_Odd] = []
        self._asks = 0
        self._settled_at = float("-inf")
        """When the question for the API's time was last closed, with an answer or without one."""
        self._skewed = False

    def learn(self, date: int | None, connection: int | None = None) -> bool:
        """Learn from the `Date` of a reply just received; True if it is evidence. One that is not counts as missing."""
        if date is None:
            return False
        with self._lock:
            self._forget_what_a_thaw_has_ended()
            ahead_s = date - self._now()
            is_evidence = self._is_borne_out(_Odd(date, self._clock.monotonic(), connection))
            if is_evidence:
                self._heard.hear(date)
                self._wall_offset = self._clock.now() - self._clock.monotonic()
        if is_evidence:
            self._notice_skew(date)
        else:
            self._reporter.report(Notice.CLOCK_DISTRUSTED, date=date, ahead_s=round(ahead_s))
        return is_evidence

    def now(self) -> int:
        """The API's time in whole seconds: by the greatest lower bound of the evidence, or else the local clock."""
        return int(self.moment())

    def moment(self) -> float:
        """The API's time with its fraction."""
        with self._lock:
            self._forget_what_a_thaw_has_ended()
            return self._now()

    @property
    def is_borne_out(self) -> bool:
        """Whether two `Date`s agree on the API's time: a single odd one would stamp minutes early."""
        return self._agreeing > 1

    def left_s(self, moment: float) -> float:
        """Seconds until this clock shows `moment`; 0 once it does."""
        return max(0.0, moment - self.now())

    def since(self, things: Collection[str]) -> int | None:
        """The largest `Date` heard after this instance had met all of these things; a new one is met now."""
        with self._lock:
            self._forget_what_a_thaw_has_ended()
            return self._heard.since(things)

    def ask_in_s(self) -> float | None:
        """Seconds until the API has to be asked for its time before an attempt opens; None if it need not be."""
        with self._lock:
            self._forget_what_a_thaw_has_ended()
            return self._due_in_s()

    def wants_another_connection(self) -> bool:
        """Whether an odd `Date` waits for another one that may bear it out."""
        with self._lock:
            return self._due_in_s() == 0.0 and bool(self._odd)

    def asked(self) -> None:
        """Note that the API was asked. An instance that hears no time from it goes by the local clock for a while."""
        with self._lock:
            self._asks += self._due_in_s() == 0.0
            is_enough = self._asks >= ASKS_MAX or (self._asks > 0 and self._offset is not None)
            is_unheard = is_enough and self._offset is None
            if is_enough:
                self._asks, self._settled_at = 0, self._clock.monotonic()
        if is_unheard:
            self._reporter.report(Notice.CLOCK_UNHEARD)

    def _now(self) -> float:
        return self._clock.now() if self._offset is None else self._offset + self._clock.monotonic()

    def _is_borne_out(self, heard: _Odd) -> bool:
        """Whether a `Date` is evidence; if so, the clock moves. Only a pair of odd ones moves it back."""
        offset = heard.date - heard.heard_at
        near_s = NEAR_S if self._offset is None else self._guard_s + WHOLE_S
        if abs(heard.date - self._now()) <= near_s:
            self._offset = offset if self._offset is None else max(self._offset, offset)
            self._agreeing += 1
            return True
        if abs(heard.date - self._clock.now()) > FAR_S:
            return False
        if any(odd.bears_out(heard) for odd in self._odd):
            self._offset, self._agreeing = offset, 2
            self._odd.clear()
            return True
        self._odd = [*self._odd, heard][-ODD_MAX:]
        return False

    def _due_in_s(self) -> float | None:
        now = self._clock.monotonic()
        odd = [odd.heard_at for odd in self._odd if odd.heard_at > self._settled_at]
        left_s = max(0.0, odd[0] + APART_MIN_S - now) if odd else 0.0
        rests = now < self._settled_at + (ASK_AGAIN_S if self._offset is None else LOOK_AGAIN_S)
        if self._offset is None:
            return None if rests and not odd else left_s
        # One that has evidence goes on meanwhile.
        return 0.0 if odd and left_s == 0 and not rests else None

    def _forget_what_a_thaw_has_ended(self) -> None:
        """Drop all evidence after a thaw: monotonic time may have stood still, so the API's time is unknown."""
        drift_s = self._clock.now() - self._clock.monotonic() - self._wall_offset
        if self._offset is not None and abs(drift_s) > DRIFT_MAX_S:
            self._offset, self._odd, self._asks, self._settled_at = None, [], 0, float("-inf")
            self._agreeing = 0
            self._heard.forget()

    def _notice_skew(self, date: int) -> None:
        ahead_s = self._clock.now() - date
        skewed = abs(ahead_s) > self._guard_s + WHOLE_S
        if skewed and not self._skewed:
            self._reporter.report(Notice.CLOCK_SKEWED, local_clock_ahead_s=round(ahead_s))
        self._skewed = skewed


def in_mind(group: Group, row: Row, generation: int) -> list[str]:
    """Names for all that a row is judged by: its attempts, the first sight noted in it, and the store's generation."""
    attempts = [past.attempt.id for past in row.remembered] + ([row.attempt.id] if row.attempt else [])
    seen_at = row.first_seen_at
    sight = [] if seen_at is None else [f"sight {group.app} {group.id} {row.first_seen_generation} {seen_at}"]
    return [f"generation {generation}", *attempts, *sight]
