"""A stream as one seed has it: shards with their records, and what becomes of the deliveries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.orders import SHAPES, Order, Shape, record

Draw = Callable[[], float]

# No operation has a digit beyond these: the next one is that of foreign writers.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Feed:
    """Records of one group in their order, shard after shard: a child begins when its parent has been read to the end.

    The first delivery comes at `at_s` and has up to `batch` records. A reply of the function is lost with the chance
    `lost`, which delivers the batch once more. What has failed `bisects`, or comes again as it was, perhaps with more.
    From `again_at_s` on another consumer reads everything from the start. Records that stand `apart` have a partition
    key each, and two batches of a shard may be under way at once.
    """

    shards: tuple[tuple[Order, ...], ...]
    at_s: float
    batch: int
    lost: float
    bisects: bool
    again_at_s: float | None
    apart: bool

    @property
    def lanes(self) -> tuple[tuple[tuple[Order, ...], ...], ...]:
        """What is delivered side by side, each in its order: all shards, or every other record of each."""
        if not self.apart:
            return (self.shards,)
        return tuple(tuple(shard[lane::2] for shard in self.shards) for lane in range(2))

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every record, once."""
        return tuple(order for shard in self.shards for order in shard)


def feed(draw: Draw, first: int, shapes: Sequence[Shape] = SHAPES) -> Feed:
    """Draw a stream whose records have the digits from the `first` one on."""
    count = min(1 + int(draw() * 3), DIGITS - first)
    split = 1 + int(draw() * count)
    # Numbers of a child usually are higher than its parent's; nothing but the shard's name tells that they are others.
    numbers = [9 + 3 * place for place in range(count)]
    if draw() < 0.5:
        numbers[split:] = [1 + place for place in range(count - split)]
    drawn = [shapes[int(draw() * len(shapes))] for _ in range(count)]
    apart = draw() < 0.25
    records = [
        record(first + place, shape, "shardId-000" if place < split else "shardId-001", numbers[place], apart=apart)
        for place, shape in enumerate(drawn)
    ]
    at_s = draw() * 2 * draw()
    return Feed(
        shards=tuple(shard for shard in (tuple(records[:split]), tuple(records[split:])) if shard),
        at_s=at_s,
        batch=1 + int(draw() * 3),
        lost=0.0 if draw() < 0.4 else 0.4,
        bisects=draw() < 0.5,
        again_at_s=at_s + draw() * 8 if draw() < 0.3 else None,
        apart=apart,
    )
