"""What a test of the API finds out about an assumption, and how a test ends that cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

import msgspec

Evidence: TypeAlias = Mapping[str, str | float | None]


class CheckResult(str, Enum):
    """What a test says of an assumption."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_TESTED = "not tested"


class Check(msgspec.Struct, frozen=True):
    """What is asked: the test and the assumption in the protocol's numbers (empty: a fact that nothing relies on)."""

    test: str
    name: str
    assumption: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What was found. `advice` names the setting to change, or what to do to have it tested; empty if all is well."""

    question: Check
    verdict: CheckResult
    evidence: Evidence
    advice: str = ""


class Inconclusive(Exception):
    """A test could not be brought to an end."""

    def __init__(self, reason: str, **evidence: str | float | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence: Evidence = evidence


def judge(question: Check, work: Callable[[], tuple[bool, Evidence]], advice: str = "") -> Finding:
    """Do the work of a test: whether it holds, and the evidence. `advice` is for where it does not."""
    try:
        holds, evidence = work()
    except Inconclusive as end:
        return Finding(question, CheckResult.NOT_TESTED, end.evidence, end.reason)
    return Finding(question, CheckResult.HOLDS if holds else CheckResult.VIOLATED, evidence, "" if holds else advice)
