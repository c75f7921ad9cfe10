"""The timer: operations on many groups, or a sweep of what is unfinished.

Every group is accepted before any is driven on, as far as the time allows. What is accepted is safe: the next sweep, or
whoever comes to the group, finishes it. A repeated event finds its own keys and counts nothing twice. Where there is a
queue, more than a page of groups goes through that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isinf
from typing import TypeAlias, TypeVar

from handler.core.commands import Operation
from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.exactly_once import ExactlyOnce
from handler.core.instance import Patience
from handler.core.outcomes import Applied, Frozen, Outcome, Rejected, Unknown
from handler.core.ports import Clock
from handler.core.visit import Visit
from handler.triggers.handing_on import hand_on, is_for_queue
from handler.triggers.kinds import Event
from handler.triggers.pool import each
from handler.triggers.progress import Progress, in_order
from handler.triggers.service import REPLY_MARGIN_S, Limits, Service
from handler.triggers.ticks import Sweep, Tick, read_tick

# How long to go on where the platform tells of no deadline.
UNLIMITED_S = 60.0

# Groups that are accepted before the next note of how far a tick has got, which smaller ticks do without.
PAGE = 500

# Groups among which slow ones are waited for together.
DRIVEN_AT_ONCE = 2000

_Result = TypeVar("_Result")
_Failure: TypeAlias = NotAccepted | OutcomeUnknown


def run(event: Event, limits: Limits, service: Service) -> dict[str, object]:
    """Do what a timer event asks for and return counts: platforms log what is returned, so there is nothing else in it.

    Raises BadInput before anything is accepted, and afterwards for a key that came before with another content;
    NotAccepted or OutcomeUnknown, for the platform to repeat the event, if some group was neither accepted nor handed
    on.
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
    app = service.vault.current().sdkappid
    until = deadline - REPLY_MARGIN_S
    progress = Progress(tick, service.shelf, app, service.instance.generation.current())
    goes_on, is_long = is_for_queue(tick, service), len(tick.groups) > PAGE
    if goes_on or is_long:
        progress.recall()
    if goes_on:
        return hand_on(tick, progress, service, until)
    earlier, counters = progress.groups, ExactlyOnce(service.instance, app)
    work = _Work(tick, counters, service.instance.clock, until)
    for group_ids in in_order(tick, progress.after, PAGE):
        work.accept(group_ids)
        if is_long and not work.failures:
            progress.reached(group_ids)
    work.drive(Patience(until=until, deadline=deadline))
    _refuse(work.failures, of=len(tick.groups))
    _refuse_reused_keys(work.reused)
    return work.counts() | ({"earlier": earlier} if earlier else {})


class _Work:
    """One invocation's work on a tick: what it has accepted, what it could not accept, and what became of it."""

    def __init__(self, tick: Tick, counters: ExactlyOnce, clock: Clock, until: float) -> None:
        self.failures: dict[str, _Failure] = {}
        self.reused: list[Operation] = []
        self._accepted: list[str] = []
        self._states: Counter[str] = Counter()
        self._tick = tick
        self._counters = counters
        self._clock = clock
        self._until = until

    def accept(self, group_ids: Sequence[str]) -> None:
        """Accept groups until the time is up, which costs steps of the ledger and no calls."""

        def accepted(group_id: str) -> list[Operation]:
            if self._clock.monotonic() >= self._until:
                raise NotAccepted("the invocation has no time left")
            return self._counters.accept(group_id, self._tick.operations(group_id))

        for group_id, result in _each(group_ids, accepted).items():
            if isinstance(result, _Failure):
                self.failures[group_id] = result
            else:
                self._accepted.append(group_id)
                self.reused += result

    def drive(self, patience: Patience) -> None:
        """Go on with what was accepted until patience ends; what fails now stays owed."""

        def driven(group_id: str) -> Sequence[Outcome]:
            if self._clock.monotonic() >= patience.until:
                return ()
            return self._counters.apply(group_id, self._tick.operations(group_id), patience)

        for start in range(0, len(self._accepted), DRIVEN_AT_ONCE):
            for result in _each(self._accepted[start : start + DRIVEN_AT_ONCE], driven).values():
                self._states.update(() if isinstance(result, _Failure) else map(_state, result))

    def counts(self) -> dict[str, object]:
        """How many operations are in each state; one on several groups is several."""
        accepted = sum(len(self._tick.groups[group_id]) for group_id in self._accepted)
        settled = {name: self._states[name] for name in ("applied", "rejected", "unknown", "frozen")}
        return {"accepted": accepted, **settled, "pending": accepted - sum(settled.values())}


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


def _refuse_reused_keys(reused: Sequence[Operation]) -> None:
    for operation in reused:
        index = operation.key.rpartition("/")[2]
        raise BadInput(f"Message.operations[{index}]", f"{operation.key} came before with another content")


def _state(outcome: Outcome) -> str:
    if isinstance(outcome, Applied):
        return "applied"
    if isinstance(outcome, Rejected):
        return "rejected"
    if isinstance(outcome, Unknown):
        return "unknown"
    return "frozen" if isinstance(outcome, Frozen) else "pending"
