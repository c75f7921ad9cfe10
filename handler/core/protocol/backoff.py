"""When to read the row again, and when to look at the receipt: the rhythm of one visit."""

from __future__ import annotations

from handler.core.model.row import Attempt, Row
from handler.core.runtime.instance import Instance
from handler.core.state.losses import INTERVAL_MAX_S, opens_at
from handler.core.state.receipts import death

# Polls of the row while another worker's call is under way: about as long as a call takes, and longer each time.
POLL_MIN_S = 0.03
POLL_MAX_S = 0.4

# A ledger that took longer than this to accept an operation was not slow, but out of reach for a while.
ACCEPTED_MAX_S = 1.0

# A visit polls no more often than every fourth multiple of what a poll usually takes.
LOOKS_SPACED = 4

# Looks at the receipt while an attempt may still be in flight.
LOOK_MIN_S = 0.2
LOOK_MAX_S = 2.0

# The visit that made a new group's row looks at the group first. The others leave it to that one for this long: longer
# than a read takes, and short enough for a caller who asks after an operation, which gets a second of help.
FIRST_LOOK_S = 0.3


class Backoff:
    """The intervals of one visit, all in seconds from now."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._polls = 0
        self._looks = 0
        self._look_at = 0.0
        self._watched: str | None = None
        self._first_look_at: float | None = None
        self._accepted_in_s = 0.0
        self._left_head: str | None = None
        self._hurries = False

    def accepted_in(self, seconds: float) -> None:
        """Learn how long the ledger took to accept what the visit waits for: that is how slow it is now."""
        self._accepted_in_s = min(seconds, ACCEPTED_MAX_S)
        # Polls before the acceptance did not wait for a call.
        self._polls = 0

    def leave(self, head: str) -> bool:
        """Whether to leave the operation at the head of the queue to its own caller: once, for one poll."""
        is_new, self._left_head = self._left_head != head, head
        return is_new

    def jittered(self, seconds: float) -> float:
        """About `seconds`, so that workers do not move in step."""
        return seconds * (0.5 + self._instance.chance.random())

    def poll_s(self) -> float:
        """The next wait for another worker's call."""
        # Where many workers poll at once and each poll takes long, more polls only make it longer.
        first_s = max(POLL_MIN_S, self._instance.call_time.usual_s, LOOKS_SPACED * self._instance.look_time.usual_s)
        self._polls += 1
        waited_s = min(POLL_MAX_S, first_s * 1.5 ** min(self._polls - 1, 16))
        # The call that carries it, and what the ledger takes to settle that.
        slow_s = min(ACCEPTED_MAX_S, self._accepted_in_s + self._instance.call_time.usual_s)
        return self.jittered(max(waited_s, slow_s if self._accepted_in_s else 0.0))

    def retry_s(self) -> float:
        """The next wait after a read that failed or proved nothing: growing intervals."""
        self._looks += 1
        return self.jittered(min(LOOK_MAX_S, LOOK_MIN_S * 2 ** min(self._looks, 8)))

    def before_opening_s(self, row: Row) -> float:
        """How long the next attempt waits after calls that were lost one after another (R11)."""
        left_s = self._instance.api_clock.left_s(opens_at(row, self._instance.rules.bound_of))
        # By a wrong clock the last one may have been signed for a time that is still to come (R12).
        return min(left_s, max(INTERVAL_MAX_S, self._instance.rules.bound_s))

    def before_next_call_s(self, row: Row) -> float:
        """How long the next run of the queue waits, because its group was called just now (R16).

        A payment waits for nothing, nor does what goes out alone since it was refused with others.
        """
        pace = self._instance.pace()
        if pace is None or row.debt or not row.queue or row.queue[0].alone:
            return 0.0
        return pace.left_s(row.called_ms)

    def before_look_s(self, attempt: Attempt, *, own: bool) -> float:
        """How long a look at the receipt is not worth a call yet; 0 if the visit's `own` call went astray."""
        now = self._instance.clock.monotonic()
        if self._watched != attempt.id:
            self._watched, self._looks = attempt.id, 0
            in_flight_s = self._instance.rules.timeout_s + 1
            left_s = self._instance.api_clock.left_s(attempt.signed_at + in_flight_s)
            self._look_at = now if own else now + min(left_s, in_flight_s)
        return max(0.0, self._look_at - now)

    def before_first_look_s(self) -> float:
        """How long to leave the first look at a group to the visit that made its row."""
        now = self._instance.clock.monotonic()
        if self._first_look_at is None:
            self._first_look_at = now + self.jittered(max(FIRST_LOOK_S, self._accepted_in_s))
        return max(0.0, self._first_look_at - now)

    def after_look_s(self, attempt: Attempt) -> float:
        """The wait until the next look: growing, but not past the attempt's death, and none once that is proven."""
        interval_s = self.retry_s()
        left_s = self._instance.api_clock.left_s(death(attempt, self._instance.rules.bound_of(attempt)))
        if left_s > 0:
            interval_s = min(interval_s, left_s)
        # The look that hears of the death is followed at once by one that proves it, and that one by no other at once.
        self._hurries = self.is_dead(attempt) and not self._hurries
        return self.postpone(0.0 if self._hurries else interval_s)

    def postpone(self, seconds: float) -> float:
        """Let no look begin before `seconds` have passed."""
        self._look_at = self._instance.clock.monotonic() + seconds
        return seconds

    def is_dead(self, attempt: Attempt) -> bool:
        """Whether a `Date` heard since the attempt was met says that it is dead: half of the proof (R4 b)."""
        heard = self._instance.api_clock.since([attempt.id])
        return heard is not None and heard >= death(attempt, self._instance.rules.bound_of(attempt))
