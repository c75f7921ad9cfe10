"""One visit's calls to the API, each in its turn, and what an instance learns from every reply (R3, R12, R14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Group, Row, Trouble
from handler.core.model.row_size import TROUBLE_CHARACTERS
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Reply, Unclear, Unsent
from handler.core.ports.error_codes import meaning_of
from handler.core.ports.system import Evidence, Measure, Notice, naming
from handler.core.runtime.instance import WAIT_MIN_S, Instance, TimeBudget
from handler.core.runtime.rate_limiter import LEASING_S, Turn
from handler.core.state.merge import payload_of
from handler.core.state.transitions import Change


class Turns:
    """The places that a visit to a group holds in its app's schedules, for as long as its budget lasts."""

    def __init__(self, instance: Instance, group: Group, budget: TimeBudget) -> None:
        self.taken: Turn | None = None
        """The turn to call, taken and not used yet."""
        self.place: Turn | None = None
        """The same in the schedule of acceptances."""
        self._instance = instance
        self._group = group
        self._budget = budget

    def wait_s(self) -> float:
        """Seconds until this visit may call: it holds a turn from now on, or has to ask again by then.

        Of an instance's visits to one group a single one holds a turn: its call serves them all.
        """
        now = self._instance.clock.monotonic
        if self.taken is None or self.taken.until < now():
            self._let_go()
            others = self._instance.turns_taken.get(self._group)
            if others is not None and others.until >= now():
                return max(others.at - now(), LEASING_S)
            turn = self._instance.updates.turn(self._group.app)
            if not turn.is_taken:
                return max(turn.at - now(), WAIT_MIN_S)
            self.taken = self._instance.turns_taken[self._group] = turn
        return max(self.taken.at - now(), 0.0)

    @property
    def is_too_late(self) -> bool:
        """Whether the turn that this visit holds comes only when it is over."""
        return self.taken is not None and not self._instance.may_call(
            self._budget, max(0.0, self.taken.at - self._instance.clock.monotonic())
        )

    def use(self) -> None:
        """The call is made: the next one needs a turn of its own."""
        self._let_go()

    def give_back(self) -> None:
        """Let another visit of this instance use the turn."""
        if self.taken is not None:
            self._instance.updates.give_back(self.taken)
            self._let_go()

    def _let_go(self) -> None:
        if self.taken is not None and self._instance.turns_taken.get(self._group) is self.taken:
            del self._instance.turns_taken[self._group]
        self.taken = None

    def place_s(self) -> float:
        """Seconds until this visit may ask for a place in the schedule of acceptances again; 0 where it has one.

        The call of what is accepted may come as late as the place is: before that the sweep has no time for it.
        """
        clock, acceptances = self._instance.clock, self._instance.acceptances
        while self.place is None:
            place = acceptances.turn(self._group.app)
            wait_s = max(place.at - clock.monotonic(), WAIT_MIN_S)
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
                clock.sleep(max(WAIT_MIN_S, wait_s))
            # A call after its turn would come on top of those whose turn it is by then.
            if turn.is_taken and clock.monotonic() <= turn.until:
                return True


# The vendor's code for what is not permitted: to this group, its type, or this account.
NOT_PERMITTED = 10007


class OwnCall(msgspec.Struct, frozen=True):
    """The one call of an attempt that this visit has opened: no other worker sends it (R3)."""

    attempt_id: str
    is_sent: bool = False
    reply: Reply | None = None
    """What became of it, until the row reflects that: a lost write must not make the visit forget it."""
    is_confirmed: bool = False
    """Whether a look at the receipt has confirmed the refusal in `reply` (R4 c)."""


class Calls:
    """What a visit asks of the API, and what is known of the last reply."""

    def __init__(self, instance: Instance, group: Group, turns: Turns, *, obeys_pauses: bool = True) -> None:
        self.trouble: Trouble | None = None
        """The last call to the group that was refused or proved nothing, since something was settled."""
        self.is_dated = False
        """Whether the last reply had a `Date` that is evidence (R12)."""
        self.took_s = 0.0
        """How long it took."""
        self.forbidden_at = 0.0
        """When a call was last refused by 10007, which may be the app's fault (R6)."""
        self._instance = instance
        self._group = group
        self._turns = turns
        self._obeys_pauses = obeys_pauses

    @property
    def are_paused(self) -> bool:
        """Whether an operator has paused every group (R15)."""
        return self._obeys_pauses and self._instance.generation.current().paused is not None

    def with_trouble(self, change: Change) -> Row:
        """The row of a change with the last call that failed; none once something is settled or nothing is owed."""
        if change.records or not change.row.has_work:
            self.trouble = None
            return replace(change.row, trouble=None)
        return replace(change.row, trouble=self.trouble) if self.trouble is not None else change.row

    def update(self, row: Row, attempt: Attempt) -> Reply:
        """Make the one POST of an attempt, the receipt in it (R3)."""
        values = payload_of(attempt)
        if row.receipt_key:
            values[row.receipt_key] = attempt.weight + (attempt.base if attempt.mode is Mode.SET else 0)
        call = Call(
            group=self._group, mode=attempt.mode, values=values, signed_at=attempt.signed_at, life_s=attempt.life_s
        )
        instance, began = self._instance, self._instance.clock.monotonic()
        reply = self._learned(self._group, instance.api.update(call), began, attempt)
        instance.call_time.learn(instance.clock.monotonic() - began)
        if isinstance(reply, Counted):
            instance.breaker.reset()
            instance.landings.note(self._group, began)
            instance.values_cache.learn(self._group, reply.values)
        return reply

    def read(self, keys: Sequence[str], *, fresh: bool = False) -> Reply:
        """Read counters of this visit's group, all of them if `keys` is empty."""
        return self.read_of(self._group, keys, fresh=fresh)

    def read_of(self, group: Group, keys: Sequence[str], *, fresh: bool = False) -> Reply:
        """Read those of any group of the app, `fresh` over a new connection; not sent if no turn comes in time."""
        if not self._turns.may_read():
            return Unsent("no turn among the app's reads came in time")
        if self.are_paused:
            # The pause may have begun while this read waited for its turn, or between two reads of one step.
            return Unsent("an operator has paused every group")
        began, api_clock = self._instance.clock.monotonic(), self._instance.api_clock
        fresh = fresh or api_clock.wants_another_connection()
        reply = self._instance.api.read(group, keys, api_clock.now(), fresh=fresh)
        return self._learned(group, reply, began)

    def _learned(self, group: Group, reply: Reply, began: float, attempt: Attempt | None = None) -> Reply:
        """Learn what the reply to an attempt, or to a read, says of the API.

        Returns it without a `Date` that is no evidence (R12).
        """
        instance = self._instance
        self.is_dated = instance.api_clock.learn(reply.date, reply.connection)
        self.took_s = instance.clock.monotonic() - began
        if not isinstance(reply, Unsent):
            latency = Measure.READ_LATENCY_S if attempt is None else Measure.UPDATE_LATENCY_S
            instance.reporter.measure(latency, self.took_s)
        if group == self._group and not isinstance(reply, Counted):
            self.trouble = Trouble(trouble_with(reply, self.took_s), instance.api_clock.now())
        if isinstance(reply, Refused) and reply.code == NOT_PERMITTED:
            self.forbidden_at = instance.clock.monotonic()
        if isinstance(reply, Refused) and reply.fault is Fault.RATE:
            (instance.reads if attempt is None else instance.updates).slow_down()
            instance.reporter.report(Notice.RATE_LIMITED, code=reply.code, **_whose(group, attempt))
        if isinstance(reply, Unclear | Unsent):
            instance.call_failed(reply.reason, self.took_s, **_whose(group, attempt))
        return reply if self.is_dated or reply.date is None else dataclasses.replace(reply, date=None)


def of_attempt(attempt: Attempt) -> Evidence:
    """Evidence of an attempt: its id, and those of its operations."""
    return {"attempt": attempt.id, **naming(entry.id for entry in attempt.entries)}


def _whose(group: Group, attempt: Attempt | None) -> Evidence:
    """Evidence of the group that was called, and of the attempt where the call was one."""
    whose: Evidence = {"group": group.id}
    return whose if attempt is None else whose | of_attempt(attempt)


def trouble_with(reply: Refused | Unclear | Unsent, took_s: float) -> str:
    """A reply that was refused or proved nothing, in words that a row can keep: short, and printable ASCII."""
    if isinstance(reply, Refused):
        what = f"{reply.code}: {meaning_of(reply.code).meaning}"
    else:
        what = f"{reply.reason} after {took_s:.1f} s"
    return "".join(one if " " <= one <= "~" else "?" for one in what[:TROUBLE_CHARACTERS])
