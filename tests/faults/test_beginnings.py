"""First use, lost ledgers and other receipt keys (R9)."""

from msgspec.structs import replace

from handler.core.model.outcome import Applied, Pending, Rejected
from handler.core.ports.system import Notice
from tests.faults.simulator.stage import GROUP, Stage
from tests.faults.world.network import ReadFate
from tests.faults.world.rules import RULES
from tests.faults.world.world import START


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


def test_one_read_that_is_refused_does_not_make_a_group_new() -> None:
    """The receipt that the next read shows is adopted, instead of taken for something that nothing explains."""
    stage = Stage()
    stage.chat.groups[GROUP] = {"like": 7, "_receipt": 123_456_789}
    stage.api.fates.reads.append(ReadFate(code=10004))
    stage.call("A", stage.operation("a", 5), wait_s=20)
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 12),))], stage.story


def test_a_history_that_goes_away_with_its_group_is_not_adopted() -> None:
    """There is no receipt any more to wait for; the operation is refused like every other one."""
    stage = Stage()
    stage.chat.groups[GROUP] = {"like": 7, "_receipt": 123_456_789}
    stage.world.at(START + 5, lambda: stage.chat.dismiss(GROUP))
    stage.call("A", stage.operation("a", 5), wait_s=30)
    stage.play()
    assert stage.answers["A"] == [Rejected(10010, "no such group")], stage.story
