"""Deliver operations to their groups: in the source's order within a group, groups side by side, within the time."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.errors import NotAccepted, OutcomeUnknown, TooManyCalls
from handler.core.model.operation import Operation
from handler.core.model.outcome import KeyReused, Outcome, Rejected
from handler.core.model.placed import Content, Placed, count_of
from handler.core.ports.system import Clock, naming
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.parking import refused_with
from handler.core.runtime.instance import Instance, TimeBudget
from handler.triggers.concurrency import Failure, unforeseen
from handler.triggers.context import REPLY_MARGIN_S
from handler.triggers.invocation import UNLIMITED_S, Invocation
from handler.triggers.sources.records import Refusal

# This many operations of one group are accepted by one write and go out in one call; a row has room for about as many
# small ones together with what they are parked with. Half as many would double the calls of a batch for one group, and
# the vendor counts calls.
CHUNK = 150

# Records of a stream that ask for the same are added up, and take no more room than one of them: a third of that.
CONTENTS_PER_OPERATION = 3

# The last part of an invocation only accepts, so that slow groups do not keep others from being accepted.
ACCEPTING_SHARE = 0.25

# With very many groups, as the pages of a tick bring them, that part is longer: an instance accepts at least this many
# groups per second, and a group that is not accepted has to be delivered again.
ACCEPTED_PER_S = 250

_REFUSED = frozenset({Rejected, KeyReused})


def time_budget(invocation: Invocation, groups: int = 0, *, gives_back: bool = False) -> TimeBudget:
    """Divide the invocation's time: calls come first, the last part only accepts.

    With `gives_back` the source takes refused records back.
    """
    deadline = invocation.deadline_or(UNLIMITED_S)
    accepting_s = max(REPLY_MARGIN_S, (deadline - invocation.started) * ACCEPTING_SHARE, groups / ACCEPTED_PER_S)
    return TimeBudget(
        until=deadline - accepting_s,
        deadline=deadline,
        accepts_until=deadline - REPLY_MARGIN_S,
        gives_back=gives_back,
    )


def check_time(budget: TimeBudget, clock: Clock) -> None:
    """Raise NotAccepted when it is too late to begin a ledger write."""
    if clock.monotonic() >= budget.accepts_until:
        raise NotAccepted("the invocation has no time left")


def deliver(
    group_id: str,
    operations: Sequence[Operation | Placed],
    counters: ExactlyOnce,
    instance: Instance,
    budget: TimeBudget,
) -> list[Refusal | Failure | None]:
    """Apply operations of one group, and return one result for each, and for each record; None means accepted.

    Nothing is accepted after a Failure, so that the next delivery keeps the order.
    """
    results: list[Refusal | Failure | None] = []
    size = CHUNK * CONTENTS_PER_OPERATION
    rest = operations
    while rest:
        part, others, weight = _part(rest, size)
        try:
            check_time(budget, instance.clock)
            outcomes = counters.apply(group_id, part, budget)
            results += _refusals(outcomes)
            rest = others
            # The row may have room again, and larger parts leave more calls to others.
            size = min(CHUNK * CONTENTS_PER_OPERATION, 2 * size)
        except (NotAccepted, OutcomeUnknown) as failure:
            if not isinstance(failure, TooManyCalls) or count_of(part) == 1 or size == 1:
                return [*results, *[failure] * count_of(rest)]
            # Large operations fill a row sooner.
            size = max(1, weight // 2)
        except Exception as error:  # noqa: BLE001  # an unforeseen error stays with its group
            ids = naming(one.id for one in part if isinstance(one, Operation))
            failed = unforeseen(error, instance.reporter, group=group_id, **ids)
            return [*results, *[failed] * count_of(rest)]
    return results


def _part(
    asked: Sequence[Operation | Placed], size: int
) -> tuple[Sequence[Operation | Placed], Sequence[Operation | Placed], int]:
    """As many as may be accepted at once, one at least; the rest; and what room the former and the next take."""
    part: list[Operation | Placed] = []
    weight, contents = 0, set[Content]()
    for at, one in enumerate(asked):
        if isinstance(one, Operation):
            weight += CONTENTS_PER_OPERATION
            if weight > size and part:
                return part, asked[at:], weight
        else:
            count, new = _fitting(one, max(0, size - weight), contents)
            weight += new
            count = count if count or part else 1
            if count < len(one):
                first = [one[:count]] if count else []
                return [*part, *first], [one[count:], *asked[at + 1 :]], weight
        part.append(one)
    return part, (), weight


def _fitting(records: Placed, room: int, contents: set[Content]) -> tuple[int, int]:
    """How many of the records ask for no more than that many other contents, and how many the next one makes them."""
    fresh = [content for content in dict.fromkeys(records.contents) if content not in contents]
    contents.update(fresh)
    if len(fresh) <= room:
        return len(records), len(fresh)
    return records.contents.index(fresh[room]), room + 1


def _refusals(outcomes: Sequence[Outcome]) -> Sequence[Refusal | None]:
    """What was refused of a part; nearly always nothing, of ten thousand records perhaps."""
    if _REFUSED.isdisjoint(map(type, outcomes)):
        return [None] * len(outcomes)
    return list(map(_refusal, outcomes))


def _refusal(outcome: Outcome) -> Refusal | None:
    if isinstance(outcome, Rejected):
        # An earlier refusal may have been given back to another source, and then no note is left.
        return Refusal(refused_with(outcome.code), is_reported=True, is_noted=not outcome.replayed)
    return Refusal("its key was used before with other content") if isinstance(outcome, KeyReused) else None
