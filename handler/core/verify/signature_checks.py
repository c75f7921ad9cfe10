"""L1: whether a short signature is good while it lives, and good for nothing afterwards (assumption A2)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, Refused, Reply
from handler.core.verify.finding import Check, CheckResult, Evidence, Finding, Inconclusive, run_check
from handler.core.verify.session import ProbeSession, described

KEY = "_verify_00"

# How long after its end a signature is tried, where there is no hurry; a tolerance of minutes would show here.
LONG_EXPIRED_S = 60

# A check does not wait for the end of a signature that is good for longer.
WAIT_MAX_S = 60

SHORT = Check("L1", "short signature accepted", "A2")
REUSED = Check("L1", "used signature refused after its end", "A2")
WITHOUT_EFFECT = Check("L1", "refused calls have no effect", "A2")

LIVE_LONGER = (
    "SIGNATURE_LIFE_S: give a long one, a day or more, and ATTEMPT_BOUND_S: how long a request can be held up at most; "
    "the promise is weaker then"
)
GUARD_MORE = "CLOCK_GUARD_S: raise it by the seconds for which the API still takes an expired signature"
BOUND = "ATTEMPT_BOUND_S: expiry stops nothing here, so give the longest time for which a request can be held up"
REPEATED = "ATTEMPT_BOUND_S: a used signature stays good here, so give the longest time after which a proxy may repeat"
MISTRUST = "CHAT_ENDPOINT: what answers there refuses calls and applies them; report it to the vendor"


def signatures(session: ProbeSession, *, quick: bool) -> list[Finding]:
    """Every finding of L1. If a short signature is refused anyway, expired ones are tried with a long life."""
    before = _before(session)
    short = run_check(SHORT, lambda: _short(session), LIVE_LONGER)
    life = session.rules.life_s if short.result is CheckResult.HOLDS else LONG_LIFE_S
    findings = [short, *(_expired_for(session, life, late_s) for late_s in _lateness(session, quick=quick))]
    findings.append(run_check(REUSED, lambda: _reused(session, life), REPEATED))
    accepted = sum(int(finding.evidence.get("accepted") or 0) for finding in findings)
    return [*findings, run_check(WITHOUT_EFFECT, lambda: _without_effect(session, before, accepted), MISTRUST)]


def _before(session: ProbeSession) -> int | None:
    """What the counter shows before anything is tried; None where that could not be read."""
    try:
        return session.values().get(KEY, 0)
    except Inconclusive:
        return None


def _lateness(session: ProbeSession, *, quick: bool) -> Sequence[int]:
    guard_s = max(1, ceil(session.rules.guard_s))
    return sorted({1, guard_s} if quick else {1, guard_s, LONG_EXPIRED_S})


def _short(session: ProbeSession) -> tuple[bool, Evidence]:
    life = session.rules.life_s
    reply = session.update([(KEY, 1)], signed_at=session.now(), life_s=life)
    good = _accepted(reply)
    return good, {"life_s": life, "accepted": int(good), "code": _code(reply)}


def _expired_for(session: ProbeSession, life: int, late_s: int) -> Finding:
    """Try a signature that was never used before and ended `late_s` seconds ago."""
    check = Check("L1", f"signature refused {late_s} s after its end", "A2")
    advice = BOUND if late_s >= session.rules.guard_s else GUARD_MORE

    def work() -> tuple[bool, Evidence]:
        reply = session.update([(KEY, 1)], signed_at=session.now() - life - late_s, life_s=life)
        good = _accepted(reply)
        return not good, {"late_s": late_s, "accepted": int(good), "code": _code(reply)}

    return run_check(check, work, advice)


def _reused(session: ProbeSession, life: int) -> tuple[bool, Evidence]:
    # Whole seconds on both sides; the guard keeps a tolerance of the API's from being taken for a memory.
    wait_s = life + session.rules.guard_s + 2.0
    if wait_s > WAIT_MAX_S:
        raise Inconclusive(f"its end is {wait_s:g} s away, which is not waited for")
    now = session.now()
    if not _accepted(session.update([(KEY, 1)], signed_at=now, life_s=life)):
        raise Inconclusive("the signature was refused at its first use")
    session.wait(wait_s)
    reply = session.update([(KEY, 1)], signed_at=now, life_s=life)
    good = _accepted(reply)
    return not good, {"life_s": life, "accepted": 1 + int(good), "code": _code(reply)}


def _without_effect(session: ProbeSession, before: int | None, accepted: int) -> tuple[bool, Evidence]:
    value = session.values().get(KEY, 0)
    if before is None:
        raise Inconclusive("what the counter showed before could not be read")
    return value <= before + accepted, {"accepted": before + accepted, "counted": value}


def _accepted(reply: Reply) -> bool:
    """Whether the signature was taken; Inconclusive where the reply is about something else."""
    if isinstance(reply, Counted):
        return True
    if isinstance(reply, Refused) and reply.fault in {Fault.SIGNATURE, Fault.CREDENTIALS}:
        return False
    # It may have been counted all the same.
    raise Inconclusive(described(reply), accepted=1)


def _code(reply: Reply) -> int:
    return reply.code if isinstance(reply, Refused) else 0
