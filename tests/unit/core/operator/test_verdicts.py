"""An operator's word about a frozen row: what it settles, what it leaves owed, and what it may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.operation import Mode
from handler.core.model.row import Remembered, Row
from handler.core.operator.verdicts import (
    Decision,
    OperatorVerdict,
    all_dead_at,
    completed,
    never_carried,
    to_be_judged,
    unfrozen,
)
from handler.core.ports.ledger import Generation
from handler.core.state.losses import REMEMBERED_MAX
from handler.core.state.receipts import ReceiptReading
from handler.core.state.transitions import Change, frozen
from tests.unit.core.samples import BASE, BOUND_S, NOW, attempt, entry, row, seen
from tests.unit.core.scene import RULES

A, B, C = entry("a"), entry("b", like=7, gift=1), entry("c")
LANDED, NOT_LANDED = OperatorVerdict.LANDED, OperatorVerdict.NOT_LANDED
ELSEWHERE = 42
"""A receipt that nothing explains."""
DEAD = NOW + 100


def judged(before: Row, decision: Decision, receipt: int = ELSEWHERE, **values: int) -> Change:
    """What a complete decision makes of a frozen row."""
    decision = completed(before, decision, generation=1)
    return unfrozen(
        frozen(before, "why"),
        decision,
        receipt=ReceiptReading(receipt, DEAD),
        counters=seen(later=True, **values),
        generation=1,
        rules=RULES,
    )


def verdicts(**named: OperatorVerdict) -> Decision:
    return Decision(named)


@pytest.mark.parametrize("base", [0, None])
def test_a_landing_on_no_receipt_stands_on_its_weight(base: int | None) -> None:
    """So that the receipt of the very first call is explained by it."""
    first = attempt(A, base=0)
    change = judged(replace(row(first, (B,)), base=base), verdicts(a=LANDED), receipt=first.weight)
    assert (change.row.base, change.row.debt) == (first.weight, ())


@pytest.mark.parametrize("refused", [False, True])
def test_an_operation_in_the_queue_may_be_judged_where_a_past_attempt_carried_it(refused: bool) -> None:
    past = Remembered(attempt(C, name="past", weight=600_000), refused=refused)
    before = row(attempt(A), (B, C), (past,))
    assert (to_be_judged(before, 1), never_carried(before, 1)) == (("a",), ("b",))
    change = judged(before, verdicts(a=NOT_LANDED, c=LANDED), like=12)
    assert (change.row.queue, set(change.records)) == ((A, B), {"c"})
    assert judged(before, verdicts(a=LANDED), like=12).row.queue == (B, C)


@pytest.mark.parametrize("verdict", [LANDED, NOT_LANDED])
def test_a_verdict_on_what_no_attempt_ever_carried_is_refused(verdict: OperatorVerdict) -> None:
    """It would be answered as applied and never be sent; a paste of all ids on the screen has them all."""
    before = row(attempt(A), (B, C))
    with pytest.raises(BadInput, match=r"^verdicts: judges what was never sent and cannot have landed, .*: b, c$"):
        completed(before, verdicts(a=LANDED, b=verdict, c=verdict), generation=1)
    with pytest.raises(BadInput, match=r"^queued: is for a restored group's queue, .*: b, c$"):
        completed(before, Decision({"a": LANDED}, queued=verdict), generation=1)
    assert completed(before, verdicts(a=LANDED), generation=1).verdicts == {"a": LANDED}


def test_an_operation_that_was_settled_before_is_owed_back_if_this_attempt_landed_too() -> None:
    carrying = replace(attempt(A, B), settled=frozenset({"a"}))
    assert judged(row(carrying), verdicts(a=LANDED, b=LANDED)).row.debt == (("like", 5),)
    assert judged(row(carrying), verdicts(a=NOT_LANDED, b=NOT_LANDED)).row.debt == ()


def test_a_correction_is_judged_by_the_id_of_its_attempt() -> None:
    paying = row(attempt(mode=Mode.DECREASE, correction=(("like", 5),)), debt=(("like", 5),))
    assert to_be_judged(paying, 1) == ("attempt",)
    assert judged(paying, verdicts(attempt=LANDED)).row.debt == ()
    assert judged(paying, verdicts(attempt=NOT_LANDED)).row.debt == (("like", 5),)


def test_an_attempt_that_did_not_land_stays_in_mind() -> None:
    """If it lands all the same, its operation is not sent again; in a full memory another gives way, and is told."""
    memory = tuple(Remembered(attempt(name=f"past{number}", weight=600_000 + 2**number)) for number in range(8))
    assert len(memory) == REMEMBERED_MAX
    change = judged(row(attempt(A, weight=700_000), remembered=memory), verdicts(a=NOT_LANDED))
    assert [past.attempt.id for past in change.row.remembered] == [
        *(f"past{number}" for number in range(1, 8)),
        "attempt",
    ]
    assert change.dropped == memory[0]
    change = judged(row(attempt(A, weight=700_000), remembered=memory[1:]), verdicts(a=NOT_LANDED))
    assert (len(change.row.remembered), change.dropped) == (8, None)


def test_every_part_of_an_attempt_must_be_judged() -> None:
    with pytest.raises(BadInput, match=r"^verdicts: lacks one for each of: b$"):
        completed(row(attempt(A, B), (C,)), verdicts(a=LANDED), generation=1)
    with pytest.raises(BadInput, match=r"^verdicts: lacks one for each of: a, b$"):
        completed(row(attempt(A, B), (C,)), verdicts(), generation=1)


def test_unknown_ids_are_refused() -> None:
    """None of them is repeated in the error, for they are the operator's own text."""
    with pytest.raises(BadInput, match=r"^verdicts: has 2 of what this group does not owe"):
        completed(row(attempt(A)), verdicts(a=LANDED, x=LANDED, y=LANDED), generation=1)


def test_the_queue_of_a_restored_row_must_be_judged() -> None:
    restored = row(queue=(A, B))
    assert to_be_judged(restored, generation=2) == ("a", "b")
    with pytest.raises(BadInput):
        completed(restored, verdicts(a=LANDED), generation=2)
    whole = completed(restored, Decision({"a": LANDED}, queued=NOT_LANDED), generation=2)
    assert whole.verdicts == {"a": LANDED, "b": NOT_LANDED}


def dead_at(before: Row, first_seen_at: int, generation: Generation, now: int) -> float:
    return all_dead_at(before, first_seen_at, generation, rules=RULES, now=now)


def test_nothing_is_decided_before_all_is_dead() -> None:
    """The newest attempt, the first look, and the instances of an older generation are waited for.

    An attempt whose time lies ahead was signed by a wrong clock, and before the first look (R12).
    """
    ahead, past_s = attempt(A, time=NOW + 1000), BOUND_S + 1 + RULES.guard_s
    first, later = attempt(A, time=NOW), Remembered(attempt(name="past", time=NOW + 30))
    same, restored = Generation(1, 0), Generation(2, NOW + 50)
    assert dead_at(row(first, remembered=(later,)), NOW - 9, same, NOW + 30) == NOW + 30 + BOUND_S + 1
    assert dead_at(row(first), NOW + 40, same, NOW + 40) == NOW + 40 + past_s
    assert dead_at(row(first), NOW, restored, NOW + 50) == NOW + 50 + past_s + RULES.cache_s
    assert dead_at(row(first), NOW, Generation(2), NOW + 50) == NOW + past_s + RULES.cache_s
    assert dead_at(row(), NOW, same, NOW) == NOW + past_s
    assert dead_at(row(ahead), NOW, same, NOW) == NOW + past_s


@given(landed=st.booleans(), late=st.booleans(), decrease=st.booleans(), told_by=st.booleans())
def test_a_true_verdict_counts_everything_once(landed: bool, late: bool, decrease: bool, told_by: bool) -> None:
    """Whatever else the receipt shows to have landed is found beside the verdict, and owed back."""
    mode = Mode.DECREASE if decrease else Mode.INCREASE
    operation = entry("a", mode, like=3)
    carrying = attempt(operation, weight=700_000)
    past = Remembered(attempt(name="past", mode=Mode.INCREASE, weight=600_000), folded=(("like", 11),))
    receipt = BASE + landed * mode.sign * 700_000 + late * 600_000
    like = landed * mode.sign * 3 + late * 11
    decision = Decision({"a": LANDED if landed else NOT_LANDED}, receipt=receipt if told_by else None)
    after = judged(row(carrying, (C,), (past,)), decision, receipt, like=like).row
    owed = sum(counter[1] * waiting.mode.sign for waiting in after.queue for counter in waiting.counters)
    assert like + owed - dict(after.debt).get("like", 0) == mode.sign * 3 + 5
    assert len({waiting.id for waiting in after.queue}) == len(after.queue)


def test_what_landed_on_top_of_a_set_is_found_beside_the_verdict() -> None:
    """A Set writes the receipt, and what came later has moved it from there."""
    setting = attempt(entry("a", Mode.SET, share=3), weight=700_000)
    past = Remembered(attempt(name="past", weight=600_000), folded=(("like", 11),))
    change = judged(row(setting, remembered=(past,)), verdicts(a=LANDED), BASE + 1_300_000, share=3)
    assert (change.row.base, change.row.debt) == (BASE + 1_300_000, (("like", 11),))
