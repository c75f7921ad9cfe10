"""Hand a tick on, page by page, through the queue whose messages the function takes: no invocation has to do it all."""

from __future__ import annotations

from collections.abc import Callable

from handler.core.errors import NotAccepted
from handler.core.ports.queue import Message, Queue
from handler.core.ports.system import Notice
from handler.core.protocol.engine import ExactlyOnce
from handler.triggers.context import AppContext
from handler.triggers.timer.checkpoint import Checkpoint, in_order
from handler.triggers.timer.pages import GROUPS_MAX, fits, pages
from handler.triggers.timer.tick import Tick

# Pages are delivered at the pace at which this part of the app's rate does their calls: the rest is left to callers.
SHARE = 0.5

# SQS delays a message by 15 minutes at most (SendMessage, DelaySeconds). The delays of later pages start at 0 again.
DELAYS = 901

# Pages that are sent before the next note of how far it has got.
PAGES_AT_ONCE = 10


def groups_per_page(tick: Tick, calls_per_second: float) -> int:
    """How many groups a page has, so that its calls take about a second at a share of the app's rate."""
    return max(1, min(GROUPS_MAX, int(calls_per_second * SHARE / len(tick.asked))))


def queue_for(tick: Tick, context: AppContext) -> Callable[[], Queue] | None:
    """What makes the queue, where there is one, and more in the tick than one page."""
    if context.queue is None or not fits(tick):
        return None
    is_long = tick.has_more_than(groups_per_page(tick, context.instance.rules.calls_per_second))
    return context.queue if is_long else None


def hand_on(
    tick: Tick, counters: ExactlyOnce, progress: Checkpoint, context: AppContext, queue: Queue, until: float, key: bytes
) -> dict[str, object]:
    """Send the pages that an earlier delivery of the tick has not sent, until that moment; counts of what was sent.

    Raises QueueUnavailable, and NotAccepted where there was no time for all: the next delivery goes on from there.
    """
    rate = context.instance.rules.calls_per_second
    size, earlier, sent, calls = groups_per_page(tick, rate), progress.groups, 0, 0
    for group_ids in in_order(tick, counters, progress.after, size * PAGES_AT_ONCE):
        if context.instance.clock.monotonic() >= until:
            done = f"{progress.groups} groups are handed on"
            raise NotAccepted(f"{done}, repeat the event for the others: the invocation has no time left")
        messages: list[Message] = []
        for text, groups in pages(tick, group_ids, size, key):
            messages.append(Message(text, int(calls / (rate * SHARE)) % DELAYS))
            calls += groups * len(tick.asked)
        queue.send(messages)
        progress.reached(group_ids)
        sent += len(messages)
    handed_on = progress.groups - earlier
    context.instance.reporter.report(Notice.HANDED_ON, groups=handed_on, pages=sent)
    return {"handed_on": handed_on, "pages": sent, **({"earlier": earlier} if earlier else {})}
