"""Without a receipt key: what can be known is told, what cannot is told as unknown, and no delta is repeated."""

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Rejected, Unknown
from handler.core.ports.system import Notice
from tests.faults.simulator.stage import GROUP, LANDS_UNHEARD, NEVER, NORMAL, Stage
from tests.faults.world.rules import RULES


def stage_without_receipts() -> Stage:
    return Stage(rules=replace(RULES, receipt_key=""))


def test_an_answered_increase_is_applied() -> None:
    stage = stage_without_receipts()
    stage.call("A", stage.operation("a", 5))
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 5),))], stage.story
    assert stage.chat.groups[GROUP] == {"like": 5}, stage.story


def test_an_ambiguous_increase_is_unknown_and_never_repeated() -> None:
    """A lost reply is told as such, to duplicates too, and the call is not made again."""
    stage = stage_without_receipts()
    stage.expect(LANDS_UNHEARD)
    stage.call("A", stage.operation("a", 5))
    stage.call("A2", stage.operation("a", 5), at_s=30)
    stage.play()
    [first], [second] = stage.answers["A"], stage.answers["A2"]
    assert isinstance(first, Unknown), stage.story
    assert second == replace(first, replayed=True), stage.story
    assert (stage.chat.calls, stage.likes) == (1, 5), stage.story
    assert stage.notices.counts[Notice.UNKNOWN] == 1, stage.story


def test_an_ambiguous_set_is_repeated_after_its_death() -> None:
    """A Set may be repeated, but not before the first one can no longer overwrite what came later."""
    stage = stage_without_receipts()
    stage.expect(NEVER, NORMAL)
    stage.call("A", stage.operation("a", 5, Mode.SET), wait_s=40)
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 5),))], stage.story
    assert stage.chat.landings[0].at - stage.world.now < 0
    assert stage.chat.calls == 2, stage.story


def test_an_increase_whose_sender_died_is_unknown() -> None:
    stage = stage_without_receipts()
    stage.expect(LANDS_UNHEARD)
    stage.world.frozen["A", "hears"] = 200.0
    stage.call("A", stage.operation("a", 5))
    stage.call("A2", stage.operation("a", 5), at_s=2, wait_s=40)
    stage.play()
    assert isinstance(stage.answers["A2"][0], Unknown), stage.story
    assert stage.chat.calls == 1, stage.story


def test_a_refusal_needs_no_receipt() -> None:
    stage = stage_without_receipts()
    stage.chat.dismiss(GROUP)
    stage.call("A", stage.operation("a", 5))
    stage.play()
    assert stage.answers["A"] == [Rejected(10010, "no such group")], stage.story
