"""A stream as one seed has it: shards with their records, and what becomes of the deliveries."""

from collections.abc import Callable, Sequence

import msgspec

from handler.core.model.operation import Mode
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


# The share of streams with twins, and of those with keys among their records; and the share of such records.
TWINNED = 0.4
KEYED = 0.4
WITH_KEY = 0.4
TWINS_MAX = 4


def feed(draw: Draw, own: Draw, first: int, shapes: Sequence[Shape] = SHAPES, *, keyed: bool = False) -> Feed:
    """Draw a stream whose records have the digits from the `first` one on.

    Twins and keys come by chance of their `own`, so that the worlds are the same for all else. Where they are `keyed`,
    some have keys for certain, and batches are larger.
    """
    count = min(1 + int(draw() * 4), DIGITS - first)
    cut_at = draw(), draw()
    begins_anew = draw() < 0.5
    drawn = [(first + place, shapes[int(draw() * len(shapes))]) for place in range(count)]
    apart = draw() < 0.25
    twins = _twins(own, drawn) if own() < TWINNED else 0
    with_key = WITH_KEY if (own() < KEYED or keyed) and not apart else 0.0
    shards = _shards(drawn, cut_at, begins_anew=begins_anew, apart=apart, has_key=lambda: own() < with_key)
    at_s = draw() * 2 * draw()
    return Feed(
        shards=tuple(tuple(shard) for shard in shards if shard),
        at_s=at_s,
        batch=1 + int(draw() * 3) + twins + 2 * keyed,
        lost=0.0 if draw() < 0.4 else 0.4,
        bisects=draw() < 0.5,
        again_at_s=at_s + draw() * 8 if draw() < 0.3 else None,
        apart=apart,
        beside=not apart and draw() < 0.4,
        varies=draw() < 0.5,
        again_batch=1 + int(draw() * 3) + twins,
    )


def _twins(own: Draw, drawn: list[tuple[int, Shape]]) -> int:
    """Let some records ask once more for what another one asks for, and return how many do; of a Set nothing tells."""
    adding = [one for one in drawn if one[1][0] is not Mode.SET]
    twins = 1 + int(own() * TWINS_MAX) if adding else 0
    for _ in range(twins):
        drawn.insert(int(own() * (len(drawn) + 1)), adding[int(own() * len(adding))])
    return twins


def _shards(
    drawn: Sequence[tuple[int, Shape]],
    cut_at: Sequence[float],
    *,
    begins_anew: bool,
    apart: bool,
    has_key: Callable[[], bool],
) -> Sequence[Sequence[Order]]:
    """The records, in up to three shards."""
    count = len(drawn)
    cuts = sorted(1 + int(at * count) for at in cut_at)
    # Numbers of a child usually are higher than its parent's; nothing but the shard's name tells that they are others.
    numbers = [9 + 3 * place for place in range(count)]
    if begins_anew:
        numbers[cuts[0] :] = [1 + place for place in range(count - cuts[0])]
    records = [
        record(index, shape, f"shardId-00{sum(place >= cut for cut in cuts)}", number, apart=apart, keyed=has_key())
        for place, ((index, shape), number) in enumerate(zip(drawn, numbers, strict=True))
    ]
    return records[: cuts[0]], records[cuts[0] : cuts[1]], records[cuts[1] :]
