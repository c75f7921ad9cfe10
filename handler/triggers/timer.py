"""The timer: operations on many groups, or a sweep of what is unfinished.

Every group is accepted before any is driven on, as far as the time allows. What is accepted is safe: the next sweep, or
whoever comes to the group, finishes it. A repeated event finds its own keys and counts nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isinf
from typing import TypeAlias, TypeVar

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.instance import Patience
from handler.core.outcomes import Applied, Frozen, KeyReused, Outcome, Rejected, Unknown
from handler.core.visit import Visit
from handler.triggers.kinds import Event
from handler.triggers.pool import each
from handler.triggers.service import REPLY_MARGIN_S, Limits, Service
from handler.triggers.ticks import Sweep, Tick, read_tick

# How long to go on where the platform tells of no deadline.
UNLIMITED_S = 60.0

_Result = TypeVar("_Result")
_Outcomes: TypeAlias = Mapping[str, Sequence[Outcome]]
_Failure: TypeAlias = NotAccepted | OutcomeUnknown


def run(event: Event, limits: Limits, service: Service) -> dict[str, object]:
    """Do what a timer event asks for and return counts: platforms log what is returned, so there is nothing else in it.

    Raises BadInput before anything is accepted, and afterwards for a key that came before with another content;
    NotAccepted or OutcomeUnknown, for the platform to repeat the event, if some group could not be accepted.
    """
    instance = service.instance
    asked = read_tick(event, instance.rules.receipt_key, service.window_s, instance.clock.now())
    service.check_limits(limits)
    deadline = limits.started + UNLIMITED_S if isinf(limits.deadline) else limits.deadline
    if isinstance(asked, Sweep):
        swept = service.counters().sweep(deadline, asked.after, _side_by_side)
        rest = {} if swept.after is None else {"after": swept.after}
        return {"task": "sweep", "groups": swept.groups, "left": swept.left, **rest}
    return _update(asked, service, deadline)


def _update(tick: Tick, service: Service, deadline: float) -> dict[str, object]:
    counters, operations = service.counters(), tick.operations
    accepted = _each(operations, lambda group_id: counters.accept(group_id, operations[group_id]))
    patience = Patience(until=deadline - REPLY_MARGIN_S, deadline=deadline)
    failures = {group_id: result for group_id, result in accepted.items() if isinstance(result, _Failure)}
    owed = [group_id for group_id in operations if group_id not in failures]
    driven = _each(owed, lambda group_id: counters.apply(group_id, operations[group_id], patience))
    # What fails now fails after its acceptance: it stays owed.
    outcomes = {group_id: [] if isinstance(result, _Failure) else result for group_id, result in driven.items()}
    _refuse(failures, of=len(operations))
    _refuse_reused_keys(tick, outcomes)
    return _counts(tick, outcomes)


def _side_by_side(visits: Sequence[Visit], tend: Callable[[Visit], bool]) -> list[bool]:
    """Several groups at a time."""
    return list(each(range(len(visits)), lambda place: tend(visits[place])).values())


def _each(groups: Iterable[str], work: Callable[[str], _Result]) -> dict[str, _Result | _Failure]:
    """Do the work for every group; an expected error is a result."""

    def tried(group_id: str) -> _Result | _Failure:
        try:
            return work(group_id)
        except (NotAccepted, OutcomeUnknown) as failure:
            return failure

    return each(groups, tried)


def _refuse(failures: Mapping[str, _Failure], of: int) -> None:
    if not failures:
        return
    first = next(iter(failures.values()))
    problem = f"{len(failures)} of {of} groups were not accepted, repeat the event for them: {first}"
    if any(isinstance(failure, OutcomeUnknown) for failure in failures.values()):
        raise OutcomeUnknown(problem)
    raise NotAccepted(problem)


def _refuse_reused_keys(tick: Tick, outcomes: _Outcomes) -> None:
    for group_id, known in outcomes.items():
        for operation, outcome in zip(tick.operations[group_id], known, strict=False):
            if isinstance(outcome, KeyReused):
                index = operation.key.rpartition("/")[2]
                raise BadInput(f"Message.operations[{index}]", f"{operation.key} came before with another content")


def _counts(tick: Tick, outcomes: _Outcomes) -> dict[str, object]:
    """How many operations are in each state; one on several groups is several."""
    states = Counter(_state(outcome) for known in outcomes.values() for outcome in known)
    accepted = sum(len(tick.operations[group_id]) for group_id in outcomes)
    settled = {name: states[name] for name in ("applied", "rejected", "unknown", "frozen")}
    return {"accepted": accepted, **settled, "pending": accepted - sum(settled.values())}


def _state(outcome: Outcome) -> str:
    if isinstance(outcome, Applied):
        return "applied"
    if isinstance(outcome, Rejected):
        return "rejected"
    if isinstance(outcome, Unknown):
        return "unknown"
    return "frozen" if isinstance(outcome, Frozen) else "pending"
