"""The app's schedules (R14): which turns there are, what an instance asks of one, and what it is lent."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from enum import Enum
from typing import TypeAlias

import msgspec


class Schedule(Enum):
    """What a turn is for. The vendor limits each command separately, so updates and reads do not wait for each other.

    An acceptance takes a turn if the sweep has to make its call, because the sweep can only make a limited number.
    """

    UPDATES = "updates"
    READS = "reads"
    ACCEPTANCES = "acceptances"


class CallerSchedule(msgspec.Struct, frozen=True):
    """The requests of one caller over HTTP, under a `value` that every store can keep, however long its name is."""

    value: str

    @classmethod
    def of(cls, caller: str) -> CallerSchedule:
        """The schedule of the caller with this name."""
        digest = hashlib.sha256(caller.encode(errors="surrogatepass")).digest()
        return cls("caller/" + urlsafe_b64encode(digest[:16]).decode().rstrip("="))


AnySchedule: TypeAlias = Schedule | CallerSchedule


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance asks of a schedule: the next `calls` of it, where `rate` of them are lent out a second.

    Nothing is lent that begins later than `ahead_max_s` from now. `longest_s` is how long one lease lasts at most.
    `now` is the API's time by the asker's clock (R12), and `lag_s` how far behind the schedule's clock that was when it
    asked last; a store that has a clock of its own goes by that.
    """

    app: int
    schedule: AnySchedule
    calls: float
    rate: float
    ahead_max_s: float
    longest_s: float
    now: float
    lag_s: float

    @property
    def lasting_s(self) -> float:
        """How long the calls last."""
        return self.calls / self.rate


class Lent(msgspec.Struct, frozen=True):
    """The seconds until the first of the calls; None, and nothing was taken, where that would be too long.

    `lag_s` is how far the asker's clock is behind the schedule's, where the askers' clocks are all it has.
    """

    wait_s: float | None
    lag_s: float = 0.0


NOTHING = Lent(None)


class Hold(msgspec.Struct, frozen=True):
    """Lend nothing of a schedule for `seconds` from now; 0 lends again. `now` is as in a claim."""

    app: int
    schedule: AnySchedule
    now: float
    seconds: float


class Stand(msgspec.Struct, frozen=True):
    """The state of a schedule: until when it is lent out, and until when nothing is lent, on its own clock."""

    free_at: float = 0.0
    held_until: float = 0.0

    def lent(self, claim: Claim, now: float) -> tuple[Stand, Lent]:
        """The state with the claim met, if it can be; `now` is the time of the one clock that all askers go by."""
        begins = max(now, self.free_at)
        if begins - now > claim.ahead_max_s + claim.longest_s:
            # No lease reaches that far, so the clock has been set back.
            begins = now + claim.ahead_max_s
        if now < self.held_until or begins - now > claim.ahead_max_s:
            return self, NOTHING
        return Stand(begins + claim.lasting_s, self.held_until), Lent(begins - now)
