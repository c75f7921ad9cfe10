"""What one seed makes happen in a small world, as plain data: whatever is left out of a plan does not happen."""

import random
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from handler.core.runtime.instance import Rules
from tests.faults.auditor.orders import BUS, LONG, MORE, QUEUE, SHAPES, WIDE, Order, Shape, order
from tests.faults.simulator.draws import HAZARDS, Draw, forgotten, kept_s, long_gone, paused
from tests.faults.simulator.feed import Feed, feed
from tests.faults.simulator.hazards import LASTING, LOSING, BelowZero, Hazard, LongGone, Stray
from tests.faults.world.rules import RULES

SHORT = replace(RULES, timeout_s=1, life_s=2, guard_s=1, bound_s=3, cache_s=5, forget_s=20)
BRIEF = replace(SHORT, timeout_s=0.5, life_s=1, guard_s=0.5, bound_s=1.5)
SLOW = replace(SHORT, calls_per_second=2)

# A row has room for few operations on the longest keys, so that what comes on top of them has to make itself room.
TIGHT = replace(SHORT, row_bytes=9776)

A_DAY_S = 86_400.0

OBJECTS, TEXTS, PIECES = "objects", "texts", "pieces"


class Ask(msgspec.Struct, frozen=True):
    """One caller: what it asks for at once, when and of which instance first, and whether it `insists` on an answer."""

    at_s: float
    place: int
    orders: tuple[Order, ...]
    wait_s: float
    insists: bool = True
    source: str | None = None
    """The source that brings it, as a batch, and that asks no more once it is acknowledged."""


class Plan(msgspec.Struct, frozen=True):
    """One small world. Times in seconds from its beginning; `skews_s` has the error of each instance's wall clock."""

    seed: int
    rules: Rules
    store: str
    receipt: int | None
    """The receipt at the beginning; None where the group has none yet."""
    is_known: bool
    """Whether the ledger has a row that stands on that receipt."""
    skews_s: tuple[float, ...]
    asks: tuple[Ask, ...]
    hazards: tuple[Hazard, ...]
    sweep_at_s: float
    to_the_end: bool = False
    """Whether it goes on until nothing is remembered any more."""
    feed: Feed | None = None
    """The stream that brings operations of the same group beside the callers."""

    @property
    def orders(self) -> tuple[Order, ...]:
        asked = [order for ask in self.asks for order in ask.orders]
        return tuple(dict.fromkeys((*asked, *self.feed.orders) if self.feed else asked))


_T = TypeVar("_T")

NEW, ADOPTED, KNOWN = "new", "adopted", "known"


class Theme(msgspec.Struct, frozen=True):
    """What worlds are to be about, where they are not to be about everything.

    All the `hazards` happen in each of them, and the operations are of these `shapes`. `start` says what is known of
    the group at the beginning. With `later` the last operation is asked for some seconds after the others; unless
    they `insist`, callers ask once; the `patient` ones wait longer. With `fed` there is a stream beside the callers,
    in which some records are `keyed`, and with `sources` all callers are event sources. In `tight` worlds rows are
    short and keys are long. In `paced` ones the calls keep a long distance from each other.
    """

    hazards: tuple[Draw, ...] = ()
    shapes: tuple[Shape, ...] = ()
    start: str | None = None
    later: bool = False
    insist: bool = True
    patient: bool = False
    fed: bool = False
    keyed: bool = False
    sources: bool = False
    tight: bool = False
    paced: bool = False


ANYTHING = Theme()


def plan(seed: int, theme: Theme = ANYTHING) -> Plan:
    chance = random.Random(seed)
    draw = chance.random
    rules = _pick(draw, ((0.7, BRIEF), (0.94, SHORT), (0.97, RULES), (1, SLOW)))
    is_fed = theme.fed or (theme is ANYTHING and draw() < FED)
    if theme.tight or (theme is ANYTHING and not is_fed and draw() < CRAMPED):
        rules, theme = TIGHT, replace(theme, tight=True, shapes=theme.shapes or (LONG if draw() < 0.7 else WIDE))
    orders = _orders(chance, theme, is_fed=is_fed)
    asks = _asks(draw, orders, theme)
    kinds = theme.hazards or [HAZARDS[int(draw() * len(HAZARDS))] for _ in range(_pick(draw, _HAZARD_COUNTS))]
    hazards = (*(kind(chance, rules) for kind in kinds), *_beside(seed, rules, theme))
    loses = any(isinstance(hazard, LOSING) for hazard in hazards)
    rules = replace(rules, forget_s=A_DAY_S if loses else rules.forget_s, group_interval_s=_interval_s(seed, theme))
    if draw() < (0.8 if any(isinstance(hazard, LASTING) for hazard in hazards) else 0.05):
        asks.append(Ask(1 + draw() * 24 * draw(), int(draw() * 3), (orders[int(draw() * len(orders))],), 5.0))
    for gone in [hazard for hazard in hazards if isinstance(hazard, LongGone)]:
        rules = replace(rules, window_s=SOON_FORGOTTEN_S)
        asks += _of_a_group_made_again(seed, orders, gone, rules, insists=theme.insist)
    has_stray = any(isinstance(hazard, Stray) for hazard in hazards)
    start = theme.start or _pick(draw, ((0.1, NEW), (0.67 if has_stray else 0.13, ADOPTED), (1, KNOWN)))
    skewed = draw() < 0.2
    return Plan(
        seed,
        rules,
        store=_pick(draw, _FED_STORES if is_fed else _STORES),
        receipt=None if start == NEW else _receipt(draw, hazards),
        is_known=start == KNOWN,
        skews_s=tuple((draw() * 80 - 40) * skewed for _ in range(3)),
        asks=tuple(_brought(seed, asks, theme)),
        hazards=hazards,
        sweep_at_s=5 + draw() * 10,
        to_the_end=draw() < 0.03 and not loses,
        feed=_feed(seed, draw, len(orders), theme) if is_fed else None,
    )


def _feed(seed: int, draw: Callable[[], float], first: int, theme: Theme) -> Feed:
    return feed(draw, random.Random(seed ^ 1 << 58).random, first, theme.shapes or SHAPES, keyed=theme.keyed)


# A receipt further off than this is nobody's history.
FAR = 1 << 62

# Where a Decrease may begin and just below, what rows of before stood on, and what nobody counts from.
RECEIPTS = (
    *((0.3, 0), (0.4, 1), (0.5, 1_200_000), (0.6, (1 << 32) - 1), (0.66, (1 << 32) + 500_000), (0.93, 1 << 40)),
    *((0.98, -3_000_000), (1, (1 << 63) - 100_000)),
)


def _receipt(draw: Callable[[], float], hazards: tuple[Hazard, ...]) -> int:
    receipt = _pick(draw, RECEIPTS)
    return max(receipt, 0) if any(isinstance(hazard, BelowZero) for hazard in hazards) else receipt


# The share of worlds in which a stream brings operations too, and of those in which rows are short.
FED = 0.1
CRAMPED = 0.02

_STORES = ((0.96, OBJECTS), (0.97, TEXTS), (1, PIECES))

# Marks are written and read beside the row where a store has no transactions, so that is where streams meet most.
_FED_STORES = ((0.45, OBJECTS), (0.5, TEXTS), (1, PIECES))


# The share of worlds that an operator pauses, and of those in which one forgets the group.
PAUSED = 0.05
FORGOTTEN = 0.05

# The share of worlds whose group is away for long, and how long answers are kept there.
LONG_GONE = 0.03
SOON_FORGOTTEN_S = 10.0
EXPIRING = 0.5

# The share of worlds in which the calls of a group keep a pace, and the longer distance that they keep.
PACED = 0.05
FAR_APART_S = 6.0

# The share of callers that are event sources.
BROUGHT = 0.2

_HAZARD_COUNTS = ((0.03, 0), (0.6, 1), (0.93, 2), (1, 3))


def _orders(chance: random.Random, theme: Theme, *, is_fed: bool) -> list[Order]:
    draw = chance.random
    # Where a stream brings more, one is enough.
    count = _pick(draw, ((0.7, 1), (0.94, 2), (1, 3))) if not is_fed else 1
    shapes = theme.shapes or [SHAPES[int(draw() * len(SHAPES))] for _ in range(count)]
    orders = [order(index, index, shape) for index, shape in enumerate(shapes)]
    if draw() < 0.04 and shapes[0][1]:
        # Another content under a key that is taken.
        orders.append(order(len(shapes), 0, shapes[0]))
    return orders


def _asks(draw: Callable[[], float], orders: list[Order], theme: Theme) -> list[Ask]:
    """Each operation once, some of them again, or all together as a batch."""
    waits_s = ((0.3, 0.5), (0.9, 3.5), (1, 12.0)) if not theme.patient else ((1, 20.0),)
    spread_s = _pick(draw, ((0.6, 0.1), (1, 4.0)))
    insists = draw() > 0.1 and theme.insist
    asks = [Ask(draw() * spread_s, int(draw() * 3), (one,), _pick(draw, waits_s), insists) for one in orders]
    if theme.later:
        asks[-1] = replace(asks[-1], at_s=4 + draw() * 12)
    while draw() < 0.25:
        again = orders[int(draw() * len(orders))]
        asks.append(Ask(draw() * 12 * draw(), int(draw() * 3), (again,), _pick(draw, waits_s)))
    # No row has room for all of them at once where rows are short.
    if len(orders) > 1 and not theme.tight and draw() < 0.3:
        distinct = {one.operation.id: one for one in orders}
        asks.append(Ask(draw() * spread_s, int(draw() * 3), tuple(distinct.values()), 5.0))
    return asks


def _beside(seed: int, rules: Rules, theme: Theme) -> list[Hazard]:
    """What else happens in some worlds about everything; by chances of its own, so that all else is the same."""
    shares = [(paused, 61, PAUSED), (forgotten, 59, FORGOTTEN), (long_gone, 56, LONG_GONE)]
    chances = [(kind, random.Random(seed ^ 1 << bit), share) for kind, bit, share in shares]
    return [kind(chance, rules) for kind, chance, share in chances if theme is ANYTHING and chance.random() < share]


def _of_a_group_made_again(seed: int, orders: list[Order], gone: LongGone, rules: Rules, *, insists: bool) -> list[Ask]:
    """One that comes while it is away, one of those before once it is there again, and one more.

    The last one comes about when the row expires, or after the group was made again.
    """
    draw = random.Random(seed ^ 1 << 57).random
    refused, fresh = (order(number, number, MORE) for number in range(len(orders), len(orders) + 2))
    orders += [refused, fresh]
    away_s = gone.anew_after_s or 0.0
    again_s = gone.at_s + away_s
    known = orders[int(draw() * (len(orders) - 1))]
    expires_s = gone.at_s + min(kept_s(rules), away_s)
    last_s = (expires_s if draw() < EXPIRING else again_s) + 10 * draw()
    times = [(refused, gone.at_s + 3 * draw()), (known, again_s + 10 * draw() - 3), (fresh, last_s)]
    return [Ask(at_s, int(draw() * 3), (one,), 0.5 + 4.5 * draw(), insists) for one, at_s in times]


def _interval_s(seed: int, theme: Theme) -> float:
    """A pace in some worlds about everything; by chance of its own, so that the worlds are the same for all else."""
    draw = random.Random(seed ^ 1 << 62).random
    if theme.paced:
        return FAR_APART_S
    return _pick(draw, ((0.5, 1.0), (1, FAR_APART_S))) if theme is ANYTHING and draw() < PACED else 0.0


def _brought(seed: int, asks: list[Ask], theme: Theme) -> list[Ask]:
    """Some of them by event sources; by chance of its own, so that the worlds are the same for all else."""
    draw = random.Random(seed ^ 1 << 60).random
    return [
        replace(ask, source=_pick(draw, ((0.5, QUEUE), (1, BUS))) if theme.sources or draw() < BROUGHT else None)
        for ask in asks
    ]


def _pick(draw: Callable[[], float], choices: tuple[tuple[float, _T], ...]) -> _T:
    """The first choice whose share is not exceeded."""
    drawn = draw()
    for share, what in choices:
        if drawn < share:
            return what
    raise ValueError("the shares do not come to 1")
