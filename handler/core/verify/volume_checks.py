"""L3 and L4, by many calls from two workers: whether an update is whole (A3), and whether reads are current (A4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import msgspec

from handler.core.model.operation import INT64_MAX, KEYS_PER_GROUP, Mode
from handler.core.ports.counter_api import Counted
from handler.core.verify.finding import Check, Evidence, Finding, Inconclusive, run_check
from handler.core.verify.session import ProbeSession

KEYS = tuple(f"_verify_{number:02}" for number in range(KEYS_PER_GROUP))

WORKERS = 2

WHOLE = Check("L3", "all keys of a call move together", "A3")
NOTHING = Check("L3", "a refused call moves no key", "A3")
CURRENT = Check("L4", "reads show the last update", "A4")

ONE_KEY = "callers: one key per call, and RECEIPT_KEY empty; a receipt proves nothing about the other keys of its call"
NO_RECEIPT = "RECEIPT_KEY: leave it empty; a read that lags cannot show whether a call has landed"


class Rounds(msgspec.Struct, frozen=True):
    """How much each worker does at most: a call for L3, an update and a read for L4."""

    whole: int = 690
    current: int = 500


class Tally(msgspec.Struct, frozen=True):
    """What one worker saw. `failures` are rounds that contradict the assumption; `ended` why it stopped early."""

    rounds: int
    failures: int
    unclear: int
    ended: str = ""


Together: TypeAlias = Callable[[Sequence[Callable[[], Tally]]], list[Tally]]
"""Runs works at the same time, and waits for all of them."""


def wholeness(session: ProbeSession, together: Together, rounds: Rounds) -> list[Finding]:
    """Both findings of L3."""
    return [
        run_check(WHOLE, lambda: _whole(session, together, rounds.whole), ONE_KEY),
        run_check(NOTHING, lambda: _nothing(session), ONE_KEY),
    ]


def freshness(session: ProbeSession, together: Together, rounds: Rounds) -> list[Finding]:
    """The finding of L4."""

    def work() -> tuple[bool, Evidence]:
        session.done([(key, 0) for key in KEYS], Mode.SET)
        return _sum(together([_repeated(rounds.current, _reader(session, key)) for key in KEYS[:WORKERS]]))

    return [run_check(CURRENT, work, NO_RECEIPT)]


def _whole(session: ProbeSession, together: Together, rounds: int) -> tuple[bool, Evidence]:
    session.done([(key, 0) for key in KEYS], Mode.SET)
    holds, evidence = _sum(together([_repeated(rounds, partial(_moves_together, session))] * WORKERS))
    left = session.values()
    return holds and len({left.get(key) for key in KEYS}) == 1, evidence


def _moves_together(session: ProbeSession) -> bool | None:
    reply = session.update([(key, 1) for key in KEYS])
    return len(set(reply.values.values())) == 1 if isinstance(reply, Counted) else None


def _nothing(session: ProbeSession) -> tuple[bool, Evidence]:
    """Let the last key of a call overflow: the keys before it must not have moved."""
    *others, last = KEYS
    session.done([*((key, 0) for key in others), (last, INT64_MAX)], Mode.SET)
    if isinstance(session.update([(key, 1) for key in KEYS]), Counted):
        raise Inconclusive("the API lets a counter overflow, so no call could be made to fail")
    left = session.values()
    moved = sum(left.get(key) != 0 for key in others) + (left.get(last) != INT64_MAX)
    return moved == 0, {"keys": len(KEYS), "moved": moved}


def _reader(session: ProbeSession, key: str) -> Callable[[], bool | None]:
    def is_current() -> bool | None:
        written, read = session.update([(key, 1)]), session.read()
        if not isinstance(written, Counted) or not isinstance(read, Counted):
            return None
        return read.values.get(key, 0) >= written.values[key]

    return is_current


def _repeated(rounds: int, attempt: Callable[[], bool | None]) -> Callable[[], Tally]:
    """The same attempt over and over, until one contradicts the assumption; None counts as no clear answer."""

    def work() -> Tally:
        unclear = 0
        for done in range(rounds):
            try:
                held = attempt()
            except Inconclusive as end:
                return Tally(done, 0, unclear, end.reason)
            if held is False:
                return Tally(done + 1, 1, unclear)
            unclear += held is None
        return Tally(rounds, 0, unclear)

    return work


def _sum(tallies: Sequence[Tally]) -> tuple[bool, Evidence]:
    evidence: dict[str, str | float | None] = {
        "rounds": sum(tally.rounds for tally in tallies),
        "failures": sum(tally.failures for tally in tallies),
        "unclear": sum(tally.unclear for tally in tallies),
    }
    if evidence["failures"]:
        return False, evidence
    ended = [tally.ended for tally in tallies if tally.ended]
    if ended or evidence["unclear"] == evidence["rounds"]:
        raise Inconclusive(ended[0] if ended else "no reply was clear", **evidence)
    return True, evidence
