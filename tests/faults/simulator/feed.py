"""A stream as one seed has it: shards with their records, and what becomes of the deliveries."""

from collections.abc import Callable, Sequence

import msgspec

from tests.faults.auditor.orders import SHAPES, Order, Shape, record

Draw = Callable[[], float]

# No operation has a digit beyond these: the next one is that of foreign writers.
DIGITS = 6


class Feed(msgspec.Struct, frozen=True):
    """Records of one group in their order, shard after shard: a child begins when its parent has been read to the end.

    Where shards stand `beside` each other, as those of several streams do, all are read at once. The first delivery
    comes at `at_s` and has up to `batch` records. A reply of the function is lost with the chance `lost`, which brings
    the batch once more. What has failed `bisects`, or comes again as it was, perhaps with more, or, where it `varies`,
    with more or fewer. From `again_at_s` on another consumer reads everything from the start, up to `again_batch` at a
    time. Records that stand `apart` have a partition key each, and two batches of a shard may be under way at once.
    """

    shards: tuple[tuple[Order, ...], ...]
    at_s: float
    batch: int
    lost: float
    bisects: bool
    again_at_s: float | None
    apart: bool
    beside: bool = False
    varies: bool = False
    again_batch: int = 1

    @property
    def lanes(self) -> tuple[tuple[tuple[Order, ...], ...], ...]:
        """What is delivered side by side, each in its order: all shards, one of them, or every other record of each."""
        if self.beside:
            return tuple((shard,) for shard in self.shards)
        if not self.apart:
            return (self.shards,)
        return tuple(tuple(shard[lane::2] for shard in self.shards) for lane in range(2))

    @property
    def orders(self) -> tuple[Order, ...]:
        return tuple(order for shard in self.shards for order in shard)


def feed(draw: Draw, first: int, shapes: Sequence[Shape] = SHAPES) -> Feed:
    """Draw a stream whose records have the digits from the `first` one on."""
    count = min(1 + int(draw() * 4), DIGITS - first)
    cuts = sorted(1 + int(draw() * count) for _ in range(2))
    # Numbers of a child usually are higher than its parent's; nothing but the shard's name tells that they are others.
    numbers = [9 + 3 * place for place in range(count)]
    if draw() < 0.5:
        numbers[cuts[0] :] = [1 + place for place in range(count - cuts[0])]
    drawn = [shapes[int(draw() * len(shapes))] for _ in range(count)]
    apart = draw() < 0.25
    records = [
        record(first + place, shape, f"shardId-00{sum(place >= cut for cut in cuts)}", numbers[place], apart=apart)
        for place, shape in enumerate(drawn)
    ]
    at_s = draw() * 2 * draw()
    shards = (records[: cuts[0]], records[cuts[0] : cuts[1]], records[cuts[1] :])
    return Feed(
        shards=tuple(tuple(shard) for shard in shards if shard),
        at_s=at_s,
        batch=1 + int(draw() * 3),
        lost=0.0 if draw() < 0.4 else 0.4,
        bisects=draw() < 0.5,
        again_at_s=at_s + draw() * 8 if draw() < 0.3 else None,
        apart=apart,
        beside=not apart and draw() < 0.4,
        varies=draw() < 0.5,
        again_batch=1 + int(draw() * 3),
    )
