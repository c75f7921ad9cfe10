"""What a worker concludes from a reply or a look at the receipt, when others or a lost write get in its way."""

import dataclasses

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Applied, Rejected
from handler.core.model.row import Remembered, Row
from handler.core.ports.counter_api import Counted, Fault, Refused, Reply, Unsent
from handler.core.protocol.calls import OwnCall
from handler.core.protocol.conclude import Observation, look, see
from handler.core.protocol.drive import drive
from handler.core.protocol.refusal import confirmed
from handler.core.protocol.visit import CONTENTION_S, TIMES_BELIEVED, Again, Stop
from handler.core.runtime.instance import Rules
from handler.core.state.receipts import ReceiptReading
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import ARREARS, GONE, GROUP, INVALID, RATE, RULES, Scene, first, increase

FORBIDDEN = Refused(10007, "not permitted", Fault.OPERATION, NOW + 20)
WEAKER = replace(RULES, receipt_key="")
WEAKER_ROW = replace(row(receipt_key=""), base=0)


def test_an_attempt_lives_as_long_as_it_was_signed_for() -> None:
    """The row says how long that is: an instance with shorter settings may not presume it dead before (R4 b)."""
    signed_for_a_minute = replace(attempt(entry("a")), life_s=60)
    scene = Scene(row(signed_for_a_minute))
    scene.clock.advance(15)
    drive(scene.visit(30), None)
    assert scene.row.attempt == signed_for_a_minute
    assert scene.api.calls == []


@pytest.mark.parametrize("reply", [RATE, Unsent("no connection")], ids=["refused", "unsent"])
@pytest.mark.parametrize(("before", "rules"), [(row(), RULES), (WEAKER_ROW, WEAKER)], ids=["receipts", "no receipts"])
def test_a_definite_reply_outlives_a_lost_swap(before: Row, rules: Rules, reply: Reply) -> None:
    """Somebody else's operation came in between: the attempt is still known to have had no effect (R4 c)."""
    scene = Scene(before, rules)
    scene.api.updates = [reply]
    scene.ledger.before_swap = [scene.grow]
    began = scene.clock.moment
    assert scene.outcome(increase("a"), 30) == Applied((("like", 5),))
    assert scene.clock.moment - began < 5


def test_a_group_that_may_not_be_read_is_not_gone() -> None:
    """Only a read of the receipt shows that an attempt did not land: this one had (R4)."""
    scene = Scene(row(attempt(entry("a"))))
    scene.api.counters = {"like": 5, "_receipt": BASE + 600_000}
    scene.clock.advance(20)
    scene.api.reads = [FORBIDDEN] * 4
    drive(scene.visit(60), None)
    assert scene.api.calls == []
    assert scene.api.counters["like"] == 5
    assert scene.row.is_settled


def test_a_late_landing_tells_every_operation_that_it_settles_its_values() -> None:
    """Those of the queue have other counters than the open attempt, and a right to their values as well (R5)."""
    a, b = entry("a", alone=True), entry("b", alone=True, share=2)
    merged = Remembered(attempt(entry("a"), entry("b", share=2), name="past", weight=700_001), refused=True)
    scene = Scene(row(attempt(a), (b,), (merged,)))
    scene.api.counters = {"like": 5, "share": 2, "_receipt": BASE + 700_001}
    scene.clock.advance(6)
    drive(scene.visit(1), None)
    assert scene.ledger.find(GROUP, ["b"])["b"].answer == Applied((("share", 2),), observed_later=True)


def test_a_receipt_that_is_missing_is_believed_to_be_when_it_was_missing_three_times() -> None:
    scene = Scene(row())
    looking = scene.visit(20)
    missing, there = Counted({"like": 5}, NOW), Counted({"_receipt": BASE}, NOW)
    scene.api.reads = [missing, missing, there, missing, missing, missing]
    found = [see(looking, row(), ()) for _ in range(6)]
    assert found[:2] == found[3:5] == [Again(), Again()]
    assert isinstance(found[2], Observation)
    assert isinstance(found[5], Observation)
    assert (found[2].receipt.value, found[5].receipt.value) == (BASE, 0)
    assert looking.in_a_row.absences == TIMES_BELIEVED


def test_a_group_that_could_be_read_in_between_is_not_gone() -> None:
    scene = Scene(row())
    looking = scene.visit(20)
    scene.api.reads = [GONE, GONE, Counted({"_receipt": BASE}, NOW), GONE, GONE]
    for _ in range(5):
        see(looking, row(), ())
    assert looking.in_a_row.refusals == 2
    assert not looking.group_is_gone


def test_what_is_seen_is_as_old_as_its_question() -> None:
    """The `Date` of the answer alone proves nothing about it, nor does one that was heard before (R4 b)."""
    scene = Scene(row())
    scene.instance.api_clock.learn(NOW + 2)
    scene.api.counters = {"_receipt": BASE, "like": 3}
    looking = scene.visit(20)
    one, other = see(looking, row(), ()), see(looking, row(), ())
    assert isinstance(one, Observation)
    assert isinstance(other, Observation)
    assert (one.receipt, other.receipt) == (ReceiptReading(BASE, None), ReceiptReading(BASE, NOW))
    assert (one.counters.values, one.counters.later) == ({"_receipt": BASE, "like": 3}, True)


def test_only_the_operation_at_fault_is_rejected() -> None:
    scene = Scene(row())
    scene.api.updates = [INVALID, INVALID]
    outcomes = scene.counters.apply(GROUP.id, [increase("a"), increase("b", share=1)], scene.budget(30))
    assert outcomes == [Rejected(10004, "invalid parameter"), Applied((("share", 1),))]


def test_a_dead_attempt_in_a_group_that_is_gone_is_given_up() -> None:
    """The next one will be told so, and its operations with it; a living one may still land if the group comes back."""
    for passed_s, stays in ((5, True), (12, False)):
        scene = Scene(row(attempt(entry("a"))))
        scene.hear(passed_s)
        looking = scene.visit(20)
        scene.api.reads = [dataclasses.replace(GONE, date=NOW + passed_s)] * 3
        for _ in range(3):
            see(looking, row(attempt(entry("a"))), ())
        assert (scene.row.attempt is not None) == stays


def test_a_refusal_is_confirmed_once() -> None:
    """Somebody else's change came in between: the receipt is not read again for it."""
    scene = Scene(row())
    scene.api.updates = [RATE]
    first(scene.api, "read", lambda: scene.ledger.before_swap.append(scene.grow))
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(30))
    assert (len(scene.api.asked), len(scene.api.calls)) == (1, 2)


def test_a_refusal_that_could_not_be_written_sets_nobody_back() -> None:
    before = row(attempt(entry("a")))
    scene = Scene(before)
    scene.ledger.before_swap = [scene.grow]
    refused = scene.visit(20)
    refused.own = OwnCall("attempt", is_sent=True, reply=RATE)
    follows = confirmed(refused, before, attempt(entry("a")), RATE)
    assert isinstance(follows, Again)
    assert follows.after_s == pytest.approx(CONTENTION_S, rel=0.5)
    assert (refused.setbacks, refused.own.is_confirmed, scene.notices.told) == (0, True, [])


def test_two_codes_of_one_kind_are_the_same_reason() -> None:
    """A rate code of the read confirms one of the call, whichever they are (R4 c)."""
    scene = Scene(row())
    scene.api.updates = [RATE]
    scene.api.reads = [dataclasses.replace(RATE, code=60008)]
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(30))
    assert (len(scene.api.asked), len(scene.api.calls)) == (1, 2)


def test_an_own_call_is_looked_for_although_the_app_is_refused() -> None:
    """Its caller waits for what became of it; other people's calls are left alone."""
    for sent, looks in (("attempt", 1), (None, 0)):
        before = row(attempt(entry("a")))
        scene = Scene(before)
        scene.instance.breaker.trip(ARREARS)
        looking = scene.visit(20)
        looking.own = OwnCall(sent, is_sent=True) if sent else None
        follows = look(looking, before, attempt(entry("a")))
        assert len(scene.api.asked) == looks
        assert (follows == Stop(ARREARS)) == (not looks)


def test_a_lost_settlement_is_found_by_the_next_look() -> None:
    scene = Scene(row())
    scene.ledger.settlements_lost = 1
    assert scene.outcome(increase("a"), 30) == Applied((("like", 5),), observed_later=True)
    assert len(scene.api.calls) == 1
