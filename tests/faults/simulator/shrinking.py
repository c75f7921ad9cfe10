"""From a plan that fails to the smallest one that still does: fewer callers, fewer hazards, plainer circumstances."""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from tests.faults.simulator.feed import Feed
from tests.faults.simulator.plan import OBJECTS, SHORT, Plan


def shrunk(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Leave out one thing after the other, for as long as what is left still fails."""
    while True:
        smaller = next((candidate for candidate in _candidates(plan) if fails(candidate)), None)
        if smaller is None:
            return plan
        plan = smaller


def _candidates(plan: Plan) -> Iterator[Plan]:
    for place in range(len(plan.asks)):
        if len(plan.asks) > 1:
            yield replace(plan, asks=plan.asks[:place] + plan.asks[place + 1 :])
    for place in range(len(plan.hazards)):
        yield replace(plan, hazards=plan.hazards[:place] + plan.hazards[place + 1 :])
    for place, ask in enumerate(plan.asks):
        if len(ask.orders) > 1:
            fewer = replace(ask, orders=ask.orders[:-1])
            yield replace(plan, asks=(*plan.asks[:place], fewer, *plan.asks[place + 1 :]))
    if plan.feed is not None:
        yield from (replace(plan, feed=smaller) for smaller in _smaller_feeds(plan.feed))
    plain = replace(plan, rules=SHORT, store=OBJECTS, skews_s=(0.0,) * len(plan.skews_s), to_the_end=False)
    for name in ("rules", "store", "skews_s", "to_the_end"):
        if getattr(plan, name) != getattr(plain, name):
            yield _with(plan, plain, name)


def _smaller_feeds(feed: Feed) -> Iterator[Feed | None]:
    """No stream at all, one without a shard, one without the end of a shard, and one that is read once."""
    yield None
    for place, shard in enumerate(feed.shards):
        for fewer in ((), (shard[:-1],)) if len(shard) > 1 else ((),):
            yield replace(feed, shards=feed.shards[:place] + fewer + feed.shards[place + 1 :])
    if feed.again_at_s is not None:
        yield replace(feed, again_at_s=None)
    if feed.beside or feed.varies:
        yield replace(feed, beside=False, varies=False)


def _with(plan: Plan, plain: Plan, name: str) -> Plan:
    """The plan with one circumstance as in the plain one."""
    if name == "rules":
        return replace(plan, rules=plain.rules)
    if name == "store":
        return replace(plan, store=plain.store)
    if name == "skews_s":
        return replace(plan, skews_s=plain.skews_s)
    return replace(plan, to_the_end=plain.to_the_end)
