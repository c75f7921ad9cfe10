"""`verify`: check the protocol's assumptions on a scratch group of the very app that will be used.

The rule book lists the checks: L1 signatures, L2 clocks, L3 wholeness, L4 freshness, L5 modes, L6 repetition. They say
what the API did today, with these settings; they cannot prove that it always will.
"""

from __future__ import annotations

import msgspec

from handler.core.errors import AppRefused, BadInput, NotAccepted
from handler.core.model.operation import Mode
from handler.core.ports.counter_api import Counted, Fault, Refused
from handler.core.ports.system import Chance
from handler.core.verify.clock_checks import clocks
from handler.core.verify.counter_checks import RANDOM_BITS, modes, repetition
from handler.core.verify.finding import Finding, Inconclusive
from handler.core.verify.session import ProbeSession
from handler.core.verify.signature_checks import signatures
from handler.core.verify.volume_checks import KEYS, Rounds, Together, freshness, wholeness

CALLS_MAX = 3500
CALLS_MAX_QUICK = 99

# The checks leave their counters behind, all at this value.
LEFT_AT = 0

# A refusal of the whole app ends when an operator acts, not by waiting.
RETRY_AFTER_S = 60.0


class Verification(msgspec.Struct, frozen=True):
    """What was found, with how many calls, and whether the scratch counters were set back."""

    findings: tuple[Finding, ...]
    calls: int
    set_back: bool


def verify(session: ProbeSession, chance: Chance, together: Together, rounds: Rounds, *, quick: bool) -> Verification:
    """Run every check, or with `quick` those that take few calls: L1, L2 and L5.

    Raises BadInput for a group that cannot be used or is in use, AppRefused or NotAccepted if the API takes no call.
    """
    _begin(session)
    findings = [*clocks(session), *modes(session), *signatures(session, quick=quick)]
    if not quick:
        findings += repetition(session, chance.getrandbits(RANDOM_BITS))
        findings += [*wholeness(session, together, rounds), *freshness(session, together, rounds)]
    session.ending = True
    set_back = _set_back(session)
    return Verification(tuple(findings), session.calls, set_back)


def _begin(session: ProbeSession) -> None:
    """Check that the group exists and has no counters of its own."""
    try:
        reply = session.read()
    except Inconclusive as end:
        raise NotAccepted(end.reason) from None
    if isinstance(reply, Refused):
        if reply.fault is Fault.OPERATION:
            raise BadInput("GroupId", f"the vendor refuses this group with code {reply.code}")
        raise AppRefused(reply.code, reply.info, RETRY_AFTER_S)
    if not isinstance(reply, Counted):
        raise NotAccepted(f"the API could not be asked: {reply.reason}")
    foreign = len(reply.values.keys() - set(KEYS))
    if foreign:
        raise BadInput("GroupId", f"has {foreign} counters of its own, so it is in use; name a group made for tests")


def _set_back(session: ProbeSession) -> bool:
    """Leave the counters at a known value. A deletion by the API could take too much with it."""
    try:
        return isinstance(session.update([(key, LEFT_AT) for key in KEYS], Mode.SET), Counted)
    except Inconclusive:
        return False
