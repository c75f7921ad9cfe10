"""The timer's task `check`: it fails while something needs an operator, so that a failed invocation is the alarm."""

from __future__ import annotations

from functools import partial

from handler.core.errors import NeedsAttention
from handler.core.operator.overview import LATE_S, Overview, Standing, State, look_over, needs_attention, why
from handler.core.ports.system import Notice
from handler.triggers.context import REPLY_MARGIN_S, AppContext
from handler.triggers.parsing import in_words, written, written_if_known

# Groups that are named in the log; the numbers count all of them.
GROUPS_MAX = 100


def check(context: AppContext, deadline: float) -> dict[str, object]:
    """The numbers of `status`. Raises NeedsAttention with them while anything needs an operator, after logging what."""
    instance, app = context.instance, context.sdkappid
    of_all = instance.generation.read().paused
    now = instance.api_clock.moment()
    # Only those that need it, or the young ones of a busy hour would fill the page before a paused one.
    needy = partial(needs_attention, now=now)
    overview = look_over(instance, app, deadline - REPLY_MARGIN_S, limit=GROUPS_MAX, is_shown=needy)
    for standing in overview.standings:
        _log(standing, why(instance, app, standing, of_all), context)
    if of_all is not None:
        instance.reporter.report(Notice.ATTENTION, state="paused", since=written(of_all.since), reason=of_all.reason)
    overview.dead_letters.report(instance.reporter)
    numbers = overview.numbers(now)
    if overview.standings or of_all is not None or overview.dead_letters.parked or overview.oldest_s(now) > LATE_S:
        raise NeedsAttention(_in_words(overview, now, is_paused=of_all is not None))
    return {"task": "check", "attention": 0, **numbers}


def _log(standing: Standing, reason: str, context: AppContext) -> None:
    context.instance.reporter.report(
        Notice.ATTENTION,
        group=standing.group_id,
        state=standing.state.value,
        since=written_if_known(standing.row.since),
        reason=reason,
    )


def _in_words(overview: Overview, now: float, *, is_paused: bool) -> str:
    said = [
        f"{overview.frozen} frozen groups",
        f"{overview.unfinished} unfinished groups",
        f"{overview.dead_letters.parked} parked records",
        f"the oldest operation is owed for {in_words(overview.oldest_s(now))}",
        *(["all groups are paused"] if is_paused else []),
        *(["groups are paused"] if any(one.state is State.PAUSED for one in overview.standings) else []),
        *([] if all(one.is_readable for one in overview.standings) else ["groups cannot be read"]),
        *([] if overview.complete else ["not all groups were counted"]),
    ]
    return f"{', '.join(said)}: `make status` shows more"
