"""Fan out a tick, page by page, through the queue that feeds this function, so that no invocation has to do it all.

A checkpoint says how far a tick has got: the platform's next delivery of it goes on from there.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.ports.ledger import Generation, Notes
from handler.core.ports.queue import Message, Queue
from handler.core.ports.system import Notice
from handler.core.ports.vault import Secret
from handler.core.protocol.engine import ExactlyOnce
from handler.triggers.context import AppContext
from handler.triggers.timer.pages import GROUPS_MAX, fits, page_key, pages
from handler.triggers.timer.tick import Tick


class Checkpoint:
    """The first `groups` groups of the tick, those up to the id `after`, are accepted or handed on.

    The ledger keeps one note for each trigger; the note names its tick.
    """

    def __init__(self, tick: Tick, notes: Notes, secret: Secret, generation: Generation) -> None:
        self.after = ""
        self.groups = 0
        self._notes = notes
        self._app = secret.sdkappid
        self._name = f"tick/{tick.name}"
        # The tick starts over in a new generation of the ledger, which may have forgotten what was accepted, and with a
        # new key of the app, because the pages already sent are refused then.
        self._tick = _digest(tick, generation, page_key(secret))

    def recall(self) -> None:
        """Resume at the note, if it is about this tick."""
        with suppress(NotAccepted, OutcomeUnknown):
            noted = self._notes.noted(self._app, self._name)
            note = json.loads(noted) if noted is not None else {}
            if note.get("tick") == self._tick:
                self.after, self.groups = note["after"], note["groups"]

    def reached(self, group_ids: Sequence[str]) -> None:
        """Note that the next groups in order are done too."""
        self.after, self.groups = group_ids[-1], self.groups + len(group_ids)
        note = {"tick": self._tick, "after": self.after, "groups": self.groups}
        with suppress(NotAccepted, OutcomeUnknown):
            self._notes.note(self._app, self._name, json.dumps(note))


def groups_in_order(tick: Tick, counters: ExactlyOnce, after: str, size: int) -> Iterator[Sequence[str]]:
    """The groups of a tick behind the id `after`, in the order of their ids, `size` at a time.

    Known groups are read from the ledger page by page, which may raise LedgerUnavailable.
    """
    if tick.known:
        while page := counters.groups_with_key(tick.known.key, tick.known.by, size, after):
            yield page
            after = page[-1]
        return
    ids = iter(sorted(group_id for group_id in tick.groups if group_id > after))
    while part := list(islice(ids, size)):
        yield part


def _digest(tick: Tick, generation: Generation, key: bytes) -> str:
    asked = [[each.index, each.mode.value, each.counters] for each in tick.asked]
    known = [tick.known.key, tick.known.by] if tick.known else []
    content = [tick.key, asked, known, sorted(tick.groups.items()), generation.number]
    return hmac.digest(key, json.dumps(content).encode(), "sha256").hex()


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
