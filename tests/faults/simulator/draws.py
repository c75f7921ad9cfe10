"""How each kind of hazard is drawn, and how often."""

import random
from collections.abc import Callable
from typing import TypeAlias

from handler.core.runtime.instance import Rules
from tests.faults.simulator import hazards
from tests.faults.simulator.hazards import Hazard
from tests.faults.world.api_time import FIXED, MISSING, OFF, STILL, YEAR_2096, YEAR_9999, OddDates
from tests.faults.world.network import Fate, ReadFate
from tests.faults.world.unreliable import LedgerFault
from tests.faults.world.vendor import CLAMPED, EXPIRED, FORBIDDEN, GONE, REFUSED, WRONG_ID, WRONG_KEY

Draw: TypeAlias = Callable[[random.Random, Rules], Hazard]
"""Draws a hazard of one kind."""

STEPS = 32
LEDGER_CALLS = 12
CODES = (10004, 10004, 10016, GONE, WRONG_ID, FORBIDDEN, EXPIRED, WRONG_KEY, 60007, 60020)
UNCLEAR = (10002, 60008)


def crash(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Crash(1 + int(chance.random() * STEPS))


def freeze(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.Freeze(1 + int(draw() * STEPS), 0.1 + 4 * (rules.bound_s + 1) * draw() * draw(), draw() < 0.3)


def ledger(chance: random.Random, rules: Rules) -> Hazard:
    """One of the first calls; sometimes those after it too."""
    call, outage_calls = 1 + int(chance.random() * LEDGER_CALLS), int(chance.random() * 1.5) * 3
    return hazards.LedgerFails(call, chance.choice((*LedgerFault, LedgerFault.LOST)), outage_calls)


def _number(chance: random.Random) -> int:
    return int(2.4 * chance.random() * chance.random())


def lost(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.Request(_number(chance), Fate(None if draw() < 0.5 else draw() * rules.life_s, replies=False))


def late(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    at_the_end = 0.9 * draw() if draw() < 0.5 else None
    work_s = rules.guard_s * (0.99 if draw() < 0.5 else draw())
    return hazards.Request(_number(chance), Fate(draw() * 1.5 * rules.life_s, draw() < 0.5, at_the_end, work_s, draw()))


def refused(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Request(_number(chance), Fate(code=chance.choice((*CODES, *UNCLEAR)), replies=chance.random() < 0.9))


def lied(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Request(_number(chance), Fate(code=chance.choice(CODES), lies=True), breaks=True)


def unclear(chance: random.Random, rules: Rules) -> Hazard:
    """An answer that proves nothing; the call takes effect all the same, at once or as late as the guard allows."""
    work_s = rules.guard_s * chance.random() if chance.random() < 0.5 else 0.0
    return hazards.Request(_number(chance), Fate(code=chance.choice(UNCLEAR), lies=True, lands_after_s=work_s))


def odd(chance: random.Random, rules: Rules) -> Hazard:
    """One answer shows another receipt than there is, to an update or to a read."""
    receipt = chance.choice((-1, 1)) * (1 + int(chance.random() * 2**20))
    if chance.random() < 0.6:
        return hazards.Request(_number(chance), Fate(odd=receipt))
    return hazards.Read(int(4 * chance.random()), ReadFate(odd=receipt))


def unsent(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Request(_number(chance), Fate(leaves=False))


def outlives(chance: random.Random, rules: Rules) -> Hazard:
    """The API works on it until long after the guard."""
    work_s = rules.guard_s + 1 + chance.random() * 3 * (rules.bound_s + 1)
    return hazards.Request(_number(chance), Fate(lands_after_s=work_s, replies=False), breaks=True)


def copied(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Request(
        _number(chance),
        Fate(copies=2, copied_after_s=chance.choice((0.0, 0.3)), replies=chance.random() < 0.7),
        breaks=True,
    )


def read(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    slow_s = draw() * rules.timeout_s
    fate = chance.choice((ReadFate(replies=False), ReadFate(reply_after_s=slow_s), ReadFate(code=chance.choice(CODES))))
    return hazards.Read(int(6 * draw() * draw()), fate)


def foreign_data(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.ForeignData(chance.random() * 2)


def foreign_receipt(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.ForeignReceipt(chance.random() * 2)


def dismissed(chance: random.Random, rules: Rules) -> Hazard:
    """Early, and more often than not for a short time."""
    draw = chance.random
    return hazards.Dismissed(draw() * 3 * draw(), draw() * 3 if draw() < 0.6 else None)


def absent(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.Dismissed(0.0, draw() * draw() * 6 if draw() < 0.7 else None)


def long_gone(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.LongGone(draw() * 3 * draw(), kept_s(rules) * (0.7 + draw()) + 10 * draw())


def kept_s(rules: Rules) -> float:
    """How long a row is kept in a world whose answers are kept for less than the memory of lost calls."""
    return rules.forget_s + rules.guard_s + 1


def restored(chance: random.Random, rules: Rules) -> Hazard:
    copied_s = chance.random() * 1.5 * chance.random()
    return hazards.Restored(copied_s, copied_s + chance.random() * 3)


def rotated(chance: random.Random, rules: Rules) -> Hazard:
    at_s = chance.random() * 0.5
    return hazards.Rotated(at_s, at_s + chance.choice((0.0, 0.2, 3.0)))


def jumps(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.ClockJumps(chance.random() * 2, int(chance.random() * 3), chance.uniform(-40, 40))


def forbidden(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Forbidden(chance.choice("ab"))


def demoted(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.Demoted(draw() * 2, 1 + 60 * draw() * draw())


def stray(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Stray(chance.random() * rules.bound_s)


def below_zero(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.BelowZero(CLAMPED if chance.random() < 0.5 else REFUSED, chance.random() < 0.2)


def outage(chance: random.Random, rules: Rules) -> Hazard:
    draw = chance.random
    return hazards.Outage(draw() * 2, 10 + 390 * draw() * draw(), draw() < 0.5)


def an_hour_long(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Outage(0.0, 3600 * (0.5 + chance.random()), replies=True)


def loses_every(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.LosesEvery(2 + int(chance.random() * 3))


def deleted(chance: random.Random, rules: Rules) -> Hazard:
    """One of the keys that operations share, in the first seconds."""
    return hazards.Deleted(chance.random() * 5, chance.choice("ab"))


def tidied(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Tidied(chance.random() * 30)


def forgotten(chance: random.Random, rules: Rules) -> Hazard:
    """Most often while the first call is under way."""
    return hazards.Forgotten(6 * chance.random() * chance.random() * chance.random())


def broken(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.Broken("F")


def odd_date(chance: random.Random, rules: Rules) -> Hazard:
    """One reply of the first ones, by minutes or by decades."""
    shown = chance.choice(((OFF, 600), (OFF, 299), (OFF, -60), (OFF, -600), (FIXED, YEAR_2096), (FIXED, YEAR_9999)))
    return OddDates(int(8 * chance.random() * chance.random()), 1, *shown)


def no_date(chance: random.Random, rules: Rules) -> Hazard:
    how = MISSING if chance.random() < 0.5 else STILL
    return OddDates(int(4 * chance.random() * chance.random()), 1 + int(40 * chance.random() * chance.random()), how)


def steps_back(chance: random.Random, rules: Rules) -> Hazard:
    return hazards.ApiSteps(chance.random() * 6, -chance.choice((10, 60, 60, 120)))


def far_off(chance: random.Random, rules: Rules) -> Hazard:
    """By ten minutes, before the instance does anything, or while it does."""
    at_s = 0.0 if chance.random() < 0.5 else chance.random() * 2
    return hazards.ClockJumps(at_s, int(chance.random() * 3), chance.choice((-600, 600)))


def paused(chance: random.Random, rules: Rules) -> Hazard:
    """At any moment, and more often than not for longer than it takes every instance to know of it."""
    draw = chance.random
    return hazards.Paused(6 * draw() * draw(), 1 + 60 * draw(), draw() < 0.6)


def third_lost(chance: random.Random, rules: Rules) -> Hazard:
    """Often that of what comes last where a group is gone for long."""
    return hazards.Request(2, Fate(None, replies=False))


def late_freeze(chance: random.Random, rules: Rules) -> Hazard:
    """Often of the sweep that looks at a group that is gone for long."""
    return hazards.Freeze(62 + int(chance.random() * 24), 9.0, stands_still=False)


def paused_while_gone(chance: random.Random, rules: Rules) -> Hazard:
    """The group alone, shortly before the row of one that is gone for long may expire."""
    return hazards.Paused(kept_s(rules) - 3 * chance.random(), 60.0, all=False)


HAZARDS: tuple[Draw, ...] = (
    *(crash, crash, crash, freeze, freeze, ledger, ledger, ledger),
    *(lost, lost, lost, late, late, late, refused, refused, lied, unclear, unsent, outlives, outlives),
    *(copied, read, read, foreign_data, foreign_receipt, dismissed, absent, restored, rotated, jumps, forbidden),
    *(broken, stray, below_zero, below_zero, outage, loses_every, deleted, tidied, odd_date, odd_date, no_date),
    *(steps_back, far_off),
)
"""Drawn from evenly: what stands here more often comes more often."""
