"""L5 and L6: what the API makes of negative and zero deltas, values below zero and far above, and of repetitions."""

from __future__ import annotations

from functools import partial

from handler.core.model.lift import LIFT
from handler.core.model.operation import INT64_MAX, Mode
from handler.core.ports.counter_api import Counted, Fault, Refused
from handler.core.state.receipts import WEIGHT_MAX, WEIGHT_MIN
from handler.core.verify.finding import Check, Evidence, Finding, Inconclusive, run_check
from handler.core.verify.session import ProbeSession, described, values_of

KEY = "_verify_02"

START = 10
RANDOM_BITS = 32

# Deltas that are passed on as a caller gives them, and what they should make of the start.
DELTAS = (
    ("Increase by -1 counts down", Mode.INCREASE, -1, START - 1),
    ("Decrease by -1 counts up", Mode.DECREASE, -1, START + 1),
    ("Increase by 0 is taken", Mode.INCREASE, 0, START),
)

BELOW_ZERO = Check("L5", "Decrease below zero is counted", "A10")
LIFTED = Check("L5", "a receipt is lifted, and lowered again", "A10")

TWICE = Check("L5", "what a key given twice does")
OVERFLOW = Check("L5", "what 2^63-1 + 1 does")
SAME_RANDOM = Check("L6", "what the same random twice does", "A1")

NOT_BELOW_ZERO = (
    "callers: a Decrease that would go below zero is refused, or cut off and called applied, as `outcome` says; where "
    "it is cut off, what is owed back for a call that landed late may be too much"
)
NOT_LIFTED = "RECEIPT_KEY: leave it empty; a counter that cannot be moved like this proves nothing about a Decrease"

NOT_NEGATIVE = "callers: they must not send such a Value, with this Mode; the opposite Mode says the same"


def modes(session: ProbeSession) -> list[Finding]:
    """Every finding of L5; the last two are facts, on which nothing relies."""
    deltas = [
        run_check(Check("L5", name), partial(_delta, session, mode, value, after), NOT_NEGATIVE)
        for name, mode, value, after in DELTAS
    ]
    return [
        *deltas,
        run_check(BELOW_ZERO, lambda: _below_zero(session), NOT_BELOW_ZERO),
        run_check(LIFTED, lambda: _lifted(session), NOT_LIFTED),
        run_check(TWICE, lambda: _twice(session)),
        run_check(OVERFLOW, lambda: _overflow(session)),
    ]


def repetition(session: ProbeSession, random: int) -> list[Finding]:
    """The finding of L6, a fact: every call has a `random` of its own."""
    return [run_check(SAME_RANDOM, lambda: _same_random(session, random))]


def _delta(session: ProbeSession, mode: Mode, value: int, after: int) -> tuple[bool, Evidence]:
    session.done([(KEY, START)], Mode.SET)
    reply = session.update([(KEY, value)], mode)
    if isinstance(reply, Counted):
        return reply.values.get(KEY) == after, {"start": START, "after": reply.values.get(KEY), "code": 0}
    if isinstance(reply, Refused) and reply.fault is Fault.OPERATION:
        return False, {"start": START, "code": reply.code}
    raise Inconclusive(described(reply))


def _below_zero(session: ProbeSession) -> tuple[bool, Evidence]:
    """Decrease a counter of 1 by 2: a caller's own may be brought there, and the API's page does not say what comes."""
    session.done([(KEY, 1)], Mode.SET)
    reply = session.update([(KEY, 2)], Mode.DECREASE)
    if isinstance(reply, Refused) and reply.fault is Fault.OPERATION:
        return False, {"start": 1, "outcome": described(reply)}
    after = values_of(reply).get(KEY)
    outcome = "allowed" if after == -1 else "cut off at 0" if after == 0 else "neither counted nor cut off"
    return after == -1, {"start": 1, "after": after, "outcome": outcome}


def _lifted(session: ProbeSession) -> tuple[bool, Evidence]:
    """Move a counter as the receipt is before the first Decrease of a group, and by one (R2)."""
    session.done([(KEY, 0)], Mode.SET)
    values: list[int | None] = []
    for value, mode in ((LIFT + WEIGHT_MIN, Mode.INCREASE), (WEIGHT_MAX, Mode.DECREASE)):
        reply = session.update([(KEY, value)], mode)
        if isinstance(reply, Refused) and reply.fault is Fault.OPERATION:
            return False, {"mode": mode.value, "outcome": described(reply)}
        values.append(values_of(reply).get(KEY))
    holds = values == [LIFT + WEIGHT_MIN, LIFT + WEIGHT_MIN - WEIGHT_MAX]
    return holds, {"lifted": values[0], "lowered": values[1]}


def _twice(session: ProbeSession) -> tuple[bool, Evidence]:
    session.done([(KEY, START)], Mode.SET)
    reply = session.update([(KEY, 1), (KEY, 2)])
    return True, {"start": START, "reply": described(reply), "after": session.values().get(KEY)}


def _overflow(session: ProbeSession) -> tuple[bool, Evidence]:
    # Shown as text: these numbers are beyond what most readers of JSON hold exactly.
    session.done([(KEY, INT64_MAX)], Mode.SET)
    reply = session.update([(KEY, 1)])
    told, after = described(reply), str(session.values().get(KEY))
    return True, {"start": str(INT64_MAX), "reply": told, "after": after}


def _same_random(session: ProbeSession, random: int) -> tuple[bool, Evidence]:
    session.done([(KEY, 0)], Mode.SET)
    now, life_s = session.now(), session.rules.life_s
    replies = [session.update([(KEY, 1)], signed_at=now, life_s=life_s, random=random) for _ in range(2)]
    if not any(isinstance(reply, Counted) for reply in replies):
        raise Inconclusive(described(replies[0]))
    return True, {"calls": 2, "counted": session.values().get(KEY, 0), "second": described(replies[1])}
