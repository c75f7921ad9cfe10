"""One worker's visit to one group: what it came for, what it may still do, and what it has learned on the way.

A visit owns nothing: no lease and no lock (R8). Any other worker may finish what it does not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from handler.core.errors import AnswerLost
from handler.core.model.operation import Counters, Mode
from handler.core.model.outcome import Record, Records, kept, rejected, unkept
from handler.core.model.row import FIRST_VERSION_BITS, Attempt, Entry, Group, Remembered, Row, first_row
from handler.core.model.row_size import Fitted, fitted
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply
from handler.core.ports.system import Notice, naming
from handler.core.protocol.backoff import Backoff
from handler.core.protocol.calls import Calls, OwnCall, Turns, of_attempt
from handler.core.runtime.api_clock import in_mind
from handler.core.runtime.instance import WAIT_MIN_S, Instance, TimeBudget
from handler.core.state.losses import told
from handler.core.state.transitions import Change, frozen

# After a lost compare-and-swap: long enough to let the winner go on.
CONTENTION_S = 0.02

# Waits after a rate refusal, doubled for the second one.
RATE_BACK_OFF_S = 0.5

# A missing receipt, or a missing group, is believed when the API has said it this often in a row.
TIMES_BELIEVED = 3

# Rate and signature refusals are met by a new attempt this often in one visit, then the answer is 202 (R6).
PASSING_MAX = 2


class Again(msgspec.Struct, frozen=True):
    """Read the row again, `after_s` seconds from now; if it waits `for_turn`, this visit's turn has come then."""

    after_s: float = 0.0
    for_turn: bool = False


class Stop(msgspec.Struct, frozen=True):
    """Go no further in this visit; `refusal` is the vendor's, if it refuses the app itself."""

    refusal: Refused | None = None


Next: TypeAlias = Row | Again | Stop


class InARow(msgspec.Struct):
    """How often in a row the API has shown what one reply does not prove."""

    absences: int = 0
    """The receipt was missing."""
    refusals: int = 0
    """The group could not be read."""
    other_codes: int = 0
    """A read was refused with another code than the call."""
    forbidden: int = 0
    """The group is not to be read, and it does exist."""


@dataclasses.dataclass(slots=True)
class Visit:
    """A visit to a group. It waits for the operations `wanted`; without any it goes on until the group is settled."""

    instance: Instance
    group: Group
    budget: TimeBudget
    wanted: frozenset[str] = frozenset()
    by_operator: bool = False
    """An operator looks at a group while it is paused, too (R15)."""
    own: OwnCall | None = None
    """The call of the attempt that this visit opened last."""
    answers: dict[str, Record] = dataclasses.field(default_factory=dict)
    is_first: bool = False
    """Whether this visit has made the group's row."""
    first_look: Mapping[str, int] | None = None
    """The group's counters as they were before this visit made its row (R14)."""
    stopped: Stop | None = None
    resumes_at: float = float("-inf")
    """The moment of the monotonic clock before which no attempt may open, and no other work is left (R11)."""
    frozen: str | None = None
    setbacks: int = 0
    renewed: bool = False
    in_a_row: InARow = dataclasses.field(default_factory=InARow)
    doubts: bool = False
    """Whether the last look showed what nothing explains: the next one decides, over a new connection (R4 e)."""
    teller: str = ""
    """Marks the operations whose rejection this visit itself reports to their source, if that takes failures back."""
    in_doubt: set[str] = dataclasses.field(default_factory=set)
    """What may have been rejected without a note: its source gets that answer, or has to deliver again."""
    cannot_park: bool = False
    """Whether a record could not be parked during this visit."""
    backoff: Backoff = dataclasses.field(init=False)
    turns: Turns = dataclasses.field(init=False)
    calls: Calls = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        """Begin with intervals of its own, and without any turn."""
        self.backoff = Backoff(self.instance)
        self.turns = Turns(self.instance, self.group, self.budget)
        self.calls = Calls(self.instance, self.group, self.turns, obeys_pauses=not self.by_operator)

    def is_done(self, row: Row) -> bool:
        """Whether what the visit came for is out of the row, and the row holds no debt and nothing to park."""
        if self.has_to_park(row):
            return False
        if self.wanted:
            return not row.debt and self.wanted.isdisjoint([entry.id for entry in row.owed])
        return not row.has_work

    def has_to_park(self, row: Row) -> bool:
        """Whether the row has notes that this visit can still write out (R6)."""
        return bool(row.notes) and not self.cannot_park and self.may_call()

    def is_paused(self, row: Row | None) -> bool:
        """Whether an operator has paused the row's group, or all groups: nothing is sent for it (R15)."""
        if row is not None and row.paused is not None:
            return not self.by_operator
        return self.calls.are_paused

    @property
    def group_is_gone(self) -> bool:
        """Whether the API has refused to read this group often enough to believe that it does not exist."""
        return self.in_a_row.refusals >= TIMES_BELIEVED

    @property
    def has_all_answers(self) -> bool:
        """Whether this visit itself has settled everything that it waits for."""
        return bool(self.wanted and self.answers) and self.wanted <= self.answers.keys()

    def may_call(self, after_s: float = 0.0) -> bool:
        """Whether a call that begins `after_s` from now is wanted, and can end before the invocation does (R3)."""
        return self.instance.may_call(self.budget, after_s)

    @property
    def waits_for_call(self) -> bool:
        """Whether this visit can call what it accepts now, as far as its turn tells."""
        return self.may_call() and not self.turns.is_too_late

    def wait(self, seconds: float, *, for_turn: bool = False) -> bool:
        """Let time pass, but not beyond the budget; False if this wait is not worth it.

        A visit keeps its turn only while it waits for that turn.
        """
        if not for_turn:
            self.turns.give_back()
            if seconds > self.budget.wait_max_s:
                return False
        left_s = min(self.budget.until, self.budget.deadline) - self.instance.clock.monotonic()
        if seconds > 0 and left_s > 0:
            self.instance.clock.sleep(max(WAIT_MIN_S, min(seconds, left_s)))
        return True

    def look(self) -> Row | None:
        """The row as it is now; answers that other workers have written meanwhile are taken in."""
        missing = tuple(self.wanted - self.answers.keys())
        if not missing:
            return self.instance.ledger.load(self.group)
        began = self.instance.clock.monotonic()
        look = self.instance.ledger.look(self.group, missing)
        self.instance.look_time.learn(self.instance.clock.monotonic() - began)
        self.answers.update(look.records)
        return look.row

    def rest(self, seconds: float) -> Again | Stop:
        """Wait while no worker can settle anything. A visit that does not last until then ends at once."""
        if not self.may_call(seconds):
            return Stop()
        self.resumes_at = self.instance.clock.monotonic() + seconds
        return Again(seconds)

    def fitted(self, row: Row) -> Row:
        """The row as it can be written; what gives way is reported first: nothing else keeps it (R13)."""
        return self.reported(fitted(row, self.instance.rules.row_bytes))

    def reported(self, fitted: Fitted) -> Row:
        """The row, with a report of each past attempt that has given way to it."""
        for past in fitted.dropped:
            self._report_dropped(past)
        return fitted.row

    def _report_dropped(self, past: Remembered) -> None:
        self.report(Notice.ATTEMPT_DROPPED, **of_attempt(past.attempt) | told(past))

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        """Report a notice of this group."""
        self.instance.reporter.report(notice, times, group=self.group.id, **evidence)

    def put(self, change: Row | Change, notice: Notice | None = None, **evidence: str | float | None) -> Row | Again:
        """Write by compare-and-swap, and report `notice` once that is done: of each operation that it ends, or once.

        If another worker has changed the row, or the answer is lost, the visit has to read the row again.
        """
        change = change if isinstance(change, Change) else Change(change)
        if change.dropped is not None:
            self._report_dropped(change.dropped)
        records = change.records
        row = self.fitted(self.calls.with_trouble(change))
        # Until its record is seen: what is written here may never be read by this visit.
        refused = rejected(records) - self.in_doubt if self.teller else frozenset()
        self.in_doubt |= refused
        try:
            done = self.instance.ledger.swap(self.group, row, self.lasting(records), change.watermarks)
        except AnswerLost:
            return Again()
        if not done:
            self.in_doubt -= refused
            return Again(self.backoff.jittered(CONTENTION_S))
        # Only the ledger knows which record is the first answer, so the visit reads those that it keeps.
        self.answers.update(unkept(records))
        if row.frozen:
            self.report(Notice.GROUP_FROZEN, reason=row.frozen, **naming(entry.id for entry in row.owed))
        if notice is not None:
            self.report(notice, max(1, len(records)), **evidence)
        return row

    def freeze(self, row: Row, reason: str) -> Row | Again:
        """Write why and since when nothing is sent until an operator decides (R7)."""
        return self.put(frozen(row, reason, self.instance.api_clock.now()))

    def lasting(self, records: Records) -> Records:
        """The records that a ledger keeps, each for the largest window that is noted now, or its caller's own (R11)."""
        stays = kept(records)
        if not stays:
            return stays
        longest_s = self.instance.windows.longest(self.group.app)
        return {name: replace(record, window_s=max(record.window_s, longest_s)) for name, record in stays.items()}

    def new_row(self, entries: Iterable[Entry]) -> Row:
        """The first row of the group, of a version that no earlier row of it has had."""
        version = 1 + self.instance.chance.getrandbits(FIRST_VERSION_BITS)
        return first_row(entries, self.instance.rules.receipt_key, self.instance.generation.current().number, version)

    def new_attempt(self, weight: int, mode: Mode, entries: tuple[Entry, ...], correction: Counters = ()) -> Attempt:
        """Make an attempt that only this visit may send (R2)."""
        attempt = Attempt(
            id=f"{self.instance.chance.getrandbits(96):024x}",
            weight=weight,
            mode=mode,
            entries=entries,
            signed_at=self.instance.api_clock.now(),
            life_s=self.instance.rules.life_s,
            correction=correction,
        )
        self.own = OwnCall(attempt.id)
        return attempt

    def own_call(self, attempt: Attempt | None) -> OwnCall | None:
        """This visit's call of the attempt; None if another visit has opened it."""
        is_own = self.own is not None and attempt is not None and attempt.id == self.own.attempt_id
        return self.own if is_own else None

    def send(self, row: Row, attempt: Attempt) -> Reply:
        """Make the one call of an attempt that this visit has opened (R3)."""
        # Noted before the call, so that no failure of it leads to a second one.
        self.own, self.in_a_row.other_codes = OwnCall(attempt.id, is_sent=True), 0
        reply = self.calls.update(row, attempt)
        if not (isinstance(reply, Counted) and row.receipt_key):
            # A reply with the receipt proves something of the row as it was; after a lost write the receipt is read.
            self.own = OwnCall(attempt.id, is_sent=True, reply=reply)
        return reply

    def confirm(self, refusal: Refused) -> None:
        """Keep the refusal of this visit's own call: it is confirmed, and acted on until the row reflects it."""
        self.own = self.own and replace(self.own, reply=refusal, is_confirmed=True)

    def heard(self, row: Row) -> int | None:
        """The largest `Date` heard since this instance has first met all that the row has in mind (R4 b)."""
        return self.instance.api_clock.since(in_mind(self.group, row, self.instance.generation.current().number))

    def setback(self, refusal: Refused) -> Again | Stop:
        """A refusal that is not the operation's fault (R6): renew, back off, or stop."""
        instance = self.instance
        if refusal.fault is Fault.CREDENTIALS and not self.renewed:
            self.renewed = True
            if instance.api.renew_credentials():
                self.report(Notice.SECRET_REFRESHED, code=refusal.code)
            return Again()
        if refusal.fault in {Fault.APP, Fault.CREDENTIALS}:
            instance.breaker.trip(refusal)
            self.report(Notice.APP_REFUSED, code=refusal.code)
            return Stop(refusal)
        self.setbacks += 1
        back_off_s = self.backoff.jittered(RATE_BACK_OFF_S * self.setbacks) if refusal.fault is Fault.RATE else 0.0
        return Stop() if self.setbacks > PASSING_MAX else Again(back_off_s)

    def failed_to_send(self) -> Again | Stop:
        """No connection could be made: try a few more attempts, then leave the rest to the next visit."""
        self.setbacks += 1
        return Stop() if self.setbacks > PASSING_MAX else Again(self.backoff.jittered(RATE_BACK_OFF_S * self.setbacks))
