"""Fan out a tick, page by page, through the queue that feeds this function, so that no invocation has to do it all."""

from __future__ import annotations

from collections.abc import Callable

from handler.core.errors import NotAccepted
from handler.core.ports.queue import Message, Queue
from handler.core.ports.system import Notice
from handler.core.protocol.engine import ExactlyOnce
from handler.triggers.context import AppContext
from handler.triggers.timer.checkpoint import Checkpoint, groups_in_order
from handler.triggers.timer.pages import GROUPS_MAX, fits, pages
from handler.triggers.timer.tick import Tick

# Pages are delayed so that their calls take this share of the app's rate; the rest is left to callers.
SHARE = 0.5

# SQS delays a message by 15 minutes at most (SendMessage, DelaySeconds). The delays of later pages start at 0 again.
DELAYS = 901

# A checkpoint is written after each time this many pages are sent.
PAGES_AT_ONCE = 10


def groups_per_page(tick: Tick, calls_per_second: float) -> int:
    """How many groups a page has, so that its calls take about a second at a share of the app's rate."""
    return max(1, min(GROUPS_MAX, int(calls_per_second * SHARE / len(tick.asked))))


def queue_for(tick: Tick, context: AppContext) -> Callable[[], Queue] | None:
    """A factory of the queue, if there is one and the tick has more than one page."""
    if context.queue is None or not fits(tick):
        return None
    is_long = tick.has_more_than(groups_per_page(tick, context.instance.rules.calls_per_second))
    return context.queue if is_long else None


def fan_out(
    tick: Tick,
    counters: ExactlyOnce,
    checkpoint: Checkpoint,
    context: AppContext,
    *,
    queue: Queue,
    until: float,
    key: bytes,
) -> dict[str, object]:
    """Send the pages that no earlier delivery of the tick has sent, and return how many were sent.

    Raises QueueUnavailable, or NotAccepted if the moment `until` came before the end: the next delivery resumes there.
    """
    rate = context.instance.rules.calls_per_second
    size, earlier, sent, calls = groups_per_page(tick, rate), checkpoint.groups, 0, 0
    for group_ids in groups_in_order(tick, counters, checkpoint.after, size * PAGES_AT_ONCE):
        if context.instance.clock.monotonic() >= until:
            done = f"{checkpoint.groups} groups are handed on"
            raise NotAccepted(f"{done}, repeat the event for the others: the invocation has no time left")
        messages: list[Message] = []
        for text, groups in pages(tick, group_ids, size, key):
            messages.append(Message(text, int(calls / (rate * SHARE)) % DELAYS))
            calls += groups * len(tick.asked)
        queue.send(messages)
        checkpoint.reached(group_ids)
        sent += len(messages)
    handed_on = checkpoint.groups - earlier
    context.instance.reporter.report(Notice.HANDED_ON, groups=handed_on, pages=sent)
    return {"handed_on": handed_on, "pages": sent, **({"earlier": earlier} if earlier else {})}
