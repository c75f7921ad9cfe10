"""The auditor finds planted lies: each test tells it one story that contradicts the vendor's log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.faults.auditor.auditor import audit
from tests.faults.auditor.evidence import (
    ABSENT,
    APPLIED,
    FROZEN,
    NOT_ACCEPTED,
    REJECTED,
    REUSED,
    WAITING,
    Asked,
    Facts,
    Told,
)
from tests.faults.world.vendor import CALL, DISMISSED, Landing


def landing(at: float, mode: str, before: Mapping[str, int], **values: int) -> Landing:
    sign = -1 if mode == "Decrease" else 1
    after = {key: value if mode == "Set" else before[key] + sign * value for key, value in values.items()}
    return Landing(at, "G", CALL, mode, values, before, after, at)


def asked(index: int, *told: Told, mode: str = "Increase", key: str = "a") -> Asked:
    """An operation of this digit, and what its callers heard."""
    value = 1 << 6 * index
    return Asked(f"key-{index} (operation {index})", "G", mode, ((key, value),), index, list(told), asks=len(told))


def applied(value: int, *, lines: int = 1, later: bool = False, key: str = "a") -> Told:
    return Told(APPLIED, (((key, value),), later), {key: value}, later, lines)


ONCE = [landing(1, "Increase", {"a": 0}, a=1)]
TWICE = [*ONCE, landing(2, "Increase", {"a": 1}, a=1)]
TOGETHER = [landing(1, "Increase", {"a": 7}, a=65)]


def test_a_true_story_is_believed() -> None:
    assert list(audit([asked(0, applied(1), applied(1))], ONCE, Facts())) == []


def test_an_operation_that_landed_twice_is_found() -> None:
    back = [*TWICE, landing(3, "Decrease", {"a": 2}, a=1)]
    assert any("landed twice" in found for found in audit([asked(0, applied(1))], back, Facts()))


def test_an_excess_has_to_be_taken_back_and_told() -> None:
    """Where an assumption was broken it may land twice, but neither for good nor in silence."""
    found = list(audit([asked(0, applied(1))], TWICE, Facts(broken=True)))
    assert any("counts 2 times" in each for each in found)
    assert any("nobody was told" in each for each in found)
    back = [*TWICE, landing(3, "Decrease", {"a": 2}, a=1)]
    corrected = Facts(broken=True, notices=frozenset({"late_landing_corrected"}))
    assert list(audit([asked(0, applied(1))], back, corrected)) == []


def test_a_false_200_is_found() -> None:
    assert any("before it had landed" in found for found in audit([asked(0, applied(1, lines=0))], ONCE, Facts()))


def test_a_lost_operation_is_found() -> None:
    """Refused for good, it has to stay without effect; so has what was not accepted."""
    refused = asked(0, Told(REJECTED, (10004, ""), lines=0))
    assert any("counts 1 times" in found for found in audit([refused], ONCE, Facts(refuses=True)))
    turned_away = asked(0, Told(NOT_ACCEPTED))
    assert any("not accepted by everybody" in found for found in audit([turned_away], ONCE, Facts()))


def test_what_was_accepted_does_not_disappear() -> None:
    story = asked(0, Told(WAITING), Told(ABSENT, at_last=True))
    assert any("is gone" in found for found in audit([story], [], Facts()))


def test_two_different_answers_are_found() -> None:
    log = [*ONCE, landing(2, "Increase", {"a": 1}, a=64)]
    story = asked(0, applied(1), applied(65, later=True, lines=2))
    assert any("answered in 2 ways" in found for found in audit([story], log, Facts()))


def test_values_of_a_merged_call_are_those_after_the_own_share() -> None:
    """Whatever the order within the call, but no value that cannot have been."""
    for value in (8, 72):
        assert list(audit([asked(0, applied(value))], TOGETHER, Facts())) == []
    assert any("never true" in found for found in audit([asked(0, applied(65))], TOGETHER, Facts()))


def test_values_of_one_call_follow_one_order() -> None:
    """Two operations cannot both have been the last, nor both the first."""
    for first, second in ((72, 72), (8, 71)):
        story = [asked(0, applied(first)), asked(1, applied(second))]
        assert any("no order" in found for found in audit(story, TOGETHER, Facts()))
    assert list(audit([asked(0, applied(8)), asked(1, applied(72))], TOGETHER, Facts())) == []


def test_what_landed_in_two_lives_of_a_group_was_told_of_the_first() -> None:
    """A copy has forgotten it, and the group has none of it: seed 3698117 of the core."""
    gone = Landing(1.5, "G", DISMISSED, "", {}, {}, {})
    log = [landing(1, "Increase", {"a": 0}, a=64), gone, landing(2, "Increase", {"a": 0}, a=65)]
    story = [asked(0, applied(1, lines=3)), asked(1, applied(64))]
    assert any("no order" in found for found in audit(story, log, Facts()))
    assert list(audit(story, log, Facts(restored=True, dismissed=True))) == []


def test_values_that_were_observed_later_were_there_to_be_seen() -> None:
    log = [*ONCE, landing(2, "Increase", {"a": 1}, a=64)]
    seen, never = applied(65, later=True, lines=2), applied(64, later=True, lines=2)
    assert list(audit([asked(0, seen)], log, Facts())) == []
    assert any("never true" in found for found in audit([asked(0, never)], log, Facts()))


def test_a_freeze_needs_a_reason_and_a_notice() -> None:
    frozen = asked(0, Told(FROZEN, lines=0, at=1.0))
    found = list(audit([frozen], [], Facts(frozen=frozenset({"G"}))))
    assert any("everything can be explained" in each for each in found)
    assert any("without a notice" in each for each in found)
    excused = Facts(frozen=frozenset({"G"}), inexplicable=True, notices=frozenset({"group_frozen"}))
    assert list(audit([frozen], [], excused)) == []
    late = [landing(60, "Increase", {"a": 0}, a=64)]
    assert any("known to be frozen" in each for each in audit([frozen], late, excused))


def test_a_refusal_needs_a_reason() -> None:
    """An operation is not refused because another one in the same call deserved it."""
    refused = asked(0, Told(REJECTED, (80001, ""), lines=0))
    assert any("nothing is wrong" in found for found in audit([refused], [], Facts(forbidden="b")))
    assert list(audit([refused], [], Facts(forbidden="a"))) == []


def test_scarce_counters_excuse_only_what_lowers_them() -> None:
    """Whoever adds is never refused because of what others, or our receipt, take away."""
    scarce = Facts(scarce=True)
    assert list(audit([asked(0, Told(REJECTED, (10004, "")), mode="Decrease")], [], scarce)) == []
    found = audit([asked(0, Told(REJECTED, (10004, "")))], [], scarce)
    assert any("refused for good although" in one for one in found)


def test_a_receipt_below_zero_is_found() -> None:
    """Wherever a call of ours has brought it there, cut off or not."""
    facts = Facts(receipt_key="_r")
    for mode, receipt in (("Decrease", 5), ("Set", -1)):
        log = [landing(1, mode, {"a": 9, "_r": 4}, a=1, _r=receipt)]
        assert any("brought the receipt to -1" in one for one in audit([], log, facts))
    assert list(audit([], [landing(1, "Increase", {"a": 9, "_r": -9}, a=1, _r=5)], facts)) == []


def test_a_lift_that_nobody_needs_is_found() -> None:
    """The receipt alone is moved upwards, from below where a Decrease may begin."""
    facts = Facts(receipt_key="_r")
    assert list(audit([], [landing(1, "Increase", {"_r": 2**32 - 1}, _r=2**48)], facts)) == []
    needless = [landing(1, "Increase", {"_r": 2**32}, _r=2**48)]
    assert any("was lifted" in one for one in audit([], needless, facts))
    assert list(audit([], needless, Facts(receipt_key="_r", broken=True))) == []
    low = [landing(1, "Increase", {"_r": 0}, _r=2**20)]
    assert any("no higher than" in one for one in audit([], low, facts))
    empty = [landing(1, "Decrease", {"_r": 2**48}, _r=5)]
    assert any("carried nothing but the receipt" in one for one in audit([], empty, facts))


def test_shares_of_what_was_cut_off_are_not_asked_for() -> None:
    cut_off = replace(landing(1, "Decrease", {"a": 3}, a=65), after={"a": 0}, cut_off=True)
    told = [asked(0, applied(64), mode="Decrease"), asked(1, applied(0), mode="Decrease")]
    assert list(audit(told, [cut_off], Facts())) == []
    assert list(audit(told, [replace(cut_off, cut_off=False)], Facts())) != []


def test_an_end_that_does_not_come_is_found() -> None:
    assert any("not everything" in found for found in audit([], [], Facts(finished=False)))
    assert any("stands on 1" in found for found in audit([], [], Facts(receipts={"G": (1, 2)})))


def test_one_key_is_executed_with_one_content() -> None:
    """Two contents under one key cannot both have been applied."""
    rival = asked(1, applied(65, lines=2))
    rival.name = "key-0 (operation 1)"
    log = [*ONCE, landing(2, "Increase", {"a": 1}, a=64)]
    story = [asked(0, applied(1)), rival]
    assert any("2 contents" in found for found in audit(story, log, Facts()))
    assert any("2 contents" in found for found in audit(story, log, Facts(restored=True)))
    assert list(audit(story, log, Facts(restored=True, dismissed=True))) == []


def test_what_a_stream_was_told_is_taken_has_to_count() -> None:
    """Nobody asks after a record again, so that it is neither lost nor left to another delivery."""
    taken = asked(0, Told(WAITING))
    taken.by_stream = True
    assert any("counts 0 times" in found for found in audit([taken], [], Facts()))
    assert list(audit([taken], ONCE, Facts())) == []
    assert any("landed twice" in found for found in audit([taken], TWICE, Facts()))


def test_a_key_that_a_copy_has_forgotten_is_free_again() -> None:
    """Whoever was told that it is another's may be the one who has it in the end."""
    reused = asked(0, Told(REUSED, lines=0))
    assert any("counts 1 times" in found for found in audit([reused], ONCE, Facts()))
    assert list(audit([reused], ONCE, Facts(restored=True))) == []


def test_an_answer_without_its_counters_is_found() -> None:
    """Whatever befell the group: an answer names what its operation named."""
    nameless = asked(0, Told(APPLIED, ((), True), {}, later=True, lines=1))
    for facts in (Facts(), Facts(dismissed=True), Facts(broken=True, restored=True)):
        assert any("which are not the counters" in one for one in audit([nameless], ONCE, facts))


def test_calls_that_follow_lost_ones_too_soon_are_found() -> None:
    """At distances of the bound, twice and four times that, up to a minute; a landing lets them begin again."""

    def found(*times: int, log: Sequence[Landing] = ()) -> bool:
        facts = Facts(failed=[(time, time + 0.5) for time in times], bound_s=11)
        return any("too soon" in one for one in audit([], log, facts))

    assert not found(0, 11, 33, 77, 137, 197, 257)
    assert found(0, 10)
    assert found(0, 11, 32)
    assert found(0, 11, 33, 76)
    assert found(0, 11, 33, 77, 136)
    landed = [landing(11.7, "Increase", {"b": 0}, b=64)]
    assert not found(0, 11, 12, 13, 24, 46, log=landed)
    assert found(0, 11, 12, 13, 23, log=landed)


def brought(*told: Told, acknowledged: bool = True) -> Asked:
    """An operation that a source has brought, and whether it was told to forget it."""
    one = asked(0, *told)
    one.place, one.acknowledged = "record", acknowledged
    return one


def parked_facts(value: int = 1, reason: str = "why") -> Facts:
    """A world in which it is parked, with this Value."""
    return Facts(refuses=True, parked={"record": (("Increase", (("a", value),)), reason)})


def test_what_was_acknowledged_and_is_nowhere_is_found() -> None:
    """It has to have landed, or be parked, or be with its source again."""
    gone = "was acknowledged, and is gone"
    assert any(gone in found for found in audit([brought(Told(REJECTED))], [], Facts(refuses=True)))
    given_back = brought(Told(REJECTED), acknowledged=False)
    given_back.given_back = True
    for one, log, facts in (
        (brought(Told(REJECTED)), [], parked_facts()),
        (given_back, [], Facts(refuses=True)),
        (brought(Told(WAITING)), ONCE, Facts()),
    ):
        assert [found for found in audit([one], log, facts) if gone in found] == []


def test_what_is_parked_and_counts_is_found() -> None:
    """An operator would execute it once more; in a group that was made anew it counts no longer."""
    both = "was parked, and counts"
    assert any(both in found for found in audit([brought(Told(WAITING))], ONCE, parked_facts()))
    anew = [*ONCE, Landing(2, "G", DISMISSED, "", {}, {"a": 1}, {})]
    facts = replace(parked_facts(), dismissed=True)
    assert list(audit([brought(Told(WAITING))], anew, facts)) == []


def test_what_is_parked_as_something_else_is_found() -> None:
    """Content and reason are all that is left of it."""
    for facts in (parked_facts(value=2), parked_facts(reason="")):
        assert any("is parked as" in found for found in audit([brought(Told(REJECTED))], [], facts))


def test_what_is_parked_again_is_found() -> None:
    """Unless its source has brought it again since, or a worker may have been late."""
    back = "was parked again"
    facts = replace(parked_facts(), given_up={"record": 5.0})
    assert any(back in found for found in audit([brought(Told(REJECTED, at=4.0))], [], facts))
    for told, excused in ((Told(REJECTED, at=6.0), facts), (Told(REJECTED, at=4.0), replace(facts, straggles=True))):
        assert [found for found in audit([brought(told)], [], excused) if back in found] == []


def twins(*told: Told, acknowledged: int = 0) -> list[Asked]:
    """As many records of a stream as are told of, all of this digit; some are acknowledged."""
    ones = [asked(0, one) for one in told]
    for place, one in enumerate(ones):
        one.by_stream, one.place, one.acknowledged = True, f"shard:{place}", place < acknowledged
    return ones


@pytest.mark.parametrize(
    ("counted", "parked", "is_right"), [(3, 0, True), (1, 2, True), (2, 0, False), (4, 0, False), (2, 2, False)]
)
def test_of_twins_as_many_count_or_are_parked_as_there_are(counted: int, parked: int, *, is_right: bool) -> None:
    """Added up, they are parked with their sum."""
    ones = twins(*[Told(WAITING)] * 3)
    log = [landing(1, "Increase", {"a": 0}, a=counted)] if counted else []
    kept = {"shard:0-2": (("Increase", (("a", parked),)), "why")} if parked else {}
    assert (list(audit(ones, log, Facts(refuses=True, parked=kept))) == []) is is_right
    dropped = [content for content, _ in kept.values()]
    assert (list(audit(ones, log, Facts(refuses=True, dropped=dropped))) == []) is is_right


def test_twins_that_were_not_taken_may_be_missing_and_acknowledged_ones_may_not() -> None:
    for acknowledged in range(3):
        ones = twins(*[Told(NOT_ACCEPTED)] * 3, acknowledged=acknowledged)
        assert (list(audit(ones, ONCE, Facts())) == []) == (acknowledged < 2)


def test_the_value_of_one_of_two_twins_in_a_call_has_one_or_both_in_it() -> None:
    both = [landing(1, "Increase", {"a": 7}, a=2)]
    for value, is_true in ((8, True), (9, True), (7, False), (10, False)):
        ones = [asked(0, applied(value)), asked(0, applied(9))]
        ones[1].name = "key-1 (operation 0)"
        assert (list(audit(ones, both, Facts())) == []) is is_true


def test_what_is_parked_and_was_never_asked_for_is_found() -> None:
    kept = {"shard:0-2": (("Increase", (("a", 65),)), "why")}
    assert any("nobody asked for" in found for found in audit(twins(Told(WAITING)), ONCE, Facts(parked=kept)))


def test_a_set_lands_where_its_source_has_it_among_records_that_add() -> None:
    """Only records that were taken count, and where a copy was put back any may come again."""
    first, last = asked(0, Told(WAITING)), asked(1, Told(WAITING), mode="Set", key="set")
    first.by_stream = last.by_stream = first.acknowledged = last.acknowledged = True
    first.place, last.place = "shard:1", "shard:2"
    log = [landing(1, "Set", {"set": 0}, set=64), landing(2, "Increase", {"a": 0}, a=1)]

    def found(*lane: Asked, restored: bool = False) -> bool:
        facts = Facts(in_order=[lane], restored=restored)
        return any("had before it" in one for one in audit([first, last], log, facts))

    assert found(first, last)
    assert not found(last, first)
    assert not found(first, last, restored=True)
    first.acknowledged = False
    assert not found(first, last)
