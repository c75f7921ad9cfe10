"""First use, lost ledgers, other receipt keys, and restored stores (R9, R10)."""

from __future__ import annotations

from dataclasses import replace

from handler.core.ledger import Generation
from handler.core.notices import Notice
from handler.core.outcomes import Applied, Frozen, Pending, Rejected
from handler.core.rows import Entry, first_row
from tests.faults.campaign import RULES
from tests.faults.simulated import Fate
from tests.faults.stage import GROUP, Stage
from tests.faults.world import START
from tests.sandbox.memory_ledger import Snapshot

NORMAL = Fate()


def test_a_group_without_a_receipt_is_counted_at_once() -> None:
    """The first operation of a group costs one read more, and waits for nothing."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 5),))], stage.story
    assert (stage.chat.calls, stage.chat.reads) == (1, 1), stage.story


def test_a_lost_ledger_adopts_the_receipt_after_the_wait() -> None:
    """A receipt without a row belongs to a history that may still land: it is taken over only when that is over."""
    stage = Stage()
    stage.chat.groups[GROUP] = {"like": 7, "_receipt": 123_456_789}
    stage.call("A", stage.operation("a", 5), wait_s=5)
    stage.call("A2", stage.operation("a", 5), at_s=6, wait_s=20)
    stage.play()
    assert isinstance(stage.answers["A"][0], Pending), stage.story
    assert stage.answers["A2"] == [Applied((("like", 12),))], stage.story
    assert stage.notices.counts[Notice.HISTORY_ADOPTED] == 1, stage.story
    wait_s = stage.chat.landings[0].at - START
    assert wait_s >= RULES.life_s + 1 + RULES.guard_s, stage.story


def test_another_receipt_key_is_a_first_use() -> None:
    """No arithmetic on a foreign base: with another receipt key the group begins anew, its row stays."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(2)
    stage.rules = replace(RULES, receipt_key="_other")
    stage.forget_instances()
    stage.call("B", stage.operation("b", 6), at_s=3)
    stage.play()
    assert stage.answers["B"] == [Applied((("like", 11),))], stage.story
    assert stage.row.receipt_key == "_other", stage.story


def test_a_full_group_is_refused_before_any_call() -> None:
    """A group with twenty counters has no room for the receipt: the operation is refused, and nothing is sent."""
    stage = Stage()
    stage.chat.groups[GROUP] = {f"k{number}": 0 for number in range(20)}
    stage.call("A", stage.operation("a", 5))
    stage.play()
    [outcome] = stage.answers["A"]
    assert isinstance(outcome, Rejected), stage.story
    assert (outcome.code, stage.chat.calls) == (10063, 0), stage.story


def test_a_missing_group_is_refused_for_good() -> None:
    """A group that does not exist refuses the operation, and a duplicate hears the same after it was created."""
    stage = Stage()
    stage.chat.dismiss(GROUP)
    stage.call("A", stage.operation("a", 5))
    stage.world.at(START + 5, lambda: stage.chat.create(GROUP))
    stage.call("A2", stage.operation("a", 5), at_s=6)
    stage.play()
    assert stage.answers["A"] == [Rejected(10010, "no such group")], stage.story
    assert stage.answers["A2"] == [Rejected(10010, "no such group", replayed=True)], stage.story
    assert stage.likes == 0, stage.story


def test_a_restored_store_sends_nothing_before_its_receipts_are_explained() -> None:
    """A row of an older generation whose receipt has moved on freezes its group; nothing is counted twice."""
    stage = Stage()
    stage.call("A", stage.operation("a", 5))
    stage.play_until(2)
    snapshot = stage.memory.snapshot()
    stage.call("B", stage.operation("b", 6), at_s=3)
    stage.play_until(10)
    stage.memory.restore(snapshot)
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.forget_instances()
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
    stage.memory.restore(copy)
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.forget_instances()
    stage.call("A2", stage.operation("a", 5), at_s=6, wait_s=400)
    stage.play(limit_s=500)
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert stage.likes == 5, stage.story


def test_a_copy_of_a_group_that_never_began_goes_on() -> None:
    """Where no receipt is upstream, nothing was ever sent."""
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
    stage.memory.restore(Snapshot({}, {}))
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.forget_instances()
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
    stage.memory.restore(Snapshot({}, {}))
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.forget_instances()
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


def test_an_old_copy_adopts_the_receipts_of_groups_that_it_does_not_know() -> None:
    """What it has lost is not asked for any more after a day, so such a group was in use before this ledger was."""
    stage = Stage()
    stage.chat.groups[GROUP] = {"like": 7, "_receipt": 123_456_789}
    stage.memory.current = Generation(2, int(START) - 86_401)
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
    bound_s = RULES.life_s + 1 + RULES.guard_s
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
    stage.memory.current = Generation(2, int(stage.world.now))
    stage.forget_instances()
    stage.call("B", stage.operation("b", 6), at_s=12, wait_s=120)
    stage.play()
    assert stage.answers["B"] == [Applied((("like", 11),))], stage.story
    waited_s = stage.chat.landings[1].at - START - 10
    assert waited_s >= RULES.life_s + 1 + RULES.guard_s + RULES.cache_s, stage.story
    assert stage.row.generation == 2, stage.story
