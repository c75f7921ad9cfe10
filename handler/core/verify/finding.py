"""A check of one assumption on the live API, what it found, and how it ends where it cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

import msgspec

Evidence: TypeAlias = Mapping[str, str | float | None]


class CheckResult(str, Enum):
    """What a check says of an assumption."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_TESTED = "not tested"


class Check(msgspec.Struct, frozen=True):
    """One check, with its number and its assumption's in the rule book (none: a fact that nothing relies on)."""

    test: str
    name: str
    assumption: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What a check found. `advice` names the setting to change, or how to get it tested; empty if all is well."""

    check: Check
    result: CheckResult
    evidence: Evidence
    advice: str = ""


class Inconclusive(Exception):
    """A check could not be brought to an end."""

    def __init__(self, reason: str, **evidence: str | float | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence: Evidence = evidence


def run_check(check: Check, work: Callable[[], tuple[bool, Evidence]], advice: str = "") -> Finding:
    """Run one check and wrap its result. `advice` is attached only if the assumption is violated."""
    try:
        holds, evidence = work()
    except Inconclusive as end:
        return Finding(check, CheckResult.NOT_TESTED, end.evidence, end.reason)
    return Finding(check, CheckResult.HOLDS if holds else CheckResult.VIOLATED, evidence, "" if holds else advice)
