"""L2: whether the API's `Date` tells the time, by all hosts, and how long an update takes to show (A2, A11)."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.verify.finding import Check, Evidence, Finding, Inconclusive, run_check
from handler.core.verify.session import ProbeSession

KEY = "_verify_01"

# Reads of the clock, each over a new connection, and the time between them: several hosts may answer.
READS = 6
READS_EVERY_S = 0.4

# Whole seconds apart are within what two hosts with good clocks show.
HOSTS_APART_MAX_S = 1.0

EFFECTS = 3
LOOK_MIN_S = 0.05
LOOK_MAX_S = 1.0

# An effect that takes longer than the guard is looked for this much longer, and no further.
BEYOND_GUARD_S = 3.0

# The share of the guard for the API's work on a call after it has checked the signature; the rest is for its clocks.
WORK_S = 3.0

DATE = Check("L2", "Date tells the time", "A2")
HOSTS = Check("L2", "the hosts' clocks agree", "A11")
EFFECT = Check("L2", "updates show within the guard", "A2")

RIGHT_THE_CLOCK = (
    "CLOCK_GUARD_S: if this machine's clock is right, raise it above the difference, because attempts are judged by "
    "the API's Date"
)
GUARD_AGAINST_HOSTS = "CLOCK_GUARD_S: raise it to the difference between the hosts and 3 s more"
GUARD_MORE = "CLOCK_GUARD_S: raise it above the longest time from sending to effect"


def clocks(session: ProbeSession) -> list[Finding]:
    """Every finding of L2."""
    return [
        run_check(DATE, lambda: _date(session), RIGHT_THE_CLOCK),
        run_check(HOSTS, lambda: _hosts(session), GUARD_AGAINST_HOSTS),
        run_check(EFFECT, lambda: _effects(session), GUARD_MORE),
    ]


def _date(session: ProbeSession) -> tuple[bool, Evidence]:
    for _ in range(READS):
        session.wait(READS_EVERY_S)
        session.values(fresh=True)
    dated = _dated(session)
    if not dated:
        return False, {"calls": len(session.readings), "calls_with_date": 0}
    lows, highs = zip(*dated, strict=True)
    # A difference counts as far as it is certain: a Date is cut to whole seconds, and a call takes its time.
    off_s = max(*lows, *(-high for high in highs), 0.0)
    apart_s = _apart_s(dated)
    holds = off_s <= session.rules.guard_s and apart_s <= HOSTS_APART_MAX_S
    middles = [(low + high) / 2 for low, high in dated]
    return holds, {
        "calls_with_date": len(dated),
        "api_ahead_s": round(sum(middles) / len(middles), 2),
        "off_at_least_s": round(off_s, 2),
        "replies_apart_s": round(apart_s, 2),
        "guard_s": session.rules.guard_s,
    }


def _hosts(session: ProbeSession) -> tuple[bool, Evidence]:
    """Compare the replies so far; a host that sent none of them is not covered."""
    dated = _dated(session)
    if not dated:
        raise Inconclusive("no reply had a Date")
    apart_s = _apart_s(dated)
    allowed_s = max(session.rules.guard_s - WORK_S, HOSTS_APART_MAX_S)
    evidence: Evidence = {"replies": len(dated), "replies_apart_s": round(apart_s, 2), "allowed_s": allowed_s}
    return apart_s <= allowed_s, evidence


def _dated(session: ProbeSession) -> list[tuple[float, float]]:
    """How far the API's clock is ahead of the local one, at least and at most, by each reply with a `Date`."""
    return [
        (date - reading.received, date + 1 - reading.sent) for reading in session.readings if (date := reading.date)
    ]


def _apart_s(dated: Sequence[tuple[float, float]]) -> float:
    """How far the clocks of two replies certainly differ, at most."""
    return max(max(low for low, _ in dated) - min(high for _, high in dated), 0.0)


def _effects(session: ProbeSession) -> tuple[bool, Evidence]:
    longest_s, reads, shown = 0.0, 0, True
    for _ in range(EFFECTS):
        elapsed_s, looked, shown = _effect(session)
        longest_s, reads = max(longest_s, elapsed_s), reads + looked
        if not shown:
            break
    holds = shown and longest_s <= session.rules.guard_s
    return holds, {"longest_s": round(longest_s, 3), "reads": reads, "guard_s": session.rules.guard_s}


def _effect(session: ProbeSession) -> tuple[float, int, bool]:
    """Send one update: seconds from sending until a read shows it, how many reads that took, and whether one did."""
    started = session.clock.monotonic()
    wanted = session.done([(KEY, 1)])[KEY]
    patience_s = session.rules.guard_s + BEYOND_GUARD_S
    interval_s, reads = LOOK_MIN_S, 0
    while True:
        reads += 1
        shown = session.values().get(KEY, 0) >= wanted
        elapsed_s = session.clock.monotonic() - started
        if shown or elapsed_s > patience_s:
            return elapsed_s, reads, shown
        session.wait(interval_s)
        interval_s = min(interval_s * 2, max(LOOK_MAX_S, session.rules.guard_s / 8))
