"""Bring operations to their groups: in the source's order within a group, groups side by side, within the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handler.core.errors import NotAccepted, OutcomeUnknown, TooManyCalls
from handler.core.model.operation import Operation
from handler.core.model.outcome import KeyReused, Outcome, Rejected
from handler.core.ports.system import Clock
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.parking import refused_with
from handler.core.runtime.instance import Instance, TimeBudget
from handler.triggers.concurrency import Failure, unforeseen
from handler.triggers.context import REPLY_MARGIN_S
from handler.triggers.invocation import UNLIMITED_S, Invocation

# Operations of one group that are accepted by one write and go out in one call; a row has room for about that many
# small ones with what they are parked with. With half as many a batch for one group takes twice the calls, and calls
# are what the vendor counts.
CHUNK = 150

# The last part of an invocation is for accepting alone, so that slow groups do not keep others from being accepted.
ACCEPTING_SHARE = 0.25

# With very many groups, as pages of ticks bring them, that part is longer: an instance accepts at least so many of them
# in a second, and those that are not accepted have to be delivered again.
ACCEPTED_PER_S = 250


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record is never executed.

    `for_parking`: it is parked even where it could be reported as failed, because no delivery will ever go better.
    `is_told`: the refusal has been reported where it happened. `is_noted`: where its source does not take it back, the
    core parks it (R6).
    """

    reason: str
    for_parking: bool = False
    is_told: bool = False
    is_noted: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """Moments of the local monotonic clock: until when to make calls, to begin ledger writes, and the end."""

    calling: float
    writing: float
    end: float

    @classmethod
    def of(cls, invocation: Invocation, groups: int = 0) -> Times:
        """Divide what the platform gives for so many groups."""
        end = invocation.deadline_or(UNLIMITED_S)
        accepting_s = max(REPLY_MARGIN_S, (end - invocation.started) * ACCEPTING_SHARE, groups / ACCEPTED_PER_S)
        return cls(end - accepting_s, end - REPLY_MARGIN_S, end)

    def check(self, clock: Clock) -> None:
        """Raise NotAccepted where no ledger write should begin any more."""
        if clock.monotonic() >= self.writing:
            raise NotAccepted("the invocation has no time left")


def deliver(
    group_id: str,
    operations: Sequence[Operation],
    counters: ExactlyOnce,
    instance: Instance,
    times: Times,
    *,
    gives_back: bool = False,
) -> list[Refusal | Failure | None]:
    """What becomes of each operation of a group; None for one that is accepted.

    After a Failure nothing later is accepted, so that a second delivery keeps the order. With `gives_back` whoever asks
    hands refusals back to the source.
    """
    patience = TimeBudget(until=times.calling, deadline=times.end, accepts_until=times.writing, gives_back=gives_back)
    fates: list[Refusal | Failure | None] = []
    size = CHUNK
    while len(fates) < len(operations):
        part = operations[len(fates) : len(fates) + size]
        try:
            times.check(instance.clock)
            fates += map(_refusal, counters.apply(group_id, part, patience))
            # There may be more room again: each call saved is one that others can make.
            size = min(CHUNK, 2 * size)
        except (NotAccepted, OutcomeUnknown) as failure:
            if not isinstance(failure, TooManyCalls) or len(part) == 1:
                return [*fates, *[failure] * (len(operations) - len(fates))]
            # Large operations fill a row sooner.
            size = len(part) // 2
        except Exception as error:  # noqa: BLE001  # whatever it is, the other groups have nothing to do with it
            failed = unforeseen(error, instance.reporter, group=group_id)
            return [*fates, *[failed] * (len(operations) - len(fates))]
    return fates


def _refusal(outcome: Outcome) -> Refusal | None:
    if isinstance(outcome, Rejected):
        # One that was refused before may have been given back to another source.
        return Refusal(refused_with(outcome.code), is_told=True, is_noted=not outcome.replayed)
    if isinstance(outcome, KeyReused):
        return Refusal("its key came before with another content")
    return None
