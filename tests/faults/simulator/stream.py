"""Delivers the records of a feed as Kinesis and Lambda do: each shard in order, one batch at a time, until it is taken.

A batch is delivered again, whole or in halves, after an error, after a time without a reply, and where the reply is
lost; an invocation that was given up may go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias
from weakref import proxy

from msgspec.structs import replace

from tests.faults.auditor import evidence
from tests.faults.auditor.evidence import Told
from tests.faults.auditor.orders import Order
from tests.faults.world.world import START

if TYPE_CHECKING:
    from tests.faults.simulator.feed import Feed
    from tests.faults.simulator.schedule import Schedule

# What an invocation may take before the platform gives it up, and how soon a batch comes again.
GIVEN_UP_S = 9.0
AGAIN_S = 1.0

# After so many failures the platform puts the first record of a batch aside and goes on.
FAILURES_MAX = 6

# Replies are lost no more after so many deliveries and replies, or it would never end.
LOST_UNTIL = 8

# How many records come again at most where their number varies.
BATCH_MAX = 4

NOT_TAKEN = frozenset({evidence.NOT_ACCEPTED, evidence.DOUBTFUL})


Shards: TypeAlias = Sequence[Sequence[Order]]


class Stream:
    """All consumers of one schedule's feed."""

    def __init__(self, schedule: Schedule, feed: Feed) -> None:
        again = [replace(feed, at_s=feed.again_at_s, batch=feed.again_batch)] if feed.again_at_s is not None else []
        self._consumers = [Consumer(schedule, one, lane) for one in (feed, *again) for lane in feed.lanes]

    def begin(self) -> None:
        """Let each consumer begin when it is to."""
        for consumer in self._consumers:
            consumer.begin()

    @property
    def is_over(self) -> bool:
        return all(consumer.is_over for consumer in self._consumers)


class Consumer:
    """One reader of the stream, with checkpoints of its own."""

    def __init__(self, schedule: Schedule, feed: Feed, lane: Shards) -> None:
        self._schedule: Schedule = proxy(schedule)
        self._world = schedule.world
        self._feed = feed
        self._left = [shard for shard in lane if shard]
        self._size = feed.batch
        self._deliveries = 0
        self._failures = 0

    def begin(self) -> None:
        """Deliver the first batch when it is time."""
        self._world.at(START + self._feed.at_s, self._deliver)

    @property
    def is_over(self) -> bool:
        return not self._left

    def _deliver(self) -> None:
        """Invoke the function with the next records of the shard."""
        if not self._left:
            return
        self._deliveries += 1
        number, batch = self._deliveries, self._left[0][: self._size]
        self._schedule.deliver(batch, lambda told: self._hear(number, batch, told))
        self._world.at(self._world.now + GIVEN_UP_S, lambda: self._give_up(number))

    def _give_up(self, number: int) -> None:
        if number == self._deliveries:
            self._deliver()

    def _hear(self, number: int, batch: Sequence[Order], told: Sequence[Told]) -> None:
        """Move the checkpoint past the records that were taken; nobody hears an invocation that was given up."""
        if number != self._deliveries:
            return
        # Whatever happens next, the time of this delivery is not waited for any more.
        self._deliveries += 1
        taken = next((place for place, one in enumerate(told) if one.kind in NOT_TAKEN), len(batch))
        was_taken = taken
        if self._world.chance.random() < self._feed.lost and self._deliveries < LOST_UNTIL:
            taken = 0
        elif taken < len(batch):
            self._failed()
        else:
            self._size = self._feed.batch
        if self._feed.varies and not taken:
            self._size = 1 + int(self._world.chance.random() * BATCH_MAX)
        for order in batch[: min(taken, was_taken)]:
            self._schedule.asked[order].acknowledged = True
        if self._failures > FAILURES_MAX:
            taken = max(taken, 1)
        self._go_on(taken)

    def _failed(self) -> None:
        self._failures += 1
        self._size = max(1, self._size // 2) if self._feed.bisects else self._size

    def _go_on(self, taken: int) -> None:
        """Deliver what comes next: at once, unless it is the same again."""
        rest = self._left[0][taken:]
        self._left[:1] = [rest] if rest else []
        self._failures = 0 if taken else self._failures
        self._world.at(self._world.now + (0.0 if taken else AGAIN_S), self._deliver)
