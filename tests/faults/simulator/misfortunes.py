"""Lets the hazards of a plan happen in its world, and says what they excuse."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING
from weakref import proxy

from handler.core.model.operation import Mode
from handler.core.model.row import Group, Pause
from handler.core.operator import pausing
from handler.core.ports.counter_api import Call
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import TimeBudget
from tests.faults.auditor.evidence import Facts
from tests.faults.simulator import hazards
from tests.faults.simulator.hazards import Hazard
from tests.faults.simulator.plan import FAR
from tests.faults.world import vendor
from tests.faults.world.api_time import OFF, OddDates
from tests.faults.world.network import Fate, ReadFate
from tests.faults.world.rules import APP
from tests.faults.world.unreliable import LedgerFault
from tests.faults.world.world import CRASH, START, Worker

if TYPE_CHECKING:
    from tests.faults.simulator.schedule import Schedule
    from tests.sandbox.memory_ledger import Snapshot

GROUP = Group(APP, "G")

# What a foreign writer adds: no operation has this digit.
FOREIGN = 1 << 40

# So much of each counter that no operation brings it to its end.
PLENTY = 1 << 50

# What a call of another ledger moves the receipt by.
STRAY_WEIGHT = 600_000


# What a row may lie ahead of the API's clock before it freezes.
MINUTES_S = 300

OUT_OF_REACH = LedgerFault.UNAVAILABLE

# After these somebody may not have lived to tell.
HUSHING = (hazards.Crash, hazards.LedgerFails, hazards.Freeze)


class Misfortunes:
    """All hazards of one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        # Without a circle a world is gone as soon as nobody looks at it.
        self._schedule: Schedule = proxy(schedule)
        self._world = schedule.world
        self._chat = schedule.chat
        self._to_come = 0
        self._still: set[int] = set()
        self._copy: Snapshot | None = None

    @property
    def are_over(self) -> bool:
        return not self._to_come

    def arrange(self) -> None:
        updates: dict[int, Fate] = {}
        reads: dict[int, ReadFate] = {}
        calls: dict[int, LedgerFault] = {}
        for hazard in self._schedule.plan.hazards:
            if isinstance(hazard, hazards.Request):
                updates[hazard.number] = hazard.fate
            elif isinstance(hazard, hazards.Read):
                reads[hazard.number] = hazard.fate
            elif isinstance(hazard, hazards.LedgerFails):
                calls |= dict.fromkeys(range(hazard.call, hazard.call + hazard.outage_calls + 1), OUT_OF_REACH)
                calls[hazard.call] = hazard.fault
            elif isinstance(hazard, hazards.Crash):
                self._world.interruptions[hazard.step] = CRASH
            elif isinstance(hazard, hazards.Freeze):
                self._world.interruptions[hazard.step] = hazard.seconds
                self._still |= {hazard.step} if hazard.stands_still else set()
            elif isinstance(
                hazard, hazards.Forbidden | hazards.BelowZero | hazards.Outage | hazards.LosesEvery | OddDates
            ):
                self._arrange_api(hazard)
            elif isinstance(hazard, hazards.Tidied | hazards.Forgotten):
                is_tidied = isinstance(hazard, hazards.Tidied)
                self._at(hazard.at_s, self._look_through if is_tidied else self._forget)
            elif isinstance(hazard, hazards.Broken):
                self._schedule.faults.broken = hazard.group_id
            else:
                self._arrange_in_time(hazard)
        fates = self._schedule.network.fates
        fates.updates[:] = [updates.get(number) for number in range(max(updates, default=-1) + 1)]
        fates.reads[:] = [reads.get(number) for number in range(max(reads, default=-1) + 1)]
        self._schedule.faults.planned = calls
        self._world.on_interruption = self._interrupted

    def excuses(self) -> Facts:
        facts = Facts()
        breaking: list[Fate] = []
        for hazard in self._schedule.plan.hazards:
            if isinstance(hazard, hazards.Request):
                breaking += [hazard.fate] if hazard.breaks else []
                facts.tampered |= hazard.fate.copied_after_s > 0
                facts.refuses |= hazard.fate.code != vendor.DONE
            elif isinstance(hazard, HUSHING):
                facts.hushed = True
                facts.straggles |= not isinstance(hazard, hazards.Crash)
            elif isinstance(hazard, hazards.Read):
                facts.refuses |= hazard.fate.code != vendor.DONE
            elif isinstance(hazard, hazards.Dismissed):
                facts.dismissed = facts.refuses = True
                # A group that is made again once its row has expired begins like any other.
                facts.inexplicable |= not self._has_expired
            elif isinstance(hazard, hazards.Restored):
                facts.restored = facts.inexplicable = True
            elif isinstance(hazard, hazards.ForeignReceipt):
                facts.tampered = True
            elif isinstance(hazard, hazards.Forbidden):
                facts.forbidden = hazard.key
            elif isinstance(hazard, hazards.BelowZero):
                refuses = hazard.how == vendor.REFUSED
                is_deleted = any(isinstance(other, hazards.Deleted) for other in self._schedule.plan.hazards)
                facts.scarce = refuses and (hazard.scarce or is_deleted)
                # What was counted too often cannot be taken back from a counter that is gone.
                facts.inexplicable |= refuses and is_deleted
        facts.pauses = self._pauses()
        facts.broken = bool(breaking) or self._gives_a_second_life
        facts.lied = bool(breaking) and all(fate.lies for fate in breaking) and not self._gives_a_second_life
        facts.lied &= not any(
            isinstance(hazard, hazards.Read | hazards.Dismissed | hazards.Demoted)
            for hazard in self._schedule.plan.hazards
        )
        facts.inexplicable |= facts.tampered
        # A call that landed twice is told, and so are several that landed late, but not both in one difference (R7).
        facts.inexplicable |= len(breaking) > 1 and any(fate.copies > 1 for fate in breaking)
        facts.inexplicable |= facts.broken and self._has_set
        facts.inexplicable |= abs(self._schedule.plan.receipt or 0) > FAR
        # Where no group has ever worked, what is not permitted is the operation's fault.
        facts.refuses |= self._has(hazards.Demoted) and not self._schedule.plan.is_known
        # Where no `Date` can be had, or none agrees with another because the API's clock was set (A11), a clock that is
        # minutes off stamps (R12).
        is_silent = self._has(OddDates) or self._has(hazards.ApiSteps)
        facts.inexplicable |= is_silent and sum(map(_off_s, self._schedule.plan.hazards)) > MINUTES_S
        # One odd answer is looked at again; of two the second may be that look.
        facts.inexplicable |= sum(map(_is_odd, self._schedule.plan.hazards)) > 1
        return facts

    @property
    def _has_expired(self) -> bool:
        """Whether the row of a group that was away for long was deleted before the group was made again."""
        made_again = self._chat.made[-1]
        return self._has(hazards.LongGone) and any(at < made_again for at in self._schedule.expired)

    @property
    def _gives_a_second_life(self) -> bool:
        """Whether a dead call may live again, because the API's clock was set back while it was on its way (A11).

        A frozen worker sends one when it wakes, and one odd `Date` has signed one for a time that was over at once.
        """
        if self._has(OddDates) and self._has(hazards.ApiSteps):
            steps = [START + one.at_s for one in self._schedule.plan.hazards if isinstance(one, hazards.ApiSteps)]
            if any(line.sent <= step < line.at for line in self._schedule.chat.landings for step in steps):
                return True
        return self._has(hazards.ApiSteps) and self._has(hazards.Freeze)

    def _has(self, kind: type[Hazard]) -> bool:
        return any(isinstance(hazard, kind) for hazard in self._schedule.plan.hazards)

    @property
    def _has_set(self) -> bool:
        return any(order.operation.mode is Mode.SET for order in self._schedule.plan.orders)

    def _arrange_api(
        self, hazard: hazards.Forbidden | hazards.BelowZero | hazards.Outage | hazards.LosesEvery | OddDates
    ) -> None:
        network = self._schedule.network
        if isinstance(hazard, hazards.Forbidden):
            self._chat.forbidden = hazard.key
        elif isinstance(hazard, OddDates):
            self._chat.time.odd.append(hazard)
        elif isinstance(hazard, hazards.BelowZero):
            self._chat.below_zero = hazard.how
            self._chat.groups[GROUP] |= {} if hazard.scarce else dict.fromkeys("ab", PLENTY)
        elif isinstance(hazard, hazards.Outage):
            begins = START + hazard.at_s
            network.outage, network.replies = (begins, begins + hazard.seconds), hazard.replies
        else:
            network.loses_every = hazard.number

    def _arrange_in_time(self, hazard: Hazard) -> None:
        if isinstance(hazard, hazards.ForeignData | hazards.ForeignReceipt):
            key = "a" if isinstance(hazard, hazards.ForeignData) else self._schedule.plan.rules.receipt_key
            self._at(hazard.at_s, lambda: self._write(Mode.INCREASE, {key: FOREIGN}))
        elif isinstance(hazard, hazards.Deleted):
            self._at(hazard.at_s, lambda: self._delete(hazard.key))
        elif isinstance(hazard, hazards.Dismissed):
            self._at(hazard.at_s, self._dismiss)
            if hazard.anew_after_s is not None:
                self._at(hazard.at_s + hazard.anew_after_s, self._make_anew)
        elif isinstance(hazard, hazards.Restored):
            self._at(hazard.copied_at_s, self._take_copy)
            self._at(hazard.at_s, self._restore)
        elif isinstance(hazard, hazards.Rotated):
            self._at(hazard.at_s, lambda: setattr(self._chat, "vault", 2))
            self._at(hazard.wanted_at_s, lambda: setattr(self._chat, "secret", 2))
        elif isinstance(hazard, hazards.ClockJumps | hazards.ApiSteps):
            self._at(hazard.at_s, lambda: self._set_clock(hazard))
        elif isinstance(hazard, hazards.Demoted | hazards.Paused):
            begin, end = self._ways_of(hazard)
            self._at(hazard.at_s, begin)
            self._at(hazard.at_s + hazard.lasts_s, end)
        elif isinstance(hazard, hazards.Stray) and self._has_history:
            moved = {"a": FOREIGN, self._schedule.plan.rules.receipt_key: STRAY_WEIGHT}
            self._at(hazard.at_s, lambda: self._write(Mode.INCREASE, moved))

    def _ways_of(self, hazard: hazards.Demoted | hazards.Paused) -> tuple[Callable[[], object], Callable[[], object]]:
        """What begins it, and what ends it."""
        if isinstance(hazard, hazards.Paused):
            return lambda: self._pause(hazard), lambda: self._resume(hazard)
        return lambda: setattr(self._chat, "demoted", True), lambda: setattr(self._chat, "demoted", False)

    def _pauses(self) -> list[tuple[float, float]]:
        """From when to when there is a pause, but where a frozen instance thaws in the middle of a call."""
        if self._has(hazards.Freeze):
            return []
        pauses = [one for one in self._schedule.plan.hazards if isinstance(one, hazards.Paused)]
        return [(START + one.at_s, START + one.at_s + one.lasts_s) for one in pauses]

    def _pause(self, hazard: hazards.Paused) -> None:
        self._world.tell(f"an operator pauses {'everything' if self._is_of_all(hazard) else 'the group'}")
        if self._is_of_all(hazard):
            self._schedule.memory.pause(Pause(int(self._world.now), "why"))
        else:
            pausing.pause_group(self._operator(), "why")

    def _resume(self, hazard: hazards.Paused) -> None:
        self._world.tell("an operator lets it go on")
        if self._is_of_all(hazard):
            self._schedule.memory.pause(None)
        else:
            pausing.resume_group(self._operator())

    def _is_of_all(self, hazard: hazards.Paused) -> bool:
        """A copy of the ledger may hold a pause of its group, or lack it; that of all is no part of the copy."""
        return hazard.all or self._has(hazards.Restored)

    def _operator(self) -> Visit:
        return Visit(self._schedule.instance_of_operator(), GROUP, TimeBudget(until=inf, deadline=inf))

    @property
    def _has_history(self) -> bool:
        return self._schedule.plan.receipt is not None and not self._schedule.plan.is_known

    def _at(self, seconds: float, action: object) -> None:
        self._to_come += 1

        def happen() -> None:
            self._to_come -= 1
            assert callable(action)
            action()

        self._world.at(START + seconds, happen)

    def _look_through(self) -> None:
        """Whoever parks what is there already has done so before it is dropped."""
        schedule = self._schedule
        seen = schedule.kept.page(APP, 100)
        self._world.at(self._world.now + 1, lambda: self._world.spawn("operator", lambda: schedule.give_up(seen), 0))

    def _forget(self) -> None:
        self._world.spawn("operator", self._schedule.forget, 0)

    def _write(self, mode: Mode, values: dict[str, int]) -> None:
        call = Call(group=GROUP, mode=mode, values=values, signed_at=0, life_s=0)
        if GROUP in self._chat.groups and self._chat.takes(call):
            self._chat.apply(call, vendor.FOREIGN)

    def _delete(self, key: str) -> None:
        if GROUP in self._chat.groups:
            self._chat.delete(GROUP, key)

    def _dismiss(self) -> None:
        if GROUP in self._chat.groups:
            self._chat.dismiss(GROUP)

    def _make_anew(self) -> None:
        if GROUP not in self._chat.groups:
            self._chat.create(GROUP)

    def _take_copy(self) -> None:
        self._copy = self._schedule.memory.snapshot()

    def _restore(self) -> None:
        if self._copy is None:
            return
        self._world.tell("the ledger is restored from a copy")
        schedule = self._schedule
        schedule.memory.restore(self._copy)
        generation = schedule.memory.raise_generation()
        if schedule.plan.seed % 2:
            # A visit to another group has stamped when it began.
            schedule.memory.start_generation(generation, int(self._chat.time.now))
        schedule.replace_ledger()

    def _set_clock(self, hazard: hazards.ClockJumps | hazards.ApiSteps) -> None:
        if isinstance(hazard, hazards.ApiSteps):
            self._world.tell(f"the API's clock is set by {hazard.seconds} s")
            self._chat.time.step_s += hazard.seconds
            return
        self._world.tell(f"the clock of instance {hazard.place} jumps by {hazard.seconds:.1f} s")
        self._schedule.clock(hazard.place).skew_s += hazard.seconds

    def _interrupted(self, worker: Worker, step: int, seconds: float | None) -> None:
        """After a crash the instance is a cold one; after a freeze its monotonic clock may have stood still."""
        if worker.place is None:
            return
        if seconds is None:
            self._schedule.restart(worker.place)
        elif step in self._still and self._world.lives_alone(worker):
            self._schedule.clock(worker.place).stopped_s += seconds


def _off_s(hazard: Hazard) -> float:
    """By how much it may put a clock off; a `Date` that is missing or fixed by nothing that is believed."""
    if isinstance(hazard, OddDates):
        return abs(hazard.seconds) if hazard.how == OFF else 0.0
    return abs(hazard.seconds) if isinstance(hazard, hazards.ClockJumps | hazards.ApiSteps) else 0.0


def _is_odd(hazard: Hazard) -> bool:
    return isinstance(hazard, hazards.Request | hazards.Read) and bool(hazard.fate.odd)
