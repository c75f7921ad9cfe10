"""What a ledger does that was put back to an earlier copy, or that has failed over: R10, and what is left of R9."""

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Position
from handler.core.model.outcome import Applied, Frozen, Rejected
from handler.core.model.row import Entry, first_row
from handler.core.ports.ledger import Generation
from tests.faults.simulator.stage import GROUP, Stage
from tests.faults.world.network import Fate
from tests.faults.world.rules import RULES
from tests.faults.world.world import START
from tests.sandbox.memory_ledger import Snapshot

DAY_S = 24 * 3600


def test_a_restored_store_sends_nothing_before_its_receipts_are_explained() -> None:
    """A row of an older generation whose receipt has moved on freezes its group; nothing is counted twice."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(2)
    snapshot = stage.memory.snapshot()
    stage.call("B", stage.operation("b", 6), at_s=3)
    stage.play_until(10)
    stage.put_back(snapshot)
    stage.call("B2", stage.operation("b", 6), at_s=12, wait_s=120)
    stage.play()
    assert isinstance(stage.answers["B2"][0], Frozen), stage.story
    assert stage.likes == 11, stage.story


def test_a_copy_that_lacks_how_a_group_began_freezes_what_it_owes() -> None:
    """Its first operation waits in the copy and was counted since: to adopt the receipt and send it would double it."""
    stage = Stage()
    stage.memory.swap(GROUP, first_row([Entry.of(stage.operation("a", 5))], "_receipt", 1), {})
    copy = stage.memory.snapshot()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(5)
    stage.put_back(copy)
    stage.call("A2", stage.operation("a", 5), at_s=6, wait_s=400)
    stage.play(limit_s=500)
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_a_copy_of_a_group_that_never_began_goes_on() -> None:
    stage = Stage()
    stage.memory.swap(GROUP, first_row([Entry.of(stage.operation("a", 5))], "_receipt", 1), {})
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.call("A", stage.operation("a", 5), wait_s=400)
    stage.play(limit_s=500)
    assert stage.answers["A"] == [Applied((("like", 5),))], stage.story


def test_a_group_that_a_young_copy_does_not_know_is_frozen_where_it_has_a_receipt() -> None:
    """Its whole row may be what was lost, and what is asked for a repetition."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(5)
    stage.put_back(Snapshot({}, {}))
    stage.call("A2", stage.operation("a", 5), at_s=6, wait_s=60)
    stage.play()
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_a_young_copy_waits_for_the_first_call_of_a_group_that_it_does_not_know() -> None:
    """The copy was put back while that call was under way: its receipt is not there yet, and it still lands."""
    stage = Stage(rules=replace(RULES, cache_s=0))
    stage.expect(Fate(arrives_after_s=5.5, replies=False))
    stage.call("A", stage.operation("a", 5))
    stage.play_until(2)
    stage.put_back(Snapshot({}, {}))
    stage.call("A2", stage.operation("a", 5), at_s=3, wait_s=60)
    stage.play()
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_a_young_copy_counts_a_new_group_after_the_wait() -> None:
    """Nobody can tell it from one whose first call is lost, before that would have landed."""
    stage = Stage(rules=replace(RULES, cache_s=0))
    stage.memory.current = Generation(2, int(START))
    stage.call("A", stage.operation("a", 5), at_s=2, wait_s=60)
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 5),))], stage.story
    assert stage.chat.landings[0].at - START >= RULES.life_s + 1 + RULES.guard_s, stage.story


@pytest.mark.parametrize(
    ("position", "days"), [(None, 14), (Position.of("shard", "1"), 365)], ids=["a message", "a record of a stream"]
)
def test_what_a_copy_has_lost_is_not_taken_for_new(position: Position | None, days: int) -> None:
    """A queue repeats it within its window, a stream for as long as it keeps it; the receipt has counted it already."""
    stage = Stage()
    operation = replace(stage.operation("a", 5), position=position)
    stage.call("A", operation)
    stage.play_until(5)
    stage.memory.restore(Snapshot({}, {}))
    stage.memory.current = Generation(2, int(START) - days * DAY_S)
    stage.forget_instances()
    stage.call("A2", operation, at_s=6, wait_s=60)
    stage.play()
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_an_old_copy_adopts_the_receipts_of_groups_that_it_does_not_know() -> None:
    """What it has lost is not asked for any more after its window: such a group was in use before this ledger was."""
    stage = Stage()
    stage.chat.groups[GROUP] = {"like": 7, "_receipt": 123_456_789}
    stage.memory.current = Generation(2, int(START) - 15 * DAY_S - 1)
    stage.call("A", stage.operation("a", 5), wait_s=30)
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 12),))], stage.story


def test_a_store_that_tells_at_once_of_its_failover_waits_from_the_first_sight_of_a_row() -> None:
    """When it failed over need not be known, and there is no cache to outlast."""
    stage = Stage(rules=replace(RULES, cache_s=0))
    stage.call("A", stage.operation("a", 5))
    stage.play_until(10)
    stage.memory.current = Generation(2, 0)
    stage.call("B", stage.operation("b", 6), at_s=12, wait_s=120)
    stage.play()
    assert stage.answers["B"] == [Applied((("like", 11),))], stage.story
    waited_s = stage.chat.landings[1].at - START - 12
    bound_s = RULES.life_s + 1 + 2 * RULES.guard_s
    assert bound_s <= waited_s <= bound_s + 4, stage.story


def test_each_generation_has_a_sight_of_its_own() -> None:
    """A copy of a row that was being verified when the store failed again proves nothing about the time since."""
    stage = Stage(rules=replace(RULES, cache_s=0))
    stage.call("A", stage.operation("a", 5))
    stage.play_until(10)
    stage.memory.current = Generation(2, 0)
    stage.call("B", stage.operation("b", 6), at_s=12, wait_s=5)
    stage.play_until(20)
    stage.memory.current = Generation(3, 0)
    stage.call("C", stage.operation("b", 6), at_s=22, wait_s=120)
    stage.play()
    assert stage.answers["C"] == [Applied((("like", 11),))], stage.story
    assert stage.chat.landings[1].at - START >= 22 + RULES.life_s + 1 + RULES.guard_s, stage.story


def test_a_restored_store_that_lost_nothing_goes_on() -> None:
    """A row of an older generation that agrees with its receipt is used again after the wait."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(10)
    stage.put_back(None)
    stage.call("B", stage.operation("b", 6), at_s=12, wait_s=120)
    stage.play()
    assert stage.answers["B"] == [Applied((("like", 11),))], stage.story
    waited_s = stage.chat.landings[1].at - START - 10
    assert waited_s >= RULES.life_s + 1 + RULES.guard_s + RULES.cache_s, stage.story
    assert stage.row.generation == 2, stage.story


def test_a_young_copy_waits_until_nothing_that_it_has_forgotten_can_land() -> None:
    """A group that it does not know, and that has no receipt yet, may have had its first call sent before."""
    stage = Stage()
    stage.expect(Fate(arrives_after_s=6.0, lands_after_s=4.0, replies=False))
    stage.call("A", stage.operation("a", 5), wait_s=1)
    stage.play_until(1)
    stage.put_back(Snapshot({}, {}))
    stage.call("A2", stage.operation("a", 5), at_s=2, wait_s=100)
    stage.play()
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_a_copied_row_of_a_group_that_is_gone_goes_on() -> None:
    """Its receipt can never be explained, and need not be: what waits is refused by the API."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(5)
    stage.chat.dismiss(GROUP)
    stage.put_back(None)
    stage.call("B", stage.operation("b", 6), at_s=6, wait_s=120)
    stage.play()
    assert stage.answers["B"] == [Rejected(10010, "no such group")], stage.story


@pytest.mark.parametrize("cache_s", [0, 5])
def test_a_first_call_that_a_store_has_forgotten_counts_once_whatever_the_stores_clock_shows(cache_s: int) -> None:
    """Its generation starts with the first `Date` that is heard once it is known (R12): the call is waited for."""
    stage = Stage(rules=replace(RULES, cache_s=cache_s))
    empty = stage.memory.snapshot()
    stage.expect(Fate(arrives_after_s=5.0, replies=False, lands_after_s=3.0))
    a = stage.operation("a", 5)
    stage.call("A", a, wait_s=1)
    stage.play_until(2)
    stage.memory.restore(empty)
    stage.memory.current = Generation(2)
    stage.forget_instances()
    stage.call("A2", a, at_s=3, wait_s=60)
    stage.sweep(at_s=70)
    stage.play()
    assert stage.likes == 5, stage.story
    assert stage.memory.current == Generation(2, int(START) + 3), stage.story
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
