"""One visit's turns in the app's schedules (R14): to call, to read, and to leave a call to others."""

from __future__ import annotations

from handler.core.model.row import Group
from handler.core.runtime.instance import PAUSE_MIN_S, Instance, TimeBudget
from handler.core.runtime.rate_limiter import Turn


class Turns:
    """The places that a visit to a group holds in its app's schedules, for as long as its budget lasts."""

    def __init__(self, instance: Instance, group: Group, budget: TimeBudget) -> None:
        self.held: Turn | None = None
        """The turn to call, taken and not used yet."""
        self.place: Turn | None = None
        """The same in the schedule of acceptances."""
        self._instance = instance
        self._group = group
        self._budget = budget

    def wait_s(self) -> float:
        """Seconds until this visit may call: it holds a turn from now on, or has to ask again by then."""
        now = self._instance.clock.monotonic
        if self.held is None or self.held.until < now():
            self.held = self._instance.updates.turn(self._group.app)
        wait_s = self.held.at - now()
        if not self.held.is_taken:
            self.held = None
        return max(wait_s, 0.0)

    @property
    def is_too_late(self) -> bool:
        """Whether the turn that this visit holds comes only when it is over."""
        return self.held is not None and not self._instance.may_call(
            self._budget, max(0.0, self.held.at - self._instance.clock.monotonic())
        )

    def use(self) -> None:
        """The call is made: the next one needs a turn of its own."""
        self.held = None

    def give_back(self) -> None:
        """Let another visit of this instance use the turn."""
        if self.held is not None:
            self._instance.updates.give_back(self.held)
            self.held = None

    def place_s(self) -> float:
        """Seconds until this visit may ask for a place in the schedule of acceptances again; 0 where it has one.

        The call of what is accepted may come as late as the place is: before that the sweep has no time for it.
        """
        clock, acceptances = self._instance.clock, self._instance.acceptances
        while self.place is None:
            place = acceptances.turn(self._group.app)
            wait_s = max(place.at - clock.monotonic(), PAUSE_MIN_S)
            if place.is_taken:
                self.place = place
            elif acceptances.is_saturated():
                return wait_s
            else:
                # Another thread of this instance is asking for several places, and soon done.
                clock.sleep(wait_s)
        return 0.0

    def use_place(self, *, needed: bool) -> None:
        """The acceptance is made. If the group was unfinished before, another acceptance may have the place."""
        if self.place is not None and not needed:
            self._instance.acceptances.give_back(self.place)
        self.place = None

    def end(self) -> None:
        """Give back every turn that was not used."""
        self.give_back()
        self.use_place(needed=False)

    def may_read(self) -> bool:
        """Wait for a turn among the app's reads; False where none comes while this visit goes on."""
        clock, reads = self._instance.clock, self._instance.reads
        while True:
            turn = reads.turn(self._group.app)
            wait_s = turn.at - clock.monotonic()
            if wait_s > 0:
                if not self._instance.may_call(self._budget, wait_s):
                    if turn.is_taken:
                        reads.give_back(turn)
                    return False
                clock.sleep(max(PAUSE_MIN_S, wait_s))
            # A call after its turn would come on top of those whose turn it is by then.
            if turn.is_taken and clock.monotonic() <= turn.until:
                return True
