"""The timer: operations on many groups (a tick), a sweep of what is unfinished, or a check of what needs an operator.

Every group is accepted before any call is made, as far as the time allows. What is accepted is safe: the next sweep
finishes it, or the next worker at the group. A repeated event finds its own keys and counts nothing twice. A tick of
more than one page of groups goes through the queue, if there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from math import ceil
from typing import TypeVar

from handler.core.errors import BadInput, GroupFailed, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.model.outcome import Outcome, state_of
from handler.core.operator.overview import look_over
from handler.core.protocol.engine import ExactlyOnce
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import Instance, TimeBudget
from handler.triggers.concurrency import Failure, contained, each, one_after_another
from handler.triggers.context import REPLY_MARGIN_S, AppContext
from handler.triggers.crew import WORKERS
from handler.triggers.event_kind import Event
from handler.triggers.invocation import UNLIMITED_S, Invocation
from handler.triggers.timer.check import check
from handler.triggers.timer.fan_out import Checkpoint, fan_out, groups_in_order, queue_for
from handler.triggers.timer.pages import page_key
from handler.triggers.timer.tick import Check, Sweep, Tick, check_age, read_tick

# A tick of more groups writes a checkpoint after each time this many are accepted.
PAGE = 500

# About how long a sweep works on a group, its waits for the rate limit included, and how many it works on at a time.
TENDED_S = 0.2
SWEEPERS_MAX = 50

# What a sweep leaves of its time for the gauges: at most so much, and of a short one at most this share.
GAUGES_S = 5.0
GAUGES_SHARE = 0.1

NO_TIME = "the invocation has no time left"

# Calls are made for this many groups before the slowest of them is waited for.
DRIVEN_AT_ONCE = 2000

_Result = TypeVar("_Result")


def run(event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Execute a timer event, and return counts only, because platforms log what is returned.

    Raises BadInput before anything is accepted, or at the end for a key that came before with other content. Raises
    NotAccepted or OutcomeUnknown if a group was neither accepted nor handed on, so that the platform repeats the event.
    """
    instance = context.instance
    asked = read_tick(event, instance.rules.receipt_key, context.window_s, instance.api_clock.now())
    context.check_limits(invocation)
    deadline = invocation.deadline_or(UNLIMITED_S)
    if isinstance(asked, Check):
        return check(context, deadline)
    if isinstance(asked, Sweep):
        return _sweep(asked, context, deadline)
    check_age(asked, context.horizon())
    return _update(asked, context, deadline)


def _sweep(asked: Sweep, context: AppContext, deadline: float) -> dict[str, object]:
    """Finish what is unfinished, and write the gauges of what is left, even if the sweep was cut short or failed."""
    instance = context.instance
    # A part of a short invocation, so that a sweep has time for its calls in any.
    gauges_s = min(GAUGES_S, (deadline - instance.clock.monotonic()) * GAUGES_SHARE)
    try:
        swept = context.counters().sweep(deadline - gauges_s, asked.after, partial(_side_by_side, instance))
    finally:
        with suppress(NotAccepted, OutcomeUnknown):
            overview = look_over(instance, context.sdkappid, deadline - REPLY_MARGIN_S)
            overview.measure(instance.reporter, instance.api_clock.moment())
            overview.dead_letters.report(instance.reporter)
    answer: dict[str, object] = {"task": "sweep", "groups": swept.groups, "left": swept.left}
    if swept.after is not None:
        answer |= {"after": swept.after, "oldest_unfinished_s": round(swept.oldest_s, 1)}
    return answer


def _update(tick: Tick, context: AppContext, deadline: float) -> dict[str, object]:
    secret = context.vault.current()
    until = deadline - REPLY_MARGIN_S
    checkpoint = Checkpoint(tick, context.notes, secret, context.instance.generation.current())
    counters = ExactlyOnce(context.instance, secret.sdkappid)
    make_queue, is_long = queue_for(tick, context), tick.has_more_than(PAGE)
    if make_queue or is_long:
        checkpoint.recall()
    if make_queue:
        return fan_out(tick, counters, checkpoint, context, queue=make_queue(), until=until, key=page_key(secret))
    earlier = checkpoint.groups
    work, budget = _Work(tick, counters, context.instance, until), TimeBudget(until=until, deadline=deadline)
    try:
        for group_ids in groups_in_order(tick, counters, checkpoint.after, PAGE):
            if context.instance.clock.monotonic() >= until:
                work.was_cut_short = True
                break
            work.accept(group_ids)
            if is_long and not work.failures and not work.reused:
                checkpoint.reached(group_ids)
    except Exception:
        # The groups could not all be listed: calls are made for those that were accepted, before the error is raised.
        work.drive(budget)
        raise
    work.drive(budget)
    _refuse(work, earlier)
    _refuse_reused_keys(work.reused)
    return work.counts() | ({"earlier": earlier} if earlier else {})


class _Work:
    """One invocation's work on a tick: the groups it accepted, those it could not accept, and the outcomes."""

    def __init__(self, tick: Tick, counters: ExactlyOnce, instance: Instance, until: float) -> None:
        self.failures: dict[str, Failure] = {}
        self.broken: list[GroupFailed] = []
        self.reused: list[Operation] = []
        self.was_cut_short = False
        self.tick = tick
        self.accepted: list[str] = []
        self._states: Counter[str] = Counter()
        self._counters = counters
        self._clock = instance.clock
        self._reporter = instance.reporter
        self._until = until

    def accept(self, group_ids: Sequence[str]) -> None:
        """Accept groups while there is time. This takes steps of the ledger and no calls."""

        def accepted(group_id: str) -> list[Operation]:
            if self._clock.monotonic() >= self._until:
                raise NotAccepted(NO_TIME)
            return self._counters.accept(group_id, self.tick.operations(group_id), self._until)

        for group_id, result in self._each(group_ids, accepted).items():
            if isinstance(result, Failure):
                self.failures[group_id] = result
            else:
                self.accepted.append(group_id)
                self.reused += result

    def drive(self, budget: TimeBudget) -> None:
        """Make the calls for accepted groups within the budget; after a failure the sweep owes them."""

        def driven(group_id: str) -> Sequence[Outcome]:
            if self._clock.monotonic() >= budget.until:
                return ()
            return self._counters.apply(group_id, self.tick.operations(group_id), budget)

        for start in range(0, len(self.accepted), DRIVEN_AT_ONCE):
            for result in self._each(self.accepted[start : start + DRIVEN_AT_ONCE], driven).values():
                self._states.update(() if isinstance(result, Failure) else map(state_of, result))
                self.broken += [result] if isinstance(result, GroupFailed) else []

    def counts(self) -> dict[str, object]:
        """The number of operations in each state; an operation counts once for each of its groups."""
        accepted = sum(len(tuple(self.tick.places(group_id))) for group_id in self.accepted)
        settled = {name: self._states[name] for name in ("applied", "rejected", "unknown", "frozen")}
        return {"accepted": accepted, **settled, "pending": accepted - sum(settled.values())}

    def _each(self, groups: Iterable[str], work: Callable[[str], _Result]) -> dict[str, _Result | Failure]:
        """Do the work for every group; the failure of one is its result."""
        return each(groups, lambda group_id: contained(lambda: work(group_id), self._reporter, group=group_id))


def _side_by_side(instance: Instance, visits: Iterable[Visit], tend: Callable[[Visit], None]) -> None:
    """Work on as many groups at a time as it takes to use the app's whole rate."""
    workers = max(WORKERS, min(SWEEPERS_MAX, ceil(instance.rules.calls_per_second * TENDED_S)))
    one_after_another(visits, tend, workers)


def _refuse(work: _Work, earlier: int) -> None:
    """Raise if a group was not accepted, or broke, so that the platform repeats the event, which resumes there."""
    failures, accepted = list(work.failures.values()), earlier + len(work.accepted)
    if not failures and not work.was_cut_short:
        if work.broken:
            raise GroupFailed(
                f"{len(work.broken)} groups were accepted and not finished, repeat the event: {work.broken[0]}"
            )
        return
    first = failures[0] if failures else NotAccepted(NO_TIME)
    missing = len(work.tick.groups) - accepted
    count = "some" if work.tick.known else f"{missing} of {len(work.tick.groups)}"
    problem = f"{count} groups were not accepted, repeat the event for them: {first}"
    if any(isinstance(failure, OutcomeUnknown) for failure in failures):
        raise OutcomeUnknown(problem)
    raise NotAccepted(problem)


def _refuse_reused_keys(reused: Sequence[Operation]) -> None:
    for operation in reused:
        index = operation.key.rpartition("/")[2]
        raise BadInput(f"Message.operations[{index}]", f"{operation.key} was used before with other content")
